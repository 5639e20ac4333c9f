"""What a call to DynamoDB asks for: some name several tables, and some name them in PartiQL.

Follows "Actions, resources, and condition keys for Amazon DynamoDB"
(https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html).
"""

from __future__ import annotations

import re
from typing import Any

IN_TRANSACTIONS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "Get": "GetItem",
    "ConditionCheck": "ConditionCheckItem",
}
STATEMENT = re.compile(
    r"\s*(?:(?P<SELECT>SELECT)\b.*?\bFROM|(?P<INSERT>INSERT)\s+INTO|(?P<UPDATE>UPDATE)"
    r"|(?P<DELETE>DELETE)\s+FROM)\s+\"?(?P<table>[\w.-]+)\"?(?:\.\"?(?P<index>[\w.-]+)\"?)?",
    re.IGNORECASE | re.DOTALL,
)
Pairs = list[tuple[str, str]]


def dynamodb_calls(name: str, fields: dict[str, Any], arn: str) -> Pairs | None:
    """Actions and resources of an operation; None where they cannot be read."""
    if name in ("BatchWriteItem", "BatchGetItem"):
        tables = fields.get("RequestItems")
        if not isinstance(tables, dict):
            return None
        return [(f"dynamodb:{name}", _table(each, arn)) for each in tables]
    if name in ("TransactWriteItems", "TransactGetItems"):
        return _transaction(fields.get("TransactItems"), arn)
    if name in ("ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"):
        return _partiql(name, fields, arn)
    if isinstance(fields.get("StreamArn"), str):
        return [(f"dynamodb:{name}", fields["StreamArn"])]
    if not isinstance(fields.get("TableName"), str):
        return [(f"dynamodb:{name}", "*")]
    resource = _table(fields["TableName"], arn)
    if fields.get("IndexName"):
        resource += f"/index/{fields['IndexName']}"
    return [(f"dynamodb:{name}", resource)]


def _transaction(items: Any, arn: str) -> Pairs | None:
    calls = []
    for item in items if isinstance(items, list) else []:
        for kind, each in item.items() if isinstance(item, dict) else []:
            if kind not in IN_TRANSACTIONS or not isinstance(each, dict):
                return None
            resource = _table(str(each.get("TableName")), arn)
            calls.append((f"dynamodb:{IN_TRANSACTIONS[kind]}", resource))
    return calls or None


def _partiql(name: str, fields: dict[str, Any], arn: str) -> Pairs | None:
    key = {"BatchExecuteStatement": "Statements", "ExecuteTransaction": "TransactStatements"}
    statements = fields.get(key[name]) if name in key else [fields]
    calls = []
    for each in statements if isinstance(statements, list) else []:
        text = each.get("Statement") if isinstance(each, dict) else None
        found = STATEMENT.match(text) if isinstance(text, str) else None
        if not found:
            return None
        verb = next(v for v in ("SELECT", "INSERT", "UPDATE", "DELETE") if found[v])
        resource = _table(found["table"], arn)
        if found["index"]:
            resource += f"/index/{found['index']}"
        calls.append((f"dynamodb:PartiQL{verb.capitalize()}", resource))
    return calls or None


def _table(name: str, arn: str) -> str:
    return name if name.startswith("arn:") else f"{arn}table/{name}"
