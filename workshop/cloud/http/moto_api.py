"""What moto answers, and what has to happen before and after it."""

from __future__ import annotations

from collections.abc import Callable

from werkzeug.wrappers import Response

from ..base.exchange import Exchange, Watcher, request_headers
from ..seam import application, load_managed_policies
from ..triggers.alarms.alarms import Alarms
from .admission import key_of
from .requests import SignedRequest


class MotoApi:
    """Answers every request; `wake(service)` wakes pollers, `own_key` is the id of theirs."""

    def __init__(
        self,
        alarms: Alarms,
        wake: Callable[[str], None],
        own_key: str,
        watchers: dict[str, Watcher],
    ) -> None:
        self._alarms, self._wake, self._own_key = alarms, wake, own_key
        self._watchers = watchers
        self._moto = application()

    def answer(self, request: SignedRequest) -> Response:
        """moto's answer."""
        service, key = request.service, key_of(request.environ)
        is_own = key is not None and key.id == self._own_key
        if service == "monitoring" and not is_own:
            self._alarms.evaluate()
            self._alarms.look_at(request.region)
        if service == "iam":
            load_managed_policies()
        answer = Response.from_app(self._moto, request.environ)
        if request.method not in ("GET", "HEAD"):
            self._tell(service or "", request, answer)
            if not is_own:
                # What moto did may have put something into a queue, whatever the service was.
                self._wake(service if service in ("kinesis", "dynamodb") else "sqs")
        return answer

    def _tell(self, service: str, request: SignedRequest, answer: Response) -> None:
        """Those who watch the service hear of a call that may change something."""
        if service not in self._watchers:
            return
        self._watchers[service](
            Exchange(
                service=service,
                region=request.region,
                method=request.method,
                path=request.environ["PATH_INFO"],
                query=request.environ.get("QUERY_STRING", ""),
                headers=request_headers(request.environ),
                status=answer.status_code,
                answer_headers={name.lower(): value for name, value in answer.headers},
                answer=answer.get_data(),
                source_ip=request.remote_addr or "127.0.0.1",
            )
        )
