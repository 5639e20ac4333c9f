"""The WSGI application: every request goes to the part of the cloud that answers it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from werkzeug.wrappers import Response

from ..base.model import ApiError
from ..base.reading import release
from ..base.tracing import following
from ..triggers.gateway.gateway import Gateway
from .admission import Gate
from .requests import SignedRequest, refusal


class Part(Protocol):
    """A part of the cloud that answers some requests."""

    def answer(self, request: SignedRequest) -> Response | None:
        """None for a request that is another part's. Raises ApiError."""


class Api:
    """The WSGI application: APIs and function URLs, then whichever of the parts answers first.

    `note(problem)` keeps what went wrong in it.
    """

    def __init__(
        self, gate: Gate, gateway: Gateway, parts: Sequence[Part], note: Callable[[str], None]
    ) -> None:
        self._gate, self._gateway, self._parts, self._note = gate, gateway, parts, note

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = SignedRequest(environ, populate_request=False)
        try:
            return self._answer(request)(environ, start_response)
        except ApiError as error:
            return refusal(request, error)(environ, start_response)
        except ConnectionError:
            raise  # the client went away; the server knows what to do
        except RecursionError:
            message = "The request's body is nested too deeply."
            deep = ApiError(400, "SerializationException", message)
            return refusal(request, deep)(environ, start_response)
        except Exception as failure:
            return self._failed(request, failure)(environ, start_response)
        finally:
            release(environ)

    def _answer(self, request: SignedRequest) -> Response:
        address = self._gateway.address(request.environ)
        if address:
            self._gate.check_host(request.environ)
            return self._gateway.serve(address, request.environ)
        self._gate.admit(request.environ)
        with following(request.headers.get("X-Amzn-Trace-Id")):
            answers = (part.answer(request) for part in self._parts)
            return next(answer for answer in answers if answer is not None)

    def _failed(self, request: SignedRequest, failure: Exception) -> Response:
        """The answer to a request that something here could not bear: short, and noted."""
        kind, where = type(failure).__name__, f"{request.method} {request.path}"
        self._note(f"{where}: the local cloud failed: {kind}: {failure}"[:500])
        code = "InternalError" if request.service == "s3" else "InternalFailure"
        message = f"The local cloud failed to answer this request ({kind})."
        return refusal(request, ApiError(500, code, message))
