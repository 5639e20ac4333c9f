"""What the tests of the HTTP triggers share: APIs made in one line, and a client."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import urllib3

ACCOUNT = "123456789012"
# Answers with its event, and with what the query string's `result` holds in its place.
ECHO = """
import json
def handler(event, context):
    print("EVENT", json.dumps(event))
    query = event.get("queryStringParameters") or {}
    if "result" in query:
        return json.loads(query["result"])
    return {"statusCode": 200, "body": json.dumps(event)}
"""
_pool = urllib3.PoolManager(retries=False)


@dataclass
class Reply:
    """An HTTP answer."""

    status: int
    headers: urllib3.HTTPHeaderDict
    body: bytes

    @property
    def value(self) -> Any:
        """The body, from JSON."""
        return json.loads(self.body)


def call(url: str, method: str = "GET", **kwargs: Any) -> Reply:
    """Sends a request; `query` (a dict) is put behind the URL."""
    query = kwargs.pop("query", None)
    if query:
        from urllib.parse import urlencode

        url += "?" + urlencode(query)
    answer = _pool.request(method, url, redirect=False, timeout=30, **kwargs)
    return Reply(answer.status, answer.headers, answer.data)


def returning(url: str, result: Any, **kwargs: Any) -> Reply:
    """Asks an ECHO function to return `result`."""
    return call(url, query={"result": json.dumps(result)}, **kwargs)


def function_arn(lab, source: str = ECHO, **spec: Any) -> str:
    """Creates a function; returns its ARN."""
    name = lab.create(source, **spec)
    return lab.client.get_function(FunctionName=name)["Configuration"]["FunctionArn"]


def allow(lab, arn: str, api_id: str, path: str = "*") -> None:
    """Lets an API invoke a function; `path` is stage, method and resource."""
    function, alias = ":".join(arn.split(":")[:7]), arn.split(":")[7:]
    lab.client.add_permission(
        FunctionName=function,
        **({"Qualifier": alias[0]} if alias else {}),
        StatementId=f"api-{api_id}",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:us-east-1:{ACCOUNT}:{api_id}/{path}",
    )


def proxy_uri(arn: str) -> str:
    """The URI of a Lambda integration of a REST API."""
    return f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"


def _client(lab, service: str) -> Any:
    """A client that is made once: boto3 takes a tenth of a second for one."""
    clients = lab.__dict__.setdefault("gateway_clients", {})
    if service not in clients:
        clients[service] = lab.cloud.client(service)
    return clients[service]


class RestApi:
    """A REST API that is made step by step."""

    def __init__(self, lab, **spec: Any) -> None:
        self.lab, self.client = lab, _client(lab, "apigateway")
        self.id = self.client.create_rest_api(name="stations", **spec)["id"]
        self.resources = {"": self._root()}

    def _root(self) -> str:
        return self.client.get_resources(restApiId=self.id)["items"][0]["id"]

    def resource(self, path: str) -> str:
        """The id of a resource such as `/stations/{id}`; makes it and its parents."""
        path = path.rstrip("/")
        if path not in self.resources:
            parent, _, part = path.rpartition("/")
            self.resources[path] = self.client.create_resource(
                restApiId=self.id, parentId=self.resource(parent), pathPart=part
            )["id"]
        return self.resources[path]

    def method(self, path: str, arn: str, http_method: str = "ANY", **spec: Any) -> None:
        """A method with a Lambda proxy integration."""
        where = {
            "restApiId": self.id,
            "resourceId": self.resource(path),
            "httpMethod": http_method,
        }
        integration = {
            "type": "AWS_PROXY",
            "integrationHttpMethod": "POST",
            "uri": proxy_uri(arn),
            **spec.pop("integration", {}),
        }
        self.client.put_method(**where, **{"authorizationType": "NONE", **spec})
        self.client.put_integration(**where, **integration)

    def deploy(self, stage: str = "prod", **spec: Any) -> str:
        """Deploys it; returns the local URL of the stage."""
        self.client.create_deployment(restApiId=self.id, stageName=stage, **spec)
        return self.url(stage)

    def url(self, stage: str) -> str:
        """The local URL of a stage."""
        return self.lab.cloud.url(f"https://{self.id}.execute-api.us-east-1.amazonaws.com/{stage}")


class HttpApi:
    """An HTTP API with a `$default` stage that deploys by itself."""

    def __init__(self, lab, **spec: Any) -> None:
        self.lab, self.client = lab, _client(lab, "apigatewayv2")
        api = self.client.create_api(Name="stations", ProtocolType="HTTP", **spec)
        self.id, self.endpoint = api["ApiId"], api["ApiEndpoint"]
        self.url = lab.cloud.url(self.endpoint)

    def stage(self, name: str = "$default", **spec: Any) -> None:
        """Creates a stage."""
        spec.setdefault("AutoDeploy", True)
        self.client.create_stage(ApiId=self.id, StageName=name, **spec)

    def route(self, key: str, arn: str, payload: str = "2.0", **spec: Any) -> None:
        """A route to a function."""
        integration = self.client.create_integration(
            ApiId=self.id,
            IntegrationType="AWS_PROXY",
            IntegrationUri=arn,
            PayloadFormatVersion=payload,
            **spec.pop("integration", {}),
        )
        target = f"integrations/{integration['IntegrationId']}"
        self.client.create_route(ApiId=self.id, RouteKey=key, Target=target, **spec)


def logged_event(lab, arn: str) -> Any:
    """The last event that an ECHO function got."""
    name = arn.split(":")[6]
    lab.cloud.idle()
    lines = [each for each in lab.log_events(f"/aws/lambda/{name}") if each.startswith("EVENT ")]
    return json.loads(lines[-1].removeprefix("EVENT "))
