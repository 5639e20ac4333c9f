"""Lambda's API: every call's parameters, and the calls that moto lacks.

Paths, fields and status codes follow the API's model
(https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ..base.answer import Answer
from ..base.model import ApiError
from ..base.parameters import check_parameters, invalid
from ..functions.concurrency import Concurrency
from ..functions.provisioned import Provisioned
from ..functions.runtime_names import check_runs_here
from ..functions.validation import Capacity, check_provisioned_concurrency
from ..seam import find_function, latest, shares, usage
from .lambda_calls import LambdaCall, read_call
from .requests import SignedRequest, json_answer

MB = 1024 * 1024
UNPUBLISHED = "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
NOT_PUBLISHED = "The function resource provided must be an alias or a published version."
Json = dict[str, Any]


class LambdaApi:
    """Checks every call of Lambda's API, and answers those that moto lacks."""

    def __init__(self, provisioned: Provisioned, concurrency: Concurrency) -> None:
        self._provisioned, self._concurrency = provisioned, concurrency
        self._calls: dict[str, Callable[[LambdaCall], Json]] = {
            "PutProvisionedConcurrencyConfig": self._put_provisioned,
            "GetProvisionedConcurrencyConfig": self._get_provisioned,
            "ListProvisionedConcurrencyConfigs": self._list_provisioned,
            "DeleteProvisionedConcurrencyConfig": self._delete_provisioned,
            "GetAccountSettings": self._account_settings,
            "PutFunctionRecursionConfig": put_recursion,
            "GetFunctionRecursionConfig": get_recursion,
            "PutRuntimeManagementConfig": put_runtime_management,
            "GetRuntimeManagementConfig": get_runtime_management,
        }

    def answer(self, request: SignedRequest) -> Answer | None:
        """The answer to a call that moto lacks; None for another. Raises ApiError."""
        call = read_call(request) if request.service == "lambda" else None
        if call is None:
            return None
        check_parameters("lambda", call.operation, call.parameters)
        if call.operation not in self._calls:
            return None
        fields = self._calls[call.operation](call)
        return json_answer(json.dumps(fields).encode() if fields else b"", call.status)

    def _put_provisioned(self, call: LambdaCall) -> Json:
        requested = call.parameters["ProvisionedConcurrentExecutions"]
        arn, name, qualifier = _published(call, UNPUBLISHED)
        function, _ = find_function(call.region, name, qualifier)
        check_runs_here(function)
        self._check_target(call.region, arn, name, qualifier)
        others = sum(
            each.requested
            for each in self._provisioned.of_function(arn)
            if each.qualifier != qualifier
        )
        left = self._concurrency.left_without(arn, call.region) - others
        capacity = Capacity(left, self._concurrency.limit, self._concurrency.minimum)
        check_provisioned_concurrency(requested, others, function.reserved_concurrency, capacity)
        config = self._provisioned.put(arn, qualifier, requested)
        return {**self._provisioned.describe(config), "Status": "IN_PROGRESS"}

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

    def _get_provisioned(self, call: LambdaCall) -> Json:
        arn, _, qualifier = _published(call, NOT_PUBLISHED)
        config = self._provisioned.get(arn, qualifier)
        if config is None:
            raise ApiError(
                404,
                "ProvisionedConcurrencyConfigNotFoundException",
                "No Provisioned Concurrency Config found for this function",
            )
        return self._provisioned.describe(config)

    def _list_provisioned(self, call: LambdaCall) -> Json:
        function, _ = find_function(call.region, call.name, None)
        configs = sorted(self._provisioned.of_function(function.arn), key=lambda c: c.qualifier)
        marker, most = call.parameters["Marker"] or "0", call.parameters["MaxItems"] or 50
        if not marker.isdecimal():
            raise invalid(f"Invalid value for Marker: {marker}")
        first = int(marker)
        page = configs[first : first + most]
        answer: dict[str, Any] = {
            "ProvisionedConcurrencyConfigs": [
                {"FunctionArn": f"{each.arn}:{each.qualifier}", **self._provisioned.describe(each)}
                for each in page
            ]
        }
        if len(configs) > first + most:
            answer["NextMarker"] = str(first + most)
        return answer

    def _delete_provisioned(self, call: LambdaCall) -> Json:
        arn, _, qualifier = _published(call, NOT_PUBLISHED)
        self._provisioned.delete(arn, qualifier)
        return {}

    def _account_settings(self, call: LambdaCall) -> Json:
        stored, functions = usage(call.region)
        return {
            "AccountLimit": {
                "TotalCodeSize": 300 * 1024 * MB,
                "CodeSizeUnzipped": 250 * MB,
                "CodeSizeZipped": 50 * MB,
                "ConcurrentExecutions": self._concurrency.limit,
                "UnreservedConcurrentExecutions": self._concurrency.unreserved(call.region),
            },
            "AccountUsage": {"TotalCodeSize": stored, "FunctionCount": functions},
        }


def put_recursion(call: LambdaCall) -> Json:
    """Whether Lambda stops a function that goes round in a loop: Terminate, or Allow."""
    value = call.parameters["RecursiveLoop"]
    latest(call.region, call.name).recursive_loop = value
    return {"RecursiveLoop": value}


def get_recursion(call: LambdaCall) -> Json:
    """What PutFunctionRecursionConfig set, or Terminate."""
    return {"RecursiveLoop": latest(call.region, call.name).recursive_loop}


def put_runtime_management(call: LambdaCall) -> Json:
    """Keeps how AWS would update a function's runtime; here it is your own Python."""
    mode, arn = call.parameters["UpdateRuntimeOn"], call.parameters.get("RuntimeVersionArn")
    if mode == "Manual" and not arn:
        raise invalid("RuntimeVersionArn is required when UpdateRuntimeOn is set to Manual.")
    if mode != "Manual" and arn:
        raise invalid("RuntimeVersionArn can only be set when UpdateRuntimeOn is Manual.")
    version = _version(call)
    kept = {"UpdateRuntimeOn": mode, **({"RuntimeVersionArn": arn} if arn else {})}
    latest(call.region, call.name).runtime_management[version.rpartition(":")[2]] = kept
    return {**kept, "FunctionArn": version}


def get_runtime_management(call: LambdaCall) -> Json:
    """What PutRuntimeManagementConfig set, or Auto."""
    version = _version(call)
    kept = latest(call.region, call.name).runtime_management.get(version.rpartition(":")[2])
    return {**(kept or {"UpdateRuntimeOn": "Auto"}), "FunctionArn": version}


def _version(call: LambdaCall) -> str:
    function, _ = find_function(call.region, call.name, call.qualifier)
    return f"{function.arn}:{function.version}"


def _published(call: LambdaCall, otherwise: str) -> tuple[str, str, str]:
    """The function's ARN, its name, and a qualifier that is not $LATEST. Raises ApiError."""
    function, arn = find_function(call.region, call.name, None)  # it exists
    qualifier = call.qualifier or arn[len(function.arn) + 1 :]
    if not qualifier or qualifier == "$LATEST":
        raise invalid(otherwise)
    shares(call.region, function.name, qualifier)  # it exists as well
    return function.arn, function.name, qualifier
