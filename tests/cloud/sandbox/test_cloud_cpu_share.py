"""The part of a CPU that memory buys: measured in CPU time, which other work cannot falsify."""

from __future__ import annotations

import os
import time

import pytest

from workshop.cloud.sandbox.cpu import CpuShare, share

# Uses CPU for a while and answers which part of the time it had one.
BUSY = """
import time
def handler(event, context):
    began, used = time.perf_counter(), time.process_time()
    while time.process_time() - used < event["cpu_s"]:
        pass
    return (time.process_time() - used) / (time.perf_counter() - began)
"""
CHILD = """
import subprocess, sys, time
CODE = "import time; u = time.process_time()\\nwhile time.process_time() - u < {}: pass"
def handler(event, context):
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", CODE.format(event["cpu_s"])], check=True)
    return event["cpu_s"] / (time.perf_counter() - began)
"""


@pytest.fixture(autouse=True)
def limited(lab):
    lab.cloud.cpu_share = True
    yield
    lab.cloud.cpu_share = False


@pytest.mark.parametrize("memory", [256, 442])
def test_a_busy_function_gets_its_part_and_no_more(lab, memory):
    """Twice its part is allowed for: what it used since the last look is not held against it."""
    name = lab.create(BUSY, MemorySize=memory, Timeout=30)
    assert least(lab, name, {"cpu_s": 0.15}, share(memory) * 2) < share(memory) * 2


def least(lab, name, event, enough):
    """The smallest part of three tries: on a busy machine the last look may come late."""
    parts = []
    while len(parts) < 3 and not (parts and min(parts) < enough):
        parts.append(lab.invoke(name, event).value)
    return min(parts)


def test_what_is_used_before_the_first_look_counts(monkeypatch):
    """However late the governing thread comes: what was used is paid for in time."""
    used = iter([5.0, 5.25])  # CPU seconds: before the invocation, and when it is first looked at
    monkeypatch.setattr("workshop.cloud.sandbox.cpu._cpu_seconds", lambda process: next(used, 5.25))
    held = []
    part = CpuShare(lambda: [os.getpid()], 0.1)
    monkeypatch.setattr(part, "_suspend_for", lambda seconds: held.append(seconds))
    with part:
        while not held:
            time.sleep(0.001)
    assert held[0] == pytest.approx(2.5, abs=0.5)


def test_a_child_process_counts(lab):
    name = lab.create(CHILD, MemorySize=512, Timeout=30)
    assert least(lab, name, {"cpu_s": 0.2}, share(512) * 1.5) < share(512) * 1.5


def test_more_memory_more_cpu(lab, monkeypatch):
    """By the share that each size is held to: how long it takes, a busy machine decides."""
    shares = []
    original = CpuShare.__init__

    def noting(self, pid, part):
        shares.append(part)
        original(self, pid, part)

    monkeypatch.setattr(CpuShare, "__init__", noting)
    name = lab.create(BUSY, MemorySize=128)
    lab.invoke(name, {"cpu_s": 0.05})
    lab.client.update_function_configuration(FunctionName=name, MemorySize=512)
    lab.invoke(name, {"cpu_s": 0.05})
    assert shares == pytest.approx([128 / 1769, 512 / 1769])


def test_a_suspended_function_still_times_out(lab):
    name = lab.create(BUSY, MemorySize=128, Timeout=1)
    answer = lab.invoke(name, {"cpu_s": 60})
    assert answer.value["errorType"] == "Sandbox.Timedout"
    assert lab.invoke(name, {"cpu_s": 0.001}).error is None


def test_shares():
    assert share(128) == pytest.approx(128 / 1769)
    assert share(1769) == share(10_240) == 1.0
