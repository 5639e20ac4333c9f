"""Ways in moto by which a request would leave the cloud: each is closed, or refused by name.

- `requests`, in moto's SNS, EventBridge, Firehose and API Gateway: subscriptions, destinations and
  integrations over HTTP would reach any address from this machine, its own services too.
- Docker, in moto's Batch and Lambda: a job would be a container on this machine.
- moto's own pages below `/moto-api/`: the recorder writes files and sends requests.
- Objects that are compressed: what they hold has a bound.
"""

from __future__ import annotations

import functools
import gzip
import io
import re
import sys
import types
import zlib
from collections.abc import Callable, Iterable
from typing import Any

import yaml
from moto.awslambda.models import LambdaFunction
from moto.core.exceptions import JsonRESTError
from moto.utilities.docker_utilities import DockerModel

from ..base.regexes import compiled
from ..base.wildcards import like
from . import cloudformation
from .documents import DocumentError, read_document
from .hooks import open_hooks

MOST_INFLATED = 64 * 1024 * 1024  # bytes of what was sent, or stored, compressed
NO_NETWORK = (
    "The local cloud sends nothing to HTTP endpoints. Use a queue or a function as the target."
)
NO_CONTAINERS = "The local cloud runs no containers. Use a Lambda function instead."

CLOSE = ("Connection", "close")


class LeftTheCloud(RuntimeError):
    """A request would have reached the network, or started a program."""


def install() -> None:
    """Closes what moto has loaded; doing so again, when it has loaded more, closes that too."""
    DockerModel.docker_client = property(_no_containers)
    LambdaFunction.invoke = _invoke
    for name, stand_ins in _stand_ins().items():
        module = sys.modules.get(name)
        for path, stand_in in stand_ins.items() if module else ():
            *owner, attribute = path.split(".")
            setattr(functools.reduce(getattr, owner, module), attribute, stand_in)
    if "moto.cloudformation.responses" in sys.modules:
        cloudformation.install()


def _stand_ins() -> dict[str, dict[str, Any]]:
    """By module of moto: a name in it, and what takes its place."""
    apis = types.SimpleNamespace(safe_load=_load_api)
    documents = types.SimpleNamespace(
        safe_load=read_document, YAMLError=yaml.YAMLError, dump=yaml.safe_dump
    )
    parsers = "moto.apigateway.integration_parsers"
    return {
        "moto.core.responses": {"boto3": types.SimpleNamespace(client=_client_of_nobody)},
        "moto.sns.models": {"requests": _Closed()},
        "moto.events.models": {"requests": _Closed()},
        f"{parsers}.aws_parser": {"requests": _Closed()},
        f"{parsers}.http_parser": {"requests": _Closed()},
        "moto.firehose.models": {
            "requests": _Closed(),
            "FirehoseBackend.put_http_records": staticmethod(_no_http_records),
        },
        "moto.batch.models": {"BatchBackend.submit_job": _no_job},
        "moto.apigateway.utils": {"yaml": apis},
        "moto.apigatewayv2.models": {"yaml": apis},
        "moto.ssm.models": {"yaml": documents},
        "moto.osis.models": {"yaml": documents},
        "moto.s3.models": {
            "gzip": types.SimpleNamespace(open=_open_gzip),
            "bz2": types.SimpleNamespace(decompress=_no_bzip2),
        },
        "moto.iot.models": {"re": _Expressions()},
        "moto.glue.models": {"re": _Expressions()},
        "moto.glue.utils": {"re": _Expressions()},
        "moto.ecr.models": {"ECRBackend._match_repository_filter": _matches_repository},
        "moto.dynamodb.models.table_import": {"gzip_decompress": inflated},
    }


def _client_of_nobody(service: str, region_name: str) -> Any:
    """moto before 5.2.5 reads a service's operations off a client, which it never uses."""
    import boto3

    return boto3.client(service, region_name=region_name, endpoint_url="http://127.0.0.1")


def no_pages(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """In place of moto's own pages: 404."""
    body = b"The local cloud has no such page.\n"
    length = ("Content-Length", str(len(body)))
    # the request's body is not read, so the connection ends
    start_response("404 Not Found", [("Content-Type", "text/plain"), length, CLOSE])
    return [body]


def inflated(data: bytes) -> bytes:
    """What is in gzip data. Raises JsonRESTError if it is no gzip, or more than 64 MB."""
    try:
        found = gzip.GzipFile(fileobj=io.BytesIO(data)).read(MOST_INFLATED + 1)
    except (OSError, EOFError, zlib.error):
        raise JsonRESTError("ValidationException", "The data is not in gzip format.") from None
    if len(found) > MOST_INFLATED:
        raise JsonRESTError(
            "ValidationException", f"The data holds more than {MOST_INFLATED} bytes."
        )
    return found


class _Closed:
    """In place of the module `requests`."""

    def __getattr__(self, name: str) -> Any:
        raise LeftTheCloud(NO_NETWORK)


class _Expressions:
    """In place of the module `re` where moto matches what requests bring: RE2 does it."""

    def __getattr__(self, name: str) -> Any:
        return getattr(re, name)

    def compile(self, pattern: str) -> Any:
        """A compiled expression. Raises BadRegex, which is answered with a ValidationException."""
        return compiled(pattern).expression

    def match(self, pattern: str, text: str) -> Any:
        """Like re.match."""
        return self.compile(pattern).match(text)

    def search(self, pattern: str, text: str) -> Any:
        """Like re.search."""
        return self.compile(pattern).search(text)


def _matches_repository(self: Any, filter: str, repository_name: str) -> bool:
    """In place of moto's regular expression."""
    return filter in repository_name or like(f"{filter}*", repository_name, question=False)


def _no_containers(self: DockerModel) -> Any:
    raise LeftTheCloud(NO_CONTAINERS)


def _invoke(self: Any, body: str, request_headers: Any, response_headers: Any) -> bytes:
    """In place of LambdaFunction.invoke, which starts a container: InvokeAsync calls it."""
    payload = body.encode() if isinstance(body, str) else bytes(body or b"{}")
    return open_hooks().invoke(self.region, self.function_name, None, payload)


def _no_http_records(http_destination: dict[str, Any], records: list[Any]) -> Any:
    from moto.firehose.exceptions import InvalidArgumentException

    raise InvalidArgumentException(NO_NETWORK)


def _no_job(self: Any, *args: Any, **kwargs: Any) -> Any:
    from moto.batch.exceptions import ClientException

    raise ClientException(NO_CONTAINERS)


def _open_gzip(file: io.BytesIO, mode: str) -> io.StringIO:
    return io.StringIO(inflated(file.read()).decode())


def _no_bzip2(data: bytes) -> bytes:
    raise JsonRESTError("InvalidCompressionFormat", "The local cloud reads no bzip2: use gzip.")


def _load_api(text: str | bytes) -> Any:
    from moto.apigateway.exceptions import BadRequestException

    try:
        return read_document(text)
    except DocumentError as error:
        raise BadRequestException(f"Unable to parse the API: {error}") from None
