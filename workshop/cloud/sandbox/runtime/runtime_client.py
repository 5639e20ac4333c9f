"""The runtime client's native module in pure Python, where awslambdaric has none.

On macOS and Windows awslambdaric installs without its C++ `runtime_client`. This module of the
same name speaks the same four calls of the Lambda Runtime API. It is used only there.
"""

import http.client
import os

_connection = None
_user_agent = ""


def initialize_client(user_agent):
    """Opens the connection to the Runtime API that the environment names."""
    global _connection, _user_agent
    _user_agent = user_agent
    _connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])


def next():
    """Waits for an invocation; returns its body and its headers."""
    response = _call("GET", "/2018-06-01/runtime/invocation/next")
    headers = {name: response.getheader(name) for name in _HEADERS}
    headers["Lambda-Runtime-Deadline-Ms"] = int(headers["Lambda-Runtime-Deadline-Ms"])
    return response.read(), headers


def post_invocation_result(invoke_id, result, content_type, invocation_id=None):
    """Sends a handler's result."""
    path = f"/2018-06-01/runtime/invocation/{invoke_id}/response"
    _call("POST", path, result, {"Content-Type": content_type}).read()


def post_error(invoke_id, error, xray_fault, invocation_id=None):
    """Sends a handler's error."""
    path = f"/2018-06-01/runtime/invocation/{invoke_id}/error"
    _call("POST", path, error.encode(), {"Content-Type": "application/json"}).read()


_HEADERS = (
    "Lambda-Runtime-Aws-Request-Id",
    "Lambda-Runtime-Trace-Id",
    "Lambda-Runtime-Invoked-Function-Arn",
    "Lambda-Runtime-Deadline-Ms",
    "Lambda-Runtime-Client-Context",
    "Lambda-Runtime-Cognito-Identity",
    "Lambda-Runtime-Aws-Tenant-Id",
    "Lambda-Runtime-Invocation-Id",
    "Content-Type",
)


def _call(method, path, body=None, headers=None):
    assert _connection is not None
    _connection.request(method, path, body, {"User-Agent": _user_agent, **(headers or {})})
    response = _connection.getresponse()
    if response.status >= 300:
        response.read()  # the connection is used again
        raise RuntimeError(f"the Runtime API answered {response.status} to {method} {path}")
    return response
