"""What the checks run with: the learner's folder, an AWS to deploy to, the deployed function.

pytest checks                            grades exercises/
pytest checks --exercises solutions      grades the solutions
pytest checks -k stage_01                one stage
pytest checks --endpoint-url URL         against another AWS endpoint
"""

from __future__ import annotations

import os

import pytest

from workshop.cloud import LocalCloud
from workshop.cloud.environ import scrub
from workshop.grading.function import ROLE, Function, deploy
from workshop.grading.outcomes import UNCHECKED, Outcomes, plain
from workshop.paths import MissingFolder, exercises_folder


def pytest_configure(config):
    config.option.tbstyle = "no" if config.option.tbstyle == "auto" else config.option.tbstyle
    config.pluginmanager.register(Outcomes(), "workshop-outcomes")
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
def client(pytestconfig):
    """Makes boto3 clients: of the local cloud, or of the endpoint that was named."""
    url = pytestconfig.getoption("--endpoint-url")
    if url:
        import boto3

        yield lambda service: boto3.client(service, endpoint_url=url)
        return
    before = dict(os.environ)
    scrub(os.environ)
    with LocalCloud() as cloud:
        os.environ.update(cloud.environ())
        yield cloud.client
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def function(request, client, pytestconfig) -> Function:
    """The stage's function, deployed once for its checks."""
    stage = request.path.stem.removeprefix("test_")
    folder = exercises_folder(pytestconfig.getoption("--exercises")) / stage
    deployed = deploy(client("lambda"), folder, os.environ.get("WORKSHOP_ROLE_ARN", ROLE))
    yield deployed
    deployed.delete()
