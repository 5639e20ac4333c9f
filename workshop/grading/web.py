"""HTTP for checks and notebooks: a request in one line, a function as an HTTP API or a URL."""

from __future__ import annotations

import http.client
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ..cloud.base.variables import is_loopback
from ..cloud.triggers.gateway.addresses import local_url
from .account import Account
from .function import Function

LONGEST_S = 35  # an HTTP API waits 30 s for its function
# What a function URL with AuthType NONE needs before anybody may call it, by statement
# (https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html)
PUBLIC: dict[str, dict[str, Any]] = {
    "url": {"Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"},
    "invoke": {"Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": True},
}


class NotLocal(ValueError):
    """A request would leave this machine."""

    def __init__(self, url: str) -> None:
        super().__init__(
            f"{url} is not on this machine, and nothing is sent there. "
            "`cloud.url(...)` turns the address of an API on AWS into that of the local cloud."
        )


@dataclass(frozen=True)
class Reply:
    """An HTTP answer; the names of its headers are in small letters."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def value(self) -> Any:
        """The body, from JSON; None where it is no JSON."""
        try:
            return json.loads(self.text)
        except ValueError:
            return None

    @property
    def content_type(self) -> str:
        """The media type, without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


def ask(
    url: str,
    method: str = "GET",
    body: Any = None,
    headers: dict[str, str] | None = None,
    elsewhere: bool = False,
) -> Reply:
    """Sends a request and reads the answer, whatever its status; no proxy is asked.

    A body that is neither text nor bytes is sent as JSON. Raises NotLocal for an address that is
    not on this machine, unless `elsewhere` allows it.
    """
    if not elsewhere and not is_loopback(url):
        raise NotLocal(url)
    sent = dict(headers or {})
    if body is not None and not isinstance(body, (str, bytes)):
        body = json.dumps(body)
        sent.setdefault("Content-Type", "application/json")
    if isinstance(body, str):
        body = body.encode()
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=LONGEST_S)
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, target, body=body, headers=sent)
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
        return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, text)
    finally:
        connection.close()


def reachable(url: str, client: Any) -> str:
    """The URL of an API where the cloud of a boto3 client answers it: AWS's own, or a local one."""
    endpoint = client.meta.endpoint_url
    is_aws = (urlsplit(endpoint).hostname or "").endswith((".amazonaws.com", ".amazonaws.com.cn"))
    return local_url(url, None if is_aws else endpoint)


class HttpApi:
    """An HTTP API with payload format 2.0 whose routes all lead to one function."""

    def __init__(self, account: Account, function: Function, routes: Sequence[str]) -> None:
        client = account.client("apigatewayv2")
        functions = account.client("lambda")
        arn = functions.get_function_configuration(FunctionName=function.name)["FunctionArn"]
        api = client.create_api(Name=account.name("api"), ProtocolType="HTTP")
        self.id = api["ApiId"]
        account.later(client.delete_api, ApiId=self.id)
        integration = client.create_integration(
            ApiId=self.id,
            IntegrationType="AWS_PROXY",
            IntegrationUri=arn,
            PayloadFormatVersion="2.0",
        )["IntegrationId"]
        for route in routes:
            client.create_route(ApiId=self.id, RouteKey=route, Target=f"integrations/{integration}")
        client.create_stage(ApiId=self.id, StageName="$default", AutoDeploy=True)
        _, _, _, region, number, *_ = arn.split(":")
        functions.add_permission(
            FunctionName=function.name,
            StatementId=f"api-{self.id}",
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=f"arn:aws:execute-api:{region}:{number}:{self.id}/*",
        )
        self.url = reachable(api["ApiEndpoint"], client)
        if self.url == api["ApiEndpoint"]:  # AWS takes some seconds until an API answers
            account.settle()
        self._elsewhere = not is_loopback(client.meta.endpoint_url)

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Reply:
        """Sends a request to a path of the API, such as `/stations?limit=3`."""
        return ask(self.url + path, method, body, headers, self._elsewhere)


def open_url(account: Account, function: Function) -> str:
    """Gives a function a URL that everybody may call; returns it as AWS says it."""
    client = account.client("lambda")
    made = client.create_function_url_config(FunctionName=function.name, AuthType="NONE")
    account.later(client.delete_function_url_config, FunctionName=function.name)
    for name, permission in PUBLIC.items():
        client.add_permission(
            FunctionName=function.name, StatementId=name, Principal="*", **permission
        )
    return made["FunctionUrl"]


class FunctionUrl:
    """A URL of a function that everybody may call."""

    def __init__(self, account: Account, function: Function) -> None:
        client = account.client("lambda")
        on_aws = open_url(account, function)
        self.url = reachable(on_aws, client)
        if self.url == on_aws:  # AWS takes some seconds until a URL answers
            account.settle()
        self._elsewhere = not is_loopback(client.meta.endpoint_url)

    def ask(self, query: str, headers: dict[str, str] | None = None) -> Reply:
        """Sends a GET with a query string, such as `lat=38.9&lon=-77`."""
        return ask(f"{self.url}?{query}", headers=headers, elsewhere=self._elsewhere)
