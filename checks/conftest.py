"""What the checks run with: the learner's folder, an AWS to deploy to, the deployed function.

pytest checks                            grades exercises/
pytest checks --exercises solutions      grades the solutions
pytest checks -k stage_01                one stage
pytest checks --endpoint-url URL         against another AWS endpoint
"""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any

import pytest

from workshop.cloud import LocalCloud
from workshop.cloud.environ import scrub
from workshop.grading import fresh
from workshop.grading.account import Account
from workshop.grading.endpoint import clients, idle_of
from workshop.grading.function import ROLE, Function
from workshop.grading.function import deploy as deploy_folder
from workshop.grading.outcomes import UNCHECKED, Outcomes, plain
from workshop.paths import MissingFolder, exercises_folder


def pytest_configure(config):
    config.option.tbstyle = "no" if config.option.tbstyle == "auto" else config.option.tbstyle
    config.pluginmanager.register(Outcomes(), "workshop-outcomes")
    config.pluginmanager.register(fresh.Seeded(), "workshop-fresh")
    try:
        exercises_folder(config.getoption("--exercises"))
    except MissingFolder as error:
        raise pytest.UsageError(str(error)) from None


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Shows what the check says, and nothing of how it is built."""
    report = (yield).get_result()
    if call.excinfo is None:
        return
    error = call.excinfo.value
    if isinstance(error, AssertionError):
        report.longrepr = plain(error)
        report.outcome = "failed"
        report.when = "call"  # a folder that cannot be deployed is a failure, not an error
    else:
        report.longrepr = f"{UNCHECKED}: {type(error).__name__}: {error}"


@pytest.hookimpl(tryfirst=True)
def pytest_terminal_summary(terminalreporter):
    """Prints each failure's message, which `--tb=no` would leave out."""
    for kind in ("failed", "error"):
        for report in terminalreporter.getreports(kind):
            terminalreporter.section(report.nodeid.split("::")[-1], sep="-")
            terminalreporter.write_line(str(report.longrepr))


@pytest.fixture(scope="session")
def aws(pytestconfig):
    """A boto3 client of each service asked for, and what waits until AWS is idle (or None).

    They are the local cloud's, or those of the endpoint that was named.
    """
    url = pytestconfig.getoption("--endpoint-url")
    if url:
        yield clients(url), idle_of(url)
        return
    before = dict(os.environ)
    scrub(os.environ)
    with LocalCloud() as cloud:
        os.environ.update(cloud.environ())
        yield functools.cache(cloud.client), cloud.idle
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def account(aws, pytestconfig):
    """Where a check file makes its resources; elsewhere they are deleted after its checks."""
    client, idle = aws
    made = Account(client, idle)
    yield made
    if pytestconfig.getoption("--endpoint-url"):  # a local cloud of our own ends, with all in it
        made.close()


@pytest.fixture(scope="module")
def folder(request, pytestconfig) -> Path:
    """The learner's folder of the stage."""
    stage = request.path.stem.removeprefix("test_")
    return exercises_folder(pytestconfig.getoption("--exercises")) / stage


@pytest.fixture(scope="module")
def values() -> dict[str, str]:
    """What the placeholders in function.json stand for, by name; a check file may override it."""
    return {}


@pytest.fixture(scope="module")
def deploy(account, folder, values):
    """Deploys the learner's function: `deploy(VARIABLE="value", ...)`, as often as wanted.

    The keywords are environment variables beside those of function.json. `changes`, as in
    `deploy({"Timeout": 30})`, win over its other settings.
    """

    def deploy_with(changes: dict[str, Any] | None = None, /, **variables: str) -> Function:
        role = os.environ.get("WORKSHOP_ROLE_ARN", ROLE)
        client = account.client("lambda")
        deployed = deploy_folder(client, folder, role, variables, values, changes)
        account.later(deployed.delete)
        return deployed

    return deploy_with


@pytest.fixture(scope="module")
def function(deploy) -> Function:
    """The stage's function, deployed once for its checks."""
    return deploy()
