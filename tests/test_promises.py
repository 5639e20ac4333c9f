"""The repository keeps its promises, and each promise notices when it is broken."""

from __future__ import annotations

import re
import shutil

import promises
import pytest
from promises import OWN_FOLDERS, PROMISES

from workshop.paths import repository


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_is_kept(promise):
    broken = list(promise(repository()))
    assert not broken, "\n".join(broken)


MISTAKES_01 = "tests/mistakes/stage_01_hello_lambda.toml"
CHECKS_01 = "checks/stage_01_hello_lambda/test_hello_lambda.py"
# promise: the file to break, what to replace in it (a regular expression; None: remove it), by
# what, and words of the complaint that name what fixes it.
BREAKS = [
    (
        "every_stage_is_complete_under_one_name",
        ("solutions/stage_01_hello_lambda/handler.py", None, ""),
        "make solutions/stage_01_hello_lambda/handler.py",
    ),
    (
        "every_stage_is_complete_under_one_name",
        ("notebooks/00_start_here.ipynb", None, ""),
        "make notebooks/00_start_here.ipynb",
    ),
    (
        "every_chapter_has_its_parts",
        ("Activity.md", "### Checkpoint", "### Questions"),
        "write the section '### Checkpoint'",
    ),
    (
        "every_chapter_has_its_parts",
        ("Activity.md", "## Stage 01: Hello", "## Stage 01: Hullo"),
        "has no chapter '## Stage 01: Hello",
    ),
    (
        "chapters_and_notebooks_share_no_prose",
        (
            "notebooks/00_start_here.ipynb",
            r'"## Checkpoint\\n"',
            '"## Checkpoint\\n",\n"An environment handles *one* `request`\\n",\n"at a time.\\n"',
        ),
        "stage 00: chapter and notebook both say 'An environment",
    ),
    (
        "the_learners_stub_is_cut_from_the_solution",
        ("exercises/stage_01_hello_lambda/handler.py", "return {}", "return None"),
        "`workshop reset 01",
    ),
    (
        "the_learners_stub_is_cut_from_the_solution",
        ("solutions/stage_01_hello_lambda/handler.py", '"""Prices one ride', '"""Prices a ride'),
        "is not the solution without what is between its marks",
    ),
    (
        "every_stage_with_an_exercise_has_hints",
        ("workshop/stages.toml", r"hints = \[\n.*?\n\]", "hints = []"),
        "write three hints or more for stage_01",
    ),
    (
        "every_assertion_of_a_check_has_a_message",
        (CHECKS_01, r"\Z", "\n\ndef helper():\n    assert True\n"),
        "give the assertion its message",
    ),
    (
        "every_check_says_what_it_means",
        (CHECKS_01, r"\Z", "\n\ndef test_new():\n    pass\n"),
        "test_new needs a docstring",
    ),
    (
        "every_check_is_tripped_by_a_mistake",
        (CHECKS_01, r"\Z", "\n\ndef test_new():\n    pass\n"),
        "write a mistake in tests/mistakes/stage_01_hello_lambda.toml that test_new catches",
    ),
    (
        "every_check_is_tripped_by_a_mistake",
        (MISTAKES_01, "test_money_is", "test_gold_is"),
        "which is no check of stage_01",
    ),
    (
        "internal_links_resolve",
        ("README.md", r"\(data/README.md\)", "(data/LESEMICH.md)"),
        "links to data/LESEMICH.md, which is not there",
    ),
    (
        "internal_links_resolve",
        ("Activity.md", r"\(#stage-00-start-here\)", "(#stage-99)"),
        "no heading has that anchor",
    ),
    (
        "every_runtime_named_can_be_created",
        ("Activity.md", "python3.14", "python3.8"),
        "names python3.8, which AWS lets nobody create",
    ),
    (
        "every_quantity_from_aws_is_known",
        ("Activity.md", r"1,000 environments every 10 s", "1,000 environments every 20 s"),
        "stage 00 says '20 s'",
    ),
    (
        "every_quantity_from_aws_is_known",
        ("workshop/facts.toml", r'"900 s"', '"900 s", "7 hours"'),
        "no stage says '7 hours'",
    ),
    (
        "every_price_is_the_one_that_bills_use",
        ("workshop/facts.toml", r'"\$0\.20"', '"$0.21"'),
        "says $0.21, which workshop/prices.toml does not have",
    ),
    (
        "every_chapter_ends_with_its_sources",
        ("Activity.md", "### Sources", "### Links"),
        "stage 00: end with '### Sources'",
    ),
    (
        "requirements_are_pinned_and_explained",
        ("requirements.txt", "psutil==", "psutil>="),
        "pin it exactly: psutil>=",
    ),
    (
        "requirements_are_pinned_and_explained",
        ("requirements.txt", "psutil==", "numpy==1.0\npsutil=="),
        "say why numpy is there",
    ),
    (
        "every_table_of_stages_says_the_minutes",
        ("workshop/stages.toml", "core = 20", "core = 21"),
        "README.md: the row of stage 00 says other minutes",
    ),
    (
        "every_table_of_stages_says_the_minutes",
        ("README.md", r"about \d+ hours", "about 2 hours"),
        "README.md: say that the stages take",
    ),
    (
        "imports_point_one_way",
        ("workshop/cloud/local.py", r"\Z", "\nfrom ..grading import words\n"),
        "workshop/cloud/local.py imports grading",
    ),
    (
        "imports_point_one_way",
        ("workshop/cloud/local.py", r"\Z", "\nfrom workshop.stages import find\n"),
        "the cloud knows nothing of stages",
    ),
    (
        "the_clouds_layers_import_downwards",
        ("workshop/cloud/access/policy.py", r"\Z", "\nfrom ..functions.pools import Pools\n"),
        "workshop/cloud/access/policy.py imports functions: access must not know of it",
    ),
    (
        "the_clouds_layers_import_downwards",
        ("workshop/cloud/base/model.py", r"\Z", "\nfrom workshop.cloud.http import api\n"),
        "workshop/cloud/base/model.py imports http: base must not know of it",
    ),
    (
        "the_clouds_layers_import_downwards",
        (
            "workshop/cloud/access/policy.py",
            r"\Z",
            "\nif TYPE_CHECKING:\n    from .role import Role\n",
        ),
        "in a circle: workshop.cloud.access.",
    ),
    (
        "nothing_names_one_machine",
        ("Activity.md", r"\Z", "\nSee /" + "home/anna/project.\n"),
        "names one machine",
    ),
    ("prose_is_calm", ("README.md", r"\Z", "\nIt is great!\n"), "no exclamation marks"),
    (
        "every_notebook_starts_the_cloud_first",
        ("notebooks/00_start_here.ipynb", "%load_ext workshop.notebook", "%load_ext other"),
        "the first cell loads workshop.notebook",
    ),
    (
        "every_notebook_starts_the_cloud_first",
        ("notebooks/00_start_here.ipynb", r'"boto3.client\(', '"import boto3; boto3.client('),
        "only the first cell imports boto3",
    ),
    (
        "every_notebook_starts_the_cloud_first",
        ("notebooks/00_start_here.ipynb", r'"boto3.client\(', '"!aws sts get-caller-identity('),
        "a shell would find another `aws`",
    ),
    ("ci_runs_make_test", (".ci/run", r"\nmake test ", "\ntrue "), "runs `make test`"),
    ("ci_runs_make_test", (".ci/run", "=--every-mistake", "=-q"), "grades every mistake"),
    ("ci_runs_make_test", (".ci/run", "isolation or", "other or"), "ends with the tests that"),
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The repository without its history and its virtual environment."""
    target = tmp_path_factory.mktemp("copy") / "repository"
    left_out = shutil.ignore_patterns(*OWN_FOLDERS, "*.egg-info")
    return shutil.copytree(repository(), target, ignore=left_out)


@pytest.mark.parametrize(("name", "change", "words"), BREAKS, ids=[b[0] for b in BREAKS])
def test_is_noticed_when_broken(copy, name, change, words):
    file, pattern, replacement = change
    path = copy / file
    before = path.read_bytes()
    if pattern is None:
        path.unlink()
    else:
        text = before.decode("utf-8")
        changed = re.sub(pattern, lambda _: replacement, text, count=1, flags=re.DOTALL)
        assert changed != text, f"{pattern} is not in {file}"
        path.write_text(changed, encoding="utf-8", newline="")
    try:
        complaints = list(getattr(promises, name)(copy))
    finally:
        path.write_bytes(before)
    assert any(words in complaint for complaint in complaints), complaints


def test_every_promise_is_broken_once():
    assert {name for name, _, _ in BREAKS} == {promise.__name__ for promise in PROMISES}
