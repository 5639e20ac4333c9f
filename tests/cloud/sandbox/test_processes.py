"""A function's processes are frozen and ended, and no other process ever is."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil
import pytest
from waiting import until

from workshop.cloud.sandbox import processes
from workshop.cloud.sandbox.processes import ProcessTree

SLEEPS = "import time; time.sleep(60)"
STARTS_ONE = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
WAIT = 30  # seconds, to tell what happens from what does not


@pytest.fixture
def start():
    """Starts Python with arguments, as the leader of a group; all end with the test."""
    started = []

    def start(*arguments):
        process = subprocess.Popen([sys.executable, "-c", *arguments], start_new_session=True)
        started.append(process)
        return process

    yield start
    for process in started:
        ProcessTree(process).kill()


def has_child(tree):
    """Whether STARTS_ONE has started its process, and that one runs a command of its own."""
    commands = [psutil.Process(pid).cmdline() for pid in tree.look()]
    return sorted(map(len, commands)) == [3, 4]


def is_stopped(pid):
    return psutil.Process(pid).status() == psutil.STATUS_STOPPED


def test_every_process_is_frozen_and_goes_on(start):
    tree = ProcessTree(start(STARTS_ONE, SLEEPS))
    until(lambda: has_child(tree))
    for _ in range(2):
        assert tree.freeze()
        until(lambda: all(is_stopped(pid) for pid in tree.look()))
        tree.thaw()
        until(lambda: not any(is_stopped(pid) for pid in tree.look()))


def test_what_was_started_since_the_last_time_is_frozen_too(start):
    tree = ProcessTree(start(f"import time; time.sleep(0.3); {STARTS_ONE}", SLEEPS))
    assert tree.freeze()
    tree.thaw()
    until(lambda: has_child(tree))
    assert tree.freeze()
    until(lambda: all(is_stopped(pid) for pid in tree.look()))


@pytest.mark.parametrize("outer", ["function", "keeper", "sandbox"])
def test_a_number_that_is_another_process_s_by_now_is_not_frozen(start, monkeypatch, outer):
    stranger = start(SLEEPS)
    tree = ProcessTree(start(SLEEPS), outer)
    looks = iter([[stranger.pid]])  # it was the function's at the first look, and ended then
    monkeypatch.setattr(tree, "look", lambda: next(looks, []))
    sent = []
    monkeypatch.setattr(processes.Held, "_send", lambda held, number: sent.append(number))
    assert tree.freeze()
    tree.thaw()
    assert sent == []
    assert not is_stopped(stranger.pid)


def test_a_process_that_has_ended_is_let_go_of(start):
    tree = ProcessTree(start(STARTS_ONE, SLEEPS))
    until(lambda: has_child(tree))
    assert tree.freeze()
    child = next(pid for pid in tree.look() if pid != tree.pid)
    tree.thaw()
    psutil.Process(child).kill()
    until(lambda: child not in tree.look())
    assert tree.freeze()
    assert child not in tree._held  # the next process with its number is nobody's here


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups to signal")
def test_a_process_that_was_waited_for_gets_no_signal(start, monkeypatch):
    process = start("pass")
    process.wait()
    sent = []
    monkeypatch.setattr(os, "killpg", lambda *signal: sent.append(signal))
    monkeypatch.setattr(os, "kill", lambda *signal: sent.append(signal))
    monkeypatch.setattr(psutil, "pid_exists", lambda pid: True)  # another one has its number
    for outer in ("function", "keeper", "sandbox"):
        ProcessTree(process, outer).kill()
    assert sent == []
