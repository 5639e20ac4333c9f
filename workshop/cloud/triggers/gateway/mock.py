"""MOCK integrations of REST APIs, as the console's "Enable CORS" makes them.

Follows "Mock integrations for REST APIs in API Gateway"
(https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-mock-integration.html). Of
mapping templates it reads a plain `{"statusCode": 200}`, and bodies without variables.
"""

from __future__ import annotations

import re
from typing import Any

from ...base.answer import Answer

STATUS = re.compile(r"[\"']?statusCode[\"']?\s*:\s*[\"']?(\d{3})")
HEADER = "method.response.header."


def answer(integration: dict[str, Any]) -> Answer | None:
    """The answer that the integration's templates describe; None if they describe none."""
    template = (integration.get("requestTemplates") or {}).get("application/json") or ""
    status = STATUS.search(template)
    responses = integration.get("integrationResponses") or {}
    response = responses.get(status[1]) if status else None
    if response is None:
        return None
    headers = [
        (name.removeprefix(HEADER), value[1:-1])
        for name, value in (response.get("responseParameters") or {}).items()
        if name.startswith(HEADER) and value[:1] == value[-1:] == "'"
    ]
    templates = response.get("responseTemplates") or {}
    kind = next(iter(templates), "application/json")
    body = (templates.get(kind) or "").encode()
    return Answer(body, int(response["statusCode"]), [("Content-Type", kind), *headers])
