"""Fixtures of several test files: a local cloud for a whole file. And which tests go first."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest
from lab import NO_BUBBLEWRAP, Lab
from watching import watch_all

from workshop import aws_script
from workshop.cloud import LocalCloud
from workshop.cloud.base.variables import scrub
from workshop.cloud.sandbox.launcher import bubblewrap_works

# Their tests take seconds each, and share nothing but a stage's grades: they go first, to any
# process that is free.
LONG = (
    "test_stage_checks.py",
    "test_activity.py",
    "test_notebooks.py",
    "test_cloud_seam_releases.py",
)
# These take long as well, and share a cloud: they go first, together.
FIRST = (*LONG, "test_no_account.py")


# What a function prints, answers and may use, in a cloud that takes bubblewrap where it is:
# .ci/run runs them without it, too. Those with the fixture `isolated_lab` do both by themselves.
ISOLATION = (
    "test_cloud_cpu_share.py",
    "test_cloud_invoke.py",
    "test_cloud_logs.py",
    "test_cloud_output.py",
    "test_hostile_functions.py",
    "test_hostile_sandboxes.py",
)


def pytest_addoption(parser):
    parser.addoption(
        "--every-mistake",
        action="store_true",
        help="grade all of tests/mistakes/, not only enough to trip each assertion",
    )


def pytest_configure(config):
    """What the tests check is not what the learner has done, and no account of theirs."""
    os.environ["WORKSHOP_STATE"] = tempfile.mkdtemp(prefix="workshop-state-")
    scrub(os.environ)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell starts what runs in its background so, and every child inherits it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    aws_script.main()
    watch_all(Path(os.environ["WORKSHOP_STATE"]) / "left-this-machine")


def pytest_unconfigure(config):
    shutil.rmtree(os.environ.pop("WORKSHOP_STATE"))


@pytest.fixture(autouse=True)
def nothing_leaves_this_machine():
    """Fails a test during which a Python process tried to reach another machine."""
    seen = Path(os.environ["WORKSHOP_WATCH"])
    before = seen.stat().st_size
    yield
    if seen.stat().st_size > before:
        pytest.fail("something was to be sent:\n" + seen.read_bytes()[before:].decode())


def pytest_xdist_auto_num_workers():
    """One more than there are CPUs, since many tests wait for something."""
    return min(os.cpu_count() or 1, 7) + 1


def pytest_collection_modifyitems(items):
    """The long ones first; those of whole files that differ without bubblewrap are marked."""
    for item in items:
        if item.path.name in ISOLATION:
            item.add_marker("isolation")
    items.sort(key=lambda item: item.path.name not in FIRST)  # stable


def pytest_xdist_make_scheduler(config, log):
    """The tests of a file stay in one process, with their cloud; the long ones are spread."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file, _, test = nodeid.partition("::")
            if not file.endswith(LONG):
                return file
            if file.endswith("test_stage_checks.py"):
                return file + test.partition("[")[2]  # a stage's tests share its grades
            return nodeid

    return ByFile(config, log)


@pytest.fixture(scope="module")
def lab():
    """A cloud as a learner has it."""
    with LocalCloud() as cloud:
        yield Lab(cloud)


@pytest.fixture(scope="module", params=["bubblewrap", "process"])
def isolated_lab(request):
    """A cloud with each isolation in turn."""
    if request.param == "bubblewrap" and not bubblewrap_works():
        pytest.skip(NO_BUBBLEWRAP)
    with LocalCloud(isolation="auto" if request.param == "bubblewrap" else "process") as cloud:
        yield Lab(cloud)
