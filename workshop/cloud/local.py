"""The local cloud as a whole: started, asked for clients, closed."""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import tempfile
import threading
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any

from .base.clients import Clients
from .base.model import Invocation
from .base.problems import Problems
from .base.variables import ACCOUNT_ID, REGION
from .functions.concurrency import DEFAULT_LIMIT
from .sandbox.environment import Host
from .sandbox.guardian import remove_tree
from .sandbox.guardian_process import Guardian
from .sandbox.launcher import Reach, choose_launcher
from .sandbox.watch import Watch
from .triggers.gateway.addresses import local_url

if TYPE_CHECKING:
    from .triggers.chat.alexa import Device
    from .triggers.chat.lex import Exchange

_one_at_a_time = threading.Lock()


class LocalCloud:
    """AWS on this machine: moto's APIs over HTTP, and Lambda functions that really run.

    One can run in a process at a time, since moto keeps its state in the process. `isolation`
    is "auto" (bubblewrap where it works) or "process". With `cpu_share`, which may be set at any
    time, new execution environments get only the part of a CPU that their memory buys on AWS. With
    `enforce_roles`, which may be set likewise, a function may call only what its role allows.
    With `internet`, functions under bubblewrap reach this machine's network and the internet, for
    experiments of your own. `account_concurrency` is how many invocations may run at once in a
    region; under 1,000, a tenth of it must stay unreserved in place of AWS's 100, so that a small
    account can be taught with. An execution environment that had nothing to do for
    `idle_environment_timeout` seconds ends, as on AWS after some minutes; the next invocation is a
    cold start. Provisioned ones stay.
    """

    region = REGION
    account_id = ACCOUNT_ID

    def __init__(
        self,
        port: int = 0,
        isolation: str = "auto",
        cpu_share: bool = False,
        enforce_roles: bool = False,
        account_concurrency: int = DEFAULT_LIMIT,
        internet: bool = False,
        idle_environment_timeout: float = 300.0,
    ) -> None:
        if isolation not in ("auto", "process"):
            raise ValueError(f"isolation is 'auto' or 'process', not {isolation!r}")
        if account_concurrency < 1:
            raise ValueError(f"account_concurrency is 1 or more, not {account_concurrency!r}")
        if not idle_environment_timeout > 0:
            raise ValueError(
                "idle_environment_timeout is a number of seconds above 0, not "
                f"{idle_environment_timeout!r}"
            )
        self._idle_timeout_s = idle_environment_timeout
        self._port, self._wanted_isolation = port, isolation
        self._account_concurrency = account_concurrency
        self._internet = internet
        self.cpu_share = cpu_share
        self.enforce_roles = enforce_roles
        self._clients = Clients()
        self._problems = Problems()
        self._ends = contextlib.ExitStack()  # what `close` does, the last entry first
        self._running = False

    def start(self) -> LocalCloud:
        """Starts it. Raises PortTaken, or RuntimeError if this process already runs one."""
        if not _one_at_a_time.acquire(blocking=False):
            raise RuntimeError(
                "A local cloud already runs in this Python process. Use that one, or close() it."
            )
        with contextlib.ExitStack() as undo:
            undo.callback(_one_at_a_time.release)
            self._start(undo)
            self._ends = undo.pop_all()
        self._running = True
        atexit.register(self.close)
        return self

    def _start(self, undo: contextlib.ExitStack) -> None:
        """Starts the parts; each adds to `undo` how it ends."""
        load = _load_parts()
        self._problems = problems = Problems()
        folder = self._folder = Path(tempfile.mkdtemp(prefix="local-cloud-"))
        undo.callback(problems.end, "its folder", remove_tree, str(folder))
        guardian = self._guardian = Guardian(folder)
        undo.callback(problems.end, "the guardian", guardian.close)
        watch, reach = Watch(), Reach()
        undo.callback(problems.end, "the watch over sandboxes", watch.close)
        launcher = choose_launcher(self._wanted_isolation, folder, watch, reach, self._internet)
        undo.callback(problems.end, "the launcher", launcher.close)
        self.isolation = launcher.name
        self._parts = load.Parts(
            Host(folder, launcher, guardian, lambda: self.cpu_share),
            self._clients,
            lambda: self.enforce_roles,
            self._account_concurrency,
            self._idle_timeout_s,
            problems,
        )
        undo.callback(problems.end, "its parts", self._parts.close)
        server = self._parts.serve(self._port)
        reach.port, reach.serve = server.port, server.adopt
        self.endpoint_url = self._clients.endpoint_url = f"http://127.0.0.1:{server.port}"

    def environ(self) -> dict[str, str]:
        """The environment variables with which any AWS client reaches this cloud."""
        return self._clients.environ()

    def client(self, service: str, **kwargs: Any) -> Any:
        """A boto3 client of this cloud. It does not retry: a throttle shows as one."""
        region = kwargs.pop("region_name", REGION)
        return self._clients.make(service, region, **kwargs)

    def url(self, aws_url: str) -> str:
        """An API's or a function's URL as AWS answers it, in a form that reaches this cloud."""
        return local_url(aws_url, self.endpoint_url)

    def idle(self, timeout: float = 60) -> None:
        """Returns when nothing runs, waits or is to be tried again, and every event has ended.

        Alarms are up to date then, and what they set off has ended too. Raises TimeoutError after
        `timeout` seconds; it names what still goes on.
        """
        self._parts.idle(timeout)

    def now(self) -> datetime:
        """The time by which schedules fire, in UTC: real time, and what `advance` added."""
        return self._parts.clock.now()

    def advance(
        self, *, seconds: float = 0, minutes: float = 0, hours: float = 0, days: float = 0
    ) -> datetime:
        """Moves the time of schedules forward; what falls due on the way fires, in order.

        Gives the new time. Raises ValueError for a step back, or for more than 366 days.
        """
        return self._parts.clock.advance(
            timedelta(seconds=seconds, minutes=minutes, hours=hours, days=days)
        )

    def invocations(self, function_name: str | None = None) -> list[Invocation]:
        """What ran here, in the order in which it ended."""
        every: Iterable[Invocation] = list(self._parts.records.invocations)
        return [each for each in every if function_name in (None, each.function_name)]

    def problems(self) -> list[str]:
        """What could not be delivered, and what failed in the background, in words.

        The newest is last. A problem that came again is there once, with how often it came.
        """
        return self._problems.all()

    def exchanges(self, session_id: str) -> list[Exchange]:
        """What Lex asked a function in the last turn of a session, and what it answered."""
        return self._parts.lex.exchanges(session_id)

    def alexa(self, model: dict[str, Any], skill_id: str, function_arn: str) -> Device:
        """An Alexa device with a skill, whose function is asked as Alexa asks it.

        `model` is the skill's interaction model, in Amazon's form.
        """
        from .triggers.chat.alexa import Device, as_alexa

        return Device(model, skill_id, as_alexa(self._parts.functions, function_arn, skill_id))

    def close(self) -> None:
        """Ends every function and removes every file; does nothing the second time.

        It takes some seconds at most, whatever functions do. What could not be ended is printed.
        """
        if not self._running:
            return
        self._running = False
        atexit.unregister(self.close)
        self._ends.close()

    def __enter__(self) -> LocalCloud:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


@functools.cache
def _load_parts() -> ModuleType:
    """Imports moto, which takes most of a start, when it is wanted.

    It makes some hundred thousand objects that stay. The garbage collector would look through
    them again and again, for half of the time that a stage's checks take: it leaves them alone.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        from . import parts
    finally:
        gc.freeze()
        if enabled:
            gc.enable()
    return parts
