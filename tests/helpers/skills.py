"""Functions of Alexa skills, for several test files."""

from __future__ import annotations

from typing import Any

from lab import Lab


def skill_function(lab: Lab, source: str, permission: dict[str, str], **spec: Any) -> str:
    """Creates a function that Alexa may invoke; gives its ARN.

    `permission` is added to the statement, such as {"EventSourceToken": skill_id}.
    """
    name = lab.create(source, **spec)
    lab.client.add_permission(
        FunctionName=name,
        StatementId="alexa",
        Action="lambda:InvokeFunction",
        Principal="alexa-appkit.amazon.com",
        **permission,
    )
    return lab.client.get_function_configuration(FunctionName=name)["FunctionArn"]
