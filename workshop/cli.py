"""The `workshop` command."""

from __future__ import annotations

import argparse
import io
import os
import shlex
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from .paths import MissingFolder, exercises_folder, repository
from .stages import Stage, UnknownStage, exercises, find

OK, FAILED, WRONG_CALL = 0, 1, 2


class WrongCall(Exception):
    """The command cannot do what was asked; the message says what to do instead."""


def main(argv: list[str] | None = None) -> int:
    """Runs a command; returns 0 (all well), 1 (a check failed) or 2 (a wrong call)."""
    args = parser().parse_args(argv)
    try:
        return args.run(args)
    except (WrongCall, UnknownStage, MissingFolder) as error:
        print(error, file=sys.stderr)
        return WRONG_CALL
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="workshop", description="The AWS Lambda workshop.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    cloud = commands.add_parser("cloud", help="run the local cloud until Ctrl-C")
    cloud.add_argument("--port", type=int, default=5000, help="0: any free port (default: 5000)")
    cloud.add_argument(
        "--internet", action="store_true", help="let functions reach your network and the internet"
    )
    cloud.set_defaults(run=run_cloud)

    check = commands.add_parser("check", help="grade stages (all of them if you name none)")
    check.add_argument("stage", nargs="*", metavar="STAGE", help="01, stage_01 or a full name")
    check.add_argument("--exercises", metavar="DIR", help="the folder to grade")
    check.add_argument("--endpoint-url", metavar="URL", help="deploy to another AWS endpoint")
    check.add_argument("--json", metavar="FILE", help="also write the results there, as JSON")
    check.set_defaults(run=run_check)

    invoke = commands.add_parser(
        "invoke", help="deploy your function for a stage as it is, and invoke it once"
    )
    invoke.add_argument("stage", metavar="STAGE")
    invoke.add_argument(
        "event",
        nargs="?",
        metavar="EVENT.json",
        help="the event to send (default: the stage's event.json)",
    )
    invoke.set_defaults(run=run_invoke)

    hint = commands.add_parser("hint", help="show one more hint for a stage")
    hint.add_argument("stage", metavar="STAGE")
    hint.set_defaults(run=run_hint)

    reset = commands.add_parser("reset", help="restore a stage's stub; your file is kept")
    reset.add_argument("stage", metavar="STAGE")
    reset.add_argument(
        "--notebook", action="store_true", help="restore its notebook in my_notebooks instead"
    )
    reset.set_defaults(run=run_reset)

    commands.add_parser("progress", help="show where you are").set_defaults(run=run_progress)
    commands.add_parser("doctor", help="show what is wrong with this machine").set_defaults(
        run=run_doctor
    )
    return top


def run_cloud(args: argparse.Namespace) -> int:
    """Serves until Ctrl-C or TERM."""
    from . import aws_script
    from .cloud import LocalCloud, PortTaken
    from .cloud.base.variables import scrub

    if not 0 <= args.port <= 65535:
        raise WrongCall(f"A port is a number from 0 to 65535, not {args.port}.")
    scrub(os.environ)  # a profile of yours means nothing here
    aws_script.main()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    try:
        cloud = LocalCloud(args.port, internet=args.internet).start()
    except PortTaken as error:
        raise WrongCall(str(error)) from None
    try:
        print("# Paste these lines into another terminal, for the AWS CLI and boto3:")
        for line in _lines_to_paste(cloud.environ()):
            print(line)
        print(f"# The local cloud is ready ({cloud.isolation}). Ctrl-C ends it.", flush=True)
        while not stop.wait(0.5):  # a wait without end would not see Ctrl-C on Windows
            pass
    finally:
        cloud.close()
    return OK


def _lines_to_paste(variables: Mapping[str, str]) -> list[str]:
    """The commands that point a terminal at a cloud: its own AWS variables go, our `aws` leads."""
    from .aws_script import beside

    if sys.platform == "win32":
        set_all = [f"$env:{name} = '{value}'" for name, value in variables.items()]
        return ["Remove-Item Env:AWS_*", *set_all, f"$env:PATH = '{beside()};' + $env:PATH"]
    # zsh wants one name at least behind `unset`.
    named = "$(env | sed -n 's/^\\(AWS_[A-Za-z0-9_]*\\)=.*/\\1/p')"
    set_all = [f"export {name}='{value}'" for name, value in variables.items()]
    return [
        f"unset AWS_PROFILE {named}",
        *set_all,
        f"export PATH={shlex.quote(str(beside()))}:$PATH",
    ]


def run_check(args: argparse.Namespace) -> int:
    """Grades and reports."""
    from .grading import progress, report
    from .grading.runner import passes, run_checks

    chosen = [_with_exercise(find(name)) for name in args.stage] or list(exercises())
    folder = exercises_folder(args.exercises)
    _print_any_character()
    results = run_checks(chosen, folder, args.endpoint_url)
    for stage in chosen:
        of_stage = [result for result in results if result.stage == stage.name]
        print(report.text(stage, of_stage, folder), end="\n\n")
        if _is_the_learners(folder):
            progress.remember(stage, of_stage)
    if args.json:
        _write(Path(args.json), report.as_json(results))
    return OK if passes(results) else FAILED


def run_invoke(args: argparse.Namespace) -> int:
    """Invokes the learner's function in a cloud of its own; its error is exit code 1."""
    from .cloud import LocalCloud
    from .cloud.base.variables import scrub
    from .examples.invoke import NoEvent, account_of, example_event, invoke, read_event

    stage, folder = _with_exercise(find(args.stage)), exercises_folder()
    try:
        event = read_event(Path(args.event)) if args.event else example_event(stage, folder)
    except NoEvent as error:
        raise WrongCall(str(error)) from None
    _print_any_character()
    scrub(os.environ)
    with LocalCloud() as cloud:
        answered, lines = invoke(stage, folder, event, account_of(cloud))
    print("\n".join(lines))
    return OK if answered else FAILED


def run_hint(args: argparse.Namespace) -> int:
    """Shows one more hint."""
    from .grading.progress import next_hint

    stage = _with_exercise(find(args.stage))
    number, text = next_hint(stage)
    print(f"Hint {number} of {len(stage.hints)}: {text}")
    if number == len(stage.hints):
        print(f"That was the last hint. The solution is solutions/{stage.name}/handler.py.")
    return OK


def run_reset(args: argparse.Namespace) -> int:
    """Brings the stub back, or the notebook."""
    stage = find(args.stage)
    if args.notebook:
        from .copies import bring_back

        done = bring_back(stage, repository())
    else:
        from .grading.reset import reset

        done = reset(_with_exercise(stage), exercises_folder())
    for line in done:
        print(line)
    return OK


def run_progress(args: argparse.Namespace) -> int:
    """Shows the table."""
    from .grading.progress import table

    print(table())
    return OK


def run_doctor(args: argparse.Namespace) -> int:
    """Looks at the machine."""
    from .doctor import findings

    found = list(findings())
    for finding in found:
        print(("ok       " if finding.ok else "PROBLEM  ") + finding.text)
    return OK if all(finding.ok for finding in found) else FAILED


def _with_exercise(stage: Stage) -> Stage:
    if not stage.exercise:
        raise WrongCall(f"Stage {stage.number} has no exercise, only a notebook.")
    return stage


def _is_the_learners(folder: Path) -> bool:
    """Whether what is graded there is the learner's own progress."""
    try:
        return folder == exercises_folder()
    except MissingFolder:  # and another one was named
        return False


def _print_any_character() -> None:
    """Has a terminal or a file that lacks a character get it as an escape: Ł as `\\u0141`."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise WrongCall(f"The results cannot be written to {file}: {error.strerror}.") from None
