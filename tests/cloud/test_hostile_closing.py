"""A start that fails leaves nothing behind, and closing comes to an end, whatever fails in it."""

from __future__ import annotations

import socket
import threading

import pytest
from lab import Lab
from waiting import until

from workshop.cloud import LocalCloud, PortTaken
from workshop.cloud.sandbox.environment import Environment
from workshop.cloud.seam.hooks import hooks_or_none

WAIT = 30  # seconds, to tell what hangs from what ends


def fail(*_):
    raise KeyError("no such bike")


def test_a_port_that_is_taken_leaves_nothing_behind():
    with LocalCloud() as cloud:
        port = int(cloud.endpoint_url.rpartition(":")[2])
        names = {each.name for each in threading.enumerate()}
    with socket.create_server(("127.0.0.1", port)):
        failed = LocalCloud(port)
        with pytest.raises(PortTaken):
            failed.start()
        assert hooks_or_none() is None
        assert not failed._folder.exists()
        failed.close()
    until(lambda: "ending idle environments" not in {t.name for t in threading.enumerate()})
    assert "ending idle environments" in names
    with failed:  # the same one, now that the port is free
        assert Lab(failed).run("def handler(event, context): return 1") == 1


@pytest.mark.parametrize("part", ["mappings", "invoker", "clock"])
def test_every_step_of_closing_is_done(part, monkeypatch, capsys):
    cloud = LocalCloud().start()
    monkeypatch.setattr(getattr(cloud._parts, part), "close", fail)
    cloud.close()
    cloud.close()
    assert "closing the cloud: " in capsys.readouterr().err
    assert "KeyError: 'no such bike'" in cloud.problems()[-1]
    assert hooks_or_none() is None
    assert not cloud._folder.exists()
    with LocalCloud():
        pass


def test_closing_ends_whatever_functions_do(monkeypatch):
    """An environment that never ends holds nobody up for long."""
    never = threading.Event()
    monkeypatch.setattr("workshop.cloud.base.closing.WITHIN_S", 0.5)
    cloud = LocalCloud().start()
    Lab(cloud).run("def handler(event, context): return 1")
    monkeypatch.setattr(Environment, "close", lambda self: never.wait(WAIT * 10))
    thread = threading.Thread(target=cloud.close, daemon=True)
    thread.start()
    thread.join(WAIT)
    assert not thread.is_alive()
    never.set()
    with LocalCloud():
        pass


def test_who_waits_is_let_go_when_the_cloud_closes():
    cloud = LocalCloud().start()
    lab, said = Lab(cloud), []
    name = lab.create("import time\ndef handler(event, context): time.sleep(600)", Timeout=900)
    lab.invoke(name, {}, InvocationType="Event")

    def wait():
        try:
            cloud.idle(600)
        except RuntimeError as error:
            said.append(str(error))

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    cloud.close()
    thread.join(WAIT)
    assert said == ["The local cloud was closed."]
    assert cloud.problems() == []
