"""The calls of Lambda's API that moto lacks: capacity, recursion, runtime updates.

Paths, fields and status codes follow the API's model
(https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote

from ..base.json_text import from_json
from ..base.model import ApiError
from ..base.parameters import constraint, invalid
from ..functions.concurrency import Concurrency
from ..functions.invoker import check_runs_here
from ..functions.provisioned import Config, Provisioned
from ..functions.validation import check_provisioned_concurrency
from ..seam import find_function, latest, shares, usage

MB = 1024 * 1024
FUNCTION = r"functions/(?P<name>[^/]+)"
PROVISIONED = rf"/2019-09-30/{FUNCTION}/provisioned-concurrency"
RECURSION = rf"/2024-08-31/{FUNCTION}/recursion-config"
RUNTIME = rf"/2021-07-20/{FUNCTION}/runtime-management-config"
UNPUBLISHED = "Provisioned Concurrency Configs cannot be applied to unpublished function versions."


@dataclass(frozen=True)
class Call:
    """One call of the API: the function's name or ARN, the qualifier, the query, the body."""

    region: str
    name: str
    query: dict[str, list[str]]
    body: dict[str, Any]

    @property
    def qualifier(self) -> str | None:
        """The version or alias that was asked for."""
        return self.query.get("Qualifier", [None])[0]


Answer = tuple[int, dict[str, Any] | None]  # the status and the JSON to answer


class LambdaApi:
    """Answers the calls in `routes`."""

    def __init__(self, provisioned: Provisioned, concurrency: Concurrency) -> None:
        self._provisioned, self._concurrency = provisioned, concurrency
        self._routes: list[tuple[str, str, Callable[[Call], Answer]]] = [
            ("PUT", PROVISIONED, self._put_provisioned),
            ("GET", PROVISIONED, self._get_or_list_provisioned),
            ("DELETE", PROVISIONED, self._delete_provisioned),
            ("GET", r"/2016-08-19/account-settings", self._account_settings),
            ("PUT", RECURSION, put_recursion),
            ("GET", RECURSION, get_recursion),
            ("PUT", RUNTIME, put_runtime_management),
            ("GET", RUNTIME, get_runtime_management),
        ]

    def answers(self, method: str, path: str) -> bool:
        """Whether a request is one of these calls."""
        return self._find(method, path) is not None

    def answer(self, method: str, path: str, query: str, region: str, body: bytes) -> Answer:
        """Does what is asked. Raises ApiError."""
        found = self._find(method, path)
        assert found is not None, "ask answers() first"
        handle, match = found
        name = unquote(match.groupdict().get("name", ""))
        return handle(Call(region, name, parse_qs(query), _parsed(body)))

    def _find(
        self, method: str, path: str
    ) -> tuple[Callable[[Call], Answer], re.Match[str]] | None:
        for wanted, pattern, handle in self._routes:
            match = re.fullmatch(pattern + "/?", path)
            if match and method == wanted:
                return handle, match
        return None

    def _put_provisioned(self, call: Call) -> Answer:
        requested = call.body.get("ProvisionedConcurrentExecutions")
        if not isinstance(requested, int):
            rule = "Member must not be null"
            raise constraint("null", "provisionedConcurrentExecutions", rule)
        arn, name, qualifier = _published(call, UNPUBLISHED)
        function, _ = find_function(call.region, name, qualifier)
        check_runs_here(function)
        self._check_target(call.region, arn, name, qualifier)
        others = sum(
            each.requested
            for each in self._provisioned.of_function(arn)
            if each.qualifier != qualifier
        )
        check_provisioned_concurrency(
            requested,
            others,
            function.reserved_concurrency,
            self._concurrency.left_without(arn, call.region),
            self._concurrency.limit,
            self._concurrency.minimum,
        )
        config = self._provisioned.put(arn, qualifier, requested)
        return 202, {**self._provisioned.describe(config), "Status": "IN_PROGRESS"}

    def _check_target(self, region: str, arn: str, name: str, qualifier: str) -> None:
        """Only one configuration, a version's or an alias's, can give a version environments."""
        versions = shares(region, name, qualifier)
        if "$LATEST" in versions:
            raise invalid(UNPUBLISHED)
        if len(versions) > 1:
            raise invalid("Invalid alias configuration for Provisioned Concurrency")
        for other in self._provisioned.of_function(arn):
            if other.qualifier == qualifier or not (
                versions.keys() & shares(region, name, other.qualifier).keys()
            ):
                continue
            if qualifier.isdigit():
                message = "Version is pointed by a Provisioned Concurrency alias"
            elif other.qualifier.isdigit():
                message = (
                    "Alias can't be used for Provisioned Concurrency configuration on an already "
                    "Provisioned version"
                )
            else:
                message = "Version is already provisioned by another alias: " + other.qualifier
            raise ApiError(409, "ResourceConflictException", message)

    def _get_or_list_provisioned(self, call: Call) -> Answer:
        if call.query.get("List") == ["ALL"]:
            return self._list_provisioned(call)
        return 200, self._provisioned.describe(self._config(call))

    def _list_provisioned(self, call: Call) -> Answer:
        function, _ = find_function(call.region, call.name, None)
        configs = sorted(self._provisioned.of_function(function.arn), key=lambda c: c.qualifier)
        first, most = _number(call, "Marker", 0), _number(call, "MaxItems", 50)
        page = configs[first : first + most]
        answer: dict[str, Any] = {
            "ProvisionedConcurrencyConfigs": [
                {"FunctionArn": f"{each.arn}:{each.qualifier}", **self._provisioned.describe(each)}
                for each in page
            ]
        }
        if len(configs) > first + most:
            answer["NextMarker"] = str(first + most)
        return 200, answer

    def _delete_provisioned(self, call: Call) -> Answer:
        arn, _, qualifier = _published(
            call, "The function resource provided must be an alias or a published version."
        )
        self._provisioned.delete(arn, qualifier)
        return 204, None

    def _config(self, call: Call) -> Config:
        arn, _, qualifier = _published(
            call, "The function resource provided must be an alias or a published version."
        )
        config = self._provisioned.get(arn, qualifier)
        if config is None:
            raise ApiError(
                404,
                "ProvisionedConcurrencyConfigNotFoundException",
                "No Provisioned Concurrency Config found for this function",
            )
        return config

    def _account_settings(self, call: Call) -> Answer:
        stored, functions = usage(call.region)
        return 200, {
            "AccountLimit": {
                "TotalCodeSize": 300 * 1024 * MB,
                "CodeSizeUnzipped": 250 * MB,
                "CodeSizeZipped": 50 * MB,
                "ConcurrentExecutions": self._concurrency.limit,
                "UnreservedConcurrentExecutions": self._concurrency.unreserved(call.region),
            },
            "AccountUsage": {"TotalCodeSize": stored, "FunctionCount": functions},
        }


def put_recursion(call: Call) -> Answer:
    """Whether Lambda stops a function that goes round in a loop: Terminate, or Allow."""
    value = call.body.get("RecursiveLoop")
    if value not in ("Allow", "Terminate"):
        rule = "Member must satisfy enum value set: [Terminate, Allow]"
        raise constraint(value, "recursiveLoop", rule)
    latest(call.region, call.name).recursive_loop = value
    return 200, {"RecursiveLoop": value}


def get_recursion(call: Call) -> Answer:
    """What PutFunctionRecursionConfig set, or Terminate."""
    return 200, {"RecursiveLoop": latest(call.region, call.name).recursive_loop}


def put_runtime_management(call: Call) -> Answer:
    """Keeps how AWS would update a function's runtime; here it is your own Python."""
    mode, arn = call.body.get("UpdateRuntimeOn"), call.body.get("RuntimeVersionArn")
    if mode not in ("Auto", "FunctionUpdate", "Manual"):
        rule = "Member must satisfy enum value set: [FunctionUpdate, Auto, Manual]"
        raise constraint(mode, "updateRuntimeOn", rule)
    if mode == "Manual" and not arn:
        raise invalid("RuntimeVersionArn is required when UpdateRuntimeOn is set to Manual.")
    if mode != "Manual" and arn:
        raise invalid("RuntimeVersionArn can only be set when UpdateRuntimeOn is Manual.")
    version = _version(call)
    kept = {"UpdateRuntimeOn": mode, **({"RuntimeVersionArn": arn} if arn else {})}
    latest(call.region, call.name).runtime_management[version.rpartition(":")[2]] = kept
    return 200, {**kept, "FunctionArn": version}


def get_runtime_management(call: Call) -> Answer:
    """What PutRuntimeManagementConfig set, or Auto."""
    version = _version(call)
    kept = latest(call.region, call.name).runtime_management.get(version.rpartition(":")[2])
    return 200, {**(kept or {"UpdateRuntimeOn": "Auto"}), "FunctionArn": version}


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        parsed = from_json(body or b"{}")
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise ApiError(400, "SerializationException", "Could not parse request body into json")
    return parsed


def _number(call: Call, name: str, otherwise: int) -> int:
    given = call.query.get(name, [str(otherwise)])[0]
    if not given.isdigit():
        raise invalid(f"Invalid value for {name}: {given}")
    return int(given)


def _version(call: Call) -> str:
    function, _ = find_function(call.region, call.name, call.qualifier)
    return f"{function.arn}:{function.version}"


def _published(call: Call, otherwise: str) -> tuple[str, str, str]:
    """The function's ARN, its name, and a qualifier that is not $LATEST. Raises ApiError."""
    function, arn = find_function(call.region, call.name, None)  # it exists
    qualifier = call.qualifier or arn[len(function.arn) + 1 :]
    if not qualifier or qualifier == "$LATEST":
        raise invalid(otherwise)
    shares(call.region, function.name, qualifier)  # it exists as well
    return function.arn, function.name, qualifier
