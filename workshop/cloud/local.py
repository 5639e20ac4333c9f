"""The local cloud as a whole: started, asked for clients, closed."""

from __future__ import annotations

import atexit
import os
import secrets
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

from .activity import Activity
from .asynchronous import AsynchronousQueue
from .destinations import Destinations
from .environ import ACCOUNT_ID, REGION, client_environ, scrubbed
from .exchange import Watcher
from .guardian import remove_tree
from .invoker import Invoker, new_request
from .launcher import choose_launcher
from .loops import LoopGuard
from .mappings.poller import Tools
from .mappings.registry import Mappings
from .model import FunctionVersion, Invocation, Request
from .pools import Pools
from .push.deliveries import Deliveries
from .timers import Timer

_one_at_a_time = threading.Lock()


class Guardian:
    """The small process that cleans up if this one is killed."""

    def __init__(self, folder: Path) -> None:
        script = Path(__file__).with_name("guardian.py")
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-E", "-s", str(script), str(folder)],
            stdin=subprocess.PIPE,
            env=scrubbed(os.environ),
            start_new_session=True,
        )
        self._lock = threading.Lock()

    def add(self, pid: int) -> None:
        """Names a process to end with this one."""
        self._tell(f"+{pid}\n")

    def discard(self, pid: int) -> None:
        """Takes a process off the list: it has ended."""
        self._tell(f"-{pid}\n")

    def close(self) -> None:
        """Lets it end, and waits: it removes the folder."""
        with self._lock:
            self._process.stdin.close()
        self._process.wait(timeout=10)

    def _tell(self, line: str) -> None:
        with self._lock:
            if not self._process.stdin.closed:
                self._process.stdin.write(line.encode())
                self._process.stdin.flush()


class LocalCloud:
    """AWS on this machine: moto's APIs over HTTP, and Lambda functions that really run.

    One can run in a process at a time, since moto keeps its state in the process. `isolation`
    is "auto" (bubblewrap where it works) or "process".
    """

    region = REGION
    account_id = ACCOUNT_ID

    def __init__(self, port: int = 0, isolation: str = "auto") -> None:
        if isolation not in ("auto", "process"):
            raise ValueError(f"isolation is 'auto' or 'process', not {isolation!r}")
        self._port = port
        self._wanted_isolation = isolation
        self._running = False
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._clients_lock = threading.Lock()
        self._access_key_id = "LKIA" + secrets.token_hex(8).upper()
        self._function_key_id = "LSIA" + secrets.token_hex(8).upper()
        self._polling_key_id = "LPIA" + secrets.token_hex(8).upper()
        self._secret = secrets.token_urlsafe(30)

    def start(self) -> LocalCloud:
        """Starts it. Raises PortTaken, or RuntimeError if this process already runs one."""
        if not _one_at_a_time.acquire(blocking=False):
            raise RuntimeError(
                "A local cloud already runs in this Python process. Use that one, or close() it."
            )
        try:
            self._start()
        except BaseException:
            _one_at_a_time.release()
            raise
        return self

    def _start(self) -> None:
        from . import seam  # here, since it imports moto, which takes most of a start
        from .server import Api, Gate, Server

        folder = Path(tempfile.mkdtemp(prefix="local-cloud-"))
        try:
            self._guardian = Guardian(folder)
            launcher = choose_launcher(self._wanted_isolation, folder)
            self.isolation = launcher.name
            pools = Pools(folder, launcher, self._credentials, self._guardian)
            self._activity, self._timer = Activity(), Timer()
            self._invoker = Invoker(pools, seam.write_logs, self._activity)
            destinations = Destinations(self._own_client)
            loops = LoopGuard(seam.write_logs)
            self._deliveries = Deliveries(
                seam.find_function, seam.statements, self._submit, new_request
            )
            self._queue = AsynchronousQueue(
                self._invoker.run,
                seam.find_for_event,
                destinations,
                loops,
                self._activity,
                self._timer,
            )
            tools = Tools(
                client=self._polling_client,
                find=seam.find_function,
                run=self._invoker.run,
                new_request=new_request,
                matches=seam.matches,
                destinations=destinations,
                loops=loops,
                activity=self._activity,
                wake=self._wake,
            )
            self._mappings = Mappings(tools, self._timer)
            seam.start(
                seam.Hooks(pools.retire, self._invoke_for_moto, self._mappings, self._deliveries)
            )
            gate = Gate({self._access_key_id, self._function_key_id, self._polling_key_id})
            watchers: dict[str, Watcher] = {}  # by the service whose calls they hear of
            api = Api(
                gate, self._invoker, self._queue, loops, self._wake, self._polling_key_id, watchers
            )
            self._server = Server(api, self._port)
        except BaseException:
            self._guardian.close()
            remove_tree(str(folder))
            raise
        self._folder = folder
        self._running = True
        self.endpoint_url = f"http://127.0.0.1:{self._server.port}"
        atexit.register(self.close)

    def environ(self) -> dict[str, str]:
        """The environment variables with which any AWS client reaches this cloud."""
        return client_environ(self.endpoint_url, self._access_key_id, self._secret)

    def client(self, service: str, **kwargs: Any) -> Any:
        """A boto3 client of this cloud. It does not retry: a throttle shows as one."""
        region = kwargs.pop("region_name", REGION)
        return self._make_client(service, region, self._access_key_id, **kwargs)

    def _make_client(self, service: str, region: str, key_id: str, **kwargs: Any) -> Any:
        import boto3
        from botocore.config import Config

        config = Config(
            retries={"total_max_attempts": 1}, read_timeout=910, max_pool_connections=256
        )
        session = boto3.Session(
            aws_access_key_id=key_id,
            aws_secret_access_key=self._secret,
            region_name=region,
        )
        config = config.merge(kwargs.pop("config", Config()))
        return session.client(service, endpoint_url=self.endpoint_url, config=config, **kwargs)

    def idle(self, timeout: float = 60) -> None:
        """Returns when nothing runs, waits or is to be tried again, and every event has ended.

        Raises TimeoutError after `timeout` seconds; it names what still goes on.
        """
        self._activity.idle(timeout)

    def invocations(self, function_name: str | None = None) -> list[Invocation]:
        """What ran here, in the order in which it ended."""
        every: Iterable[Invocation] = list(self._invoker.invocations)
        return [each for each in every if function_name in (None, each.function_name)]

    def problems(self) -> list[str]:
        """What services could not deliver to functions, in words, oldest first."""
        return list(self._deliveries.problems)

    def close(self) -> None:
        """Ends every function and removes every file; does nothing the second time."""
        if not self._running:
            return
        self._running = False
        from . import seam

        self._mappings.close()
        self._timer.close()
        self._server.close()
        self._queue.close()
        self._invoker.close()
        self._mappings.join()
        seam.stop()
        self._guardian.close()
        remove_tree(str(self._folder))
        atexit.unregister(self.close)
        _one_at_a_time.release()

    def __enter__(self) -> LocalCloud:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _credentials(self) -> dict[str, str]:
        """What a function's process gets: keys of its own, and the way to this cloud."""
        return {
            "AWS_ACCESS_KEY_ID": self._function_key_id,
            "AWS_SECRET_ACCESS_KEY": self._secret,
            "AWS_SESSION_TOKEN": "local-cloud-" + self._function_key_id.lower(),
            "AWS_ENDPOINT_URL": self.endpoint_url,
        }

    def _own_client(self, service: str, region: str) -> Any:
        """A client with which the cloud itself speaks to its services."""
        return self._kept_client(service, region, self._access_key_id)

    def _polling_client(self, service: str, region: str) -> Any:
        """The same for pollers: what they ask wakes no poller."""
        return self._kept_client(service, region, self._polling_key_id)

    def _kept_client(self, service: str, region: str, key_id: str) -> Any:
        with self._clients_lock:  # boto3 makes one at a time
            which = service, region, key_id
            if which not in self._clients:
                self._clients[which] = self._make_client(service, region, key_id)
            return self._clients[which]

    def _wake(self, service: str) -> None:
        self._mappings.wake(service)

    def _submit(self, function: FunctionVersion, request: Request) -> None:
        self._queue.submit(function, request)

    def _invoke_for_moto(
        self, region: str, name: str, qualifier: str | None, payload: bytes
    ) -> bytes:
        from . import seam

        function, arn = seam.find_function(region, name, qualifier)
        self._queue.submit(function, new_request(payload, arn, None))
        return b""
