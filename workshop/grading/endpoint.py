"""Another AWS endpoint to grade on: a local cloud in another process, or AWS."""

from __future__ import annotations

import functools
import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from ..cloud.base.variables import is_loopback, no_proxy


def clients(endpoint_url: str) -> Callable[[str], Any]:
    """Makes boto3 clients of an endpoint, one for each service, with the keys of this process."""
    import boto3

    os.environ.update(no_proxy(os.environ))  # a local cloud is asked without one
    return functools.cache(lambda service: boto3.client(service, endpoint_url=endpoint_url))


def idle_of(endpoint_url: str) -> Callable[[], None] | None:
    """What waits until a local cloud is idle; None for an endpoint that cannot tell."""
    if not is_loopback(endpoint_url):
        return None
    try:
        _post(endpoint_url + "/_aws/idle", {"timeout": 10})
    except urllib.error.HTTPError as error:
        if error.code != 408:  # it goes on for more than 10 s, but it can tell
            return None
    except OSError:
        return None
    return lambda: _post(endpoint_url + "/_aws/idle", {"timeout": 60})


def _post(url: str, body: dict[str, Any]) -> None:
    """POSTs JSON, signed with the keys of this process."""
    import boto3
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest

    session = boto3.Session()
    request = AWSRequest("POST", url, data=json.dumps(body).encode())
    region = session.region_name or "us-east-1"
    SigV4Auth(session.get_credentials(), "local-cloud", region).add_auth(request)
    headers = dict(request.headers.items())
    sent = urllib.request.Request(url, data=request.data, headers=headers, method="POST")
    urllib.request.urlopen(sent, timeout=70).close()
