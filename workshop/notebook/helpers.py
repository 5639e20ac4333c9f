"""Small helpers that keep the notebooks' cells about Lambda.

Each may be called again: what is there already is updated or made anew, what is gone stays gone.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from ..cloud.functions.runtime_names import NEWEST_RUNTIME
from ..examples.invoke import NoEvent, account_of, example_event, invoke
from ..examples.packages import package
from ..grading.function import ROLE, Function, NotReady
from ..grading.function import deploy as deploy_folder
from ..paths import exercises_folder
from ..stages import find
from .extension import running_cloud

# What create_function takes where nothing is said, so that an update leaves nothing of before.
DEFAULTS: dict[str, Any] = {
    "Role": ROLE,
    "Handler": "handler.handler",
    "Runtime": NEWEST_RUNTIME,
    "Timeout": 3,
    "MemorySize": 128,
    "Environment": {"Variables": {}},
    "LoggingConfig": {"LogFormat": "Text"},
    "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []},
}
NOT_THERE = ("NotFound", "NoSuch", "NonExistentQueue")  # in the codes of AWS's errors
# What is deployed of the learner's, by stage and handler.
_exercises: dict[tuple[str, str], Function] = {}


def deploy(name: str, source: str, file: str = "handler.py", **settings: Any) -> str:
    """Creates the function, or updates the one of this name; returns its ARN when it is ready.

    `source` becomes the file of its package. The settings are arguments of create_function, such
    as `Timeout=10`; those that are not named have their defaults.
    """
    client, code = boto3.client("lambda"), package(source, file)
    wanted = {**DEFAULTS, **settings}
    try:
        client.create_function(FunctionName=name, Code={"ZipFile": code}, **wanted)
    except client.exceptions.ResourceConflictException:
        client.update_function_configuration(FunctionName=name, **wanted)
        client.get_waiter("function_updated_v2").wait(FunctionName=name)
        client.update_function_code(FunctionName=name, ZipFile=code)
        client.get_waiter("function_updated_v2").wait(FunctionName=name)
    client.get_waiter("function_active_v2").wait(FunctionName=name)
    return client.get_function_configuration(FunctionName=name)["FunctionArn"]


def make_table(name: str, key: str, sort: str | None = None, stream: str | None = None) -> Any:
    """A new, empty table of DynamoDB, as a boto3 resource; one of this name goes first.

    Its keys are strings. `stream` is a StreamViewType, such as "NEW_AND_OLD_IMAGES".
    """
    dynamodb = boto3.resource("dynamodb")
    delete(dynamodb.Table(name).delete)
    keys = {key: "HASH"} | ({sort: "RANGE"} if sort else {})
    more = {"StreamEnabled": True, "StreamViewType": stream} if stream else {"StreamEnabled": False}
    table = dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": each, "KeyType": kind} for each, kind in keys.items()],
        AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in keys],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification=more,
    )
    table.wait_until_exists()
    return table


def make_role(name: str, *policies: str) -> str:
    """A role that Lambda may take on; returns its ARN. It has these managed policies, by ARN.

    One of this name loses the policies that it had.
    """
    iam = boto3.client("iam")
    lambda_may = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
    trust = {"Version": "2012-10-17", "Statement": [{**lambda_may, "Action": "sts:AssumeRole"}]}
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    role = boto3.resource("iam").Role(name)
    for inline in role.policies.all():
        inline.delete()
    for attached in role.attached_policies.all():
        role.detach_policy(PolicyArn=attached.arn)
    for arn in policies:
        role.attach_policy(PolicyArn=arn)
    return role.arn


def point_alias(function: str, name: str, version: str) -> None:
    """Creates the alias, or has the one of this name point at this version alone."""
    client = boto3.client("lambda")
    alias = {"FunctionName": function, "Name": name, "FunctionVersion": version}
    try:
        client.create_alias(**alias)
    except client.exceptions.ResourceConflictException:
        client.update_alias(**alias, RoutingConfig={"AdditionalVersionWeights": {}})


def unmap(function: str) -> None:
    """Deletes the event source mappings of a function, if there are any."""
    client = boto3.client("lambda")
    for each in client.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]:
        delete(client.delete_event_source_mapping, UUID=each["UUID"])


def delete(call: Callable[..., Any], **arguments: Any) -> None:
    """Calls what deletes something; it is all right if that is not there any more."""
    try:
        call(**arguments)
    except ClientError as error:
        if not any(word in error.response["Error"]["Code"] for word in NOT_THERE):
            raise


def log_events(client: Any, group: str) -> list[str]:
    """Every message of a log group, oldest first, from CloudWatch Logs (a boto3 logs client)."""
    pages = client.get_paginator("filter_log_events").paginate(logGroupName=group)
    return [event["message"].rstrip("\n") for page in pages for event in page["events"]]


def deploy_exercise(
    stage: str,
    values: Mapping[str, str] | None = None,
    handler: str = Function.handler,
    **variables: str,
) -> Function | None:
    """Deploys your handler of a stage to the notebook's cloud; the one from before goes.

    `handler` names one of several, such as "handler.planner". The other keywords are environment
    variables, `values` what placeholders in function.json stand for.
    Prints what to fix and returns None if it cannot be deployed.
    """
    name = find(stage).name
    before = _exercises.pop((name, handler), None)
    if before:
        with contextlib.suppress(ClientError, BotoCoreError):  # its cloud may be gone
            before.delete()
    try:
        function = deploy_folder(
            boto3.client("lambda"),
            exercises_folder() / name,
            variables=variables,
            values=values,
            changes={"Handler": handler} if handler != Function.handler else None,
        )
    except NotReady as error:
        print(error)
        return None
    _exercises[name, handler] = function
    return function


def invoke_exercise(stage: str, event: Any = None) -> None:
    """Deploys your function of a stage as it is, invokes it, and prints its answer and its log.

    The event is the event.json of the stage, unless you give another one. What the example needs,
    such as a table, is made first, and taken away in the end.
    """
    chosen, folder = find(stage), exercises_folder()
    try:
        text = example_event(chosen, folder) if event is None else json.dumps(event)
    except NoEvent as error:
        print(error)
        return
    _, lines = invoke(chosen, folder, text, account_of(running_cloud()))
    print("\n".join(lines))
