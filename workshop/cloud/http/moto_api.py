"""What moto answers, and what has to happen before it."""

from __future__ import annotations

from werkzeug.wrappers import Response

from ..seam import application, load_managed_policies
from ..triggers.alarms.alarms import Alarms
from .admission import key_of
from .requests import SignedRequest


class MotoApi:
    """Answers every request; `own_key` is the id of the pollers' key."""

    def __init__(self, alarms: Alarms, own_key: str) -> None:
        self._alarms, self._own_key = alarms, own_key
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
        return Response.from_app(self._moto, request.environ)
