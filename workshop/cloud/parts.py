"""Everything inside one local cloud, made and wired together, and ended in order.

This module imports moto, which takes most of a start, so local.py imports it late.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from . import seam
from .access import Call, Roles
from .base.activity import Activity
from .base.clients import Clients
from .base.clock import Clock
from .base.model import ApiError, FunctionVersion, LogEvent
from .base.problems import Problems
from .base.sweeper import Sweeper
from .base.timers import Timer
from .base.variables import ACCOUNT_ID
from .base.workers import Workers
from .functions.asynchronous import AsynchronousQueue, Background
from .functions.concurrency import Concurrency
from .functions.destinations import Destinations
from .functions.invoker import Invoker, new_request
from .functions.lender import Lender
from .functions.loops import LoopGuard
from .functions.metrics import Metrics
from .functions.pools import Pools
from .functions.provisioned import Provisioned, Versions
from .functions.records import Records
from .functions.sending import Sender
from .http.admission import Gate
from .http.api import Api
from .http.control import Control
from .http.invoke_api import InvokeApi
from .http.lambda_api import LambdaApi
from .http.lex_api import LexApi
from .http.moto_api import MotoApi
from .http.server import Server
from .sandbox.environment import Host
from .triggers.alarms.alarms import Alarms
from .triggers.chat.bots import Bots
from .triggers.chat.lex import Lex
from .triggers.gateway.gateway import Gateway
from .triggers.gateway.invoking import Functions
from .triggers.mappings.poller import Tools
from .triggers.mappings.registry import Mappings
from .triggers.push.deliveries import Deliveries
from .triggers.push.eventbridge import EventBridge
from .triggers.push.iot import TopicRules
from .triggers.push.logs import LogSubscriptions
from .triggers.push.s3 import BucketNotifications
from .triggers.push.scheduler import Scheduler
from .triggers.push.sns import TopicSubscriptions

GIVE_BACK_AT_ONCE = 8  # calls that give failed messages back to their queues


class Parts:
    """The parts of a cloud; `enforces_roles()` is its owner's switch.

    An execution environment ends that had nothing to do for `idle_timeout_s`. `close` is called
    also where `serve` failed.
    """

    def __init__(
        self,
        host: Host,
        clients: Clients,
        enforces_roles: Callable[[], bool],
        account_concurrency: int,
        idle_timeout_s: float,
        problems: Problems,
    ) -> None:
        self.clients, self.problems = clients, problems
        self.activity, self.metrics = Activity(), Metrics()
        self.timer = Timer(problems)
        self.clock = Clock(self.activity, problems)
        self.roles = Roles(seam.find_role, enforces_roles, seam.find_access_key)
        self._pools = Pools(host, self._credentials, problems)
        self._make_invoker(account_concurrency)
        self._make_queue()
        self._make_sources()
        self._sweeper = Sweeper(
            "ending idle environments",
            lambda: self._pools.end_idle(idle_timeout_s),
            idle_timeout_s,
            problems,
        )
        self._server: Server | None = None
        try:
            seam.start(self._hooks())
        except BaseException:
            self.close()
            raise

    def serve(self, port: int) -> Server:
        """Listens. Raises PortTaken."""
        gate = Gate(self.clients.owner, self.clients.poller, self.roles)
        gateway = Gateway(
            self.functions,
            seam.find_rest_stage,
            seam.find_http_api,
            seam.find_function_url,
            gate.caller,
        )
        answering = (
            Control(self.clock, self.idle),
            InvokeApi(self.invoker, self.queue, self._loops),
            LambdaApi(self._provisioned, self._concurrency),
            LexApi(self._bots, self.lex),
            MotoApi(self.alarms, self.clients.poller.id),
        )
        api = Api(gate, gateway, answering, self.problems.note)
        self._server = Server(api, port)
        return self._server

    def idle(self, timeout: float) -> None:
        """Returns when nothing goes on and alarms are up to date. Raises TimeoutError."""
        until = time.monotonic() + timeout
        self.activity.idle(timeout)
        while self.alarms.evaluate():
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"alarms still change their state after {timeout:g} s")
            self.activity.idle(left)

    def close(self) -> None:
        """Ends everything: what brings work first, then what does it.

        A step that fails is a problem, and keeps none of the others from being done.
        """
        self.problems.close()
        for what, end in (
            ("those who wait", self.activity.close),
            ("event source mappings", self.mappings.close),
            ("the clock", self.clock.close),
            ("the timer", self.timer.close),
            ("the sweeper", self._sweeper.close),
            ("the server", self._close_server),
            ("IoT rules", self._topic_rules.close),
            ("asynchronous events", self.queue.close),
            ("giving messages back", self._workers.close),
            ("execution environments", self.invoker.close),
            ("event source mappings of Kafka", self.mappings.join),
            ("clients", self.clients.close),
            ("the way from moto", seam.stop),
        ):
            self.problems.end(what, end)

    def _close_server(self) -> None:
        if self._server is not None:  # else its port was taken
            self._server.close()

    def _make_invoker(self, account_concurrency: int) -> None:
        versions = Versions(seam.find_function, seam.shares)
        self._provisioned = Provisioned(
            self._pools, versions, self._write_logs, self.activity, self.problems
        )
        self._concurrency = Concurrency(
            account_concurrency, seam.reserved, self._provisioned.totals
        )
        lender = Lender(self._provisioned, self._pools, self._concurrency)
        self.records = Records(self.metrics, self._write_logs, self.problems)
        self.invoker = Invoker(lender, self.records, self.activity, self.problems)
        self._loops = LoopGuard(self._write_logs, self.metrics)

    def _make_queue(self) -> None:
        self._destinations = Destinations(
            self.clients.own, self.metrics, self.roles.allows, self.problems
        )
        self.queue = AsynchronousQueue(
            self.invoker.run,
            seam.find_for_event,
            self._destinations,
            self._loops,
            Background(self.activity, self.timer, self.metrics, self.problems),
        )

    def _make_sources(self) -> None:
        """What invokes functions: mappings, and services that push."""
        self.deliveries = Deliveries(
            seam.find_function,
            seam.statements,
            self.queue.put,
            Sender(self.clients.own),
            self.problems,
        )
        # For those who wait for an answer
        self.functions = Functions(
            seam.find_function,
            seam.statements,
            self.invoker.synchronous,
            new_request,
            self.deliveries.note,
        )
        self._bots = Bots()
        self.lex = Lex(self._bots, self.functions)
        self.alarms = Alarms(self.clients.polling, self.deliveries, ACCOUNT_ID)
        self._workers = Workers(GIVE_BACK_AT_ONCE, "event source mappings", self.problems)
        tools = Tools(
            client=self.clients.polling,
            find=seam.find_function,
            run=self.invoker.run,
            new_request=new_request,
            matches=seam.matches,
            destinations=self._destinations,
            metrics=self.metrics,
            loops=self._loops,
            activity=self.activity,
            problems=self.problems,
            timer=self.timer,
            workers=self._workers,
            wake=lambda service: self.mappings.wake(service),
            queue_state=seam.queue_state,
            allows=self.roles.allows,
        )
        self.mappings = Mappings(tools)
        self._topic_rules = TopicRules(
            seam.topic_rules, self.deliveries, self.clients.own, self.activity
        )
        self._buckets = BucketNotifications(
            self.deliveries,
            self.clients.own,
            seam.bucket_settings,
            seam.put_service_event,
        )

    def _hooks(self) -> seam.Hooks:
        """What moto's side calls."""
        return seam.Hooks(
            retire=self._retire,
            invoke=self._invoke_for_moto,
            mappings=self.mappings,
            deliveries=self.deliveries,
            bucket_notifications=self._buckets,
            topic_subscriptions=TopicSubscriptions(self.deliveries),
            eventbridge=EventBridge(self.deliveries, self.clock, seam.scheduled_rule, seam.forward),
            scheduler=Scheduler(
                self.deliveries, self.clients.own, self.clock, seam.find_schedule, seam.find_role
            ),
            logs=LogSubscriptions(self.deliveries),
            iot=self._topic_rules,
            concurrency=self._concurrency,
            provisioned=self._provisioned,
            metrics=self.metrics,
            alarms=self.alarms,
            destinations=self._destinations,
            allows=self.roles.allows,
        )

    def _retire(self, arn: str, version: str | None) -> None:
        self._pools.retire(arn, version)
        self._provisioned.retire(arn, version)
        self.mappings.wake("sqs")  # another function may be there that runs here

    def _credentials(self, function: FunctionVersion) -> dict[str, str]:
        return self.clients.function_environ(self.roles.key(function))

    def _write_logs(self, function: FunctionVersion, stream: str, events: list[LogEvent]) -> None:
        """Without a right to write logs a function still runs, and leaves no trace, as on AWS."""
        arn = f"arn:aws:logs:{function.region}:{function.account_id}:log-group:{function.log_group}"
        with contextlib.suppress(ApiError):
            self.roles.check(function, Call("logs:PutLogEvents", f"{arn}:log-stream:{stream}"))
            seam.write_logs(function, stream, events)

    def _invoke_for_moto(
        self, region: str, name: str, qualifier: str | None, payload: bytes
    ) -> bytes:
        function, arn = seam.find_function(region, name, qualifier)
        self.queue.put(function, arn, payload)
        return b""
