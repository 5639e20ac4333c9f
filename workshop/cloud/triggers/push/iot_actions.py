"""The actions of topic rules.

Follows "AWS IoT rule actions"
(https://docs.aws.amazon.com/iot/latest/developerguide/iot-rule-actions.html). Functions are
invoked through their resource policies; other services are asked through their public APIs.
"""

from __future__ import annotations

import base64
import contextlib
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ...access.resource_policy import Source
from ...base.arns import Arn
from ...base.model import ApiError
from ...functions.sending import Extras
from .deliveries import Deliveries
from .iot_eval import CannotEvaluate, Evaluation
from .iot_sql import parse_template
from .iot_values import dumps, plain

Publish = Callable[[str, str, str, bytes], None]


@dataclass(frozen=True)
class Action:
    """One action of a rule: `lambda`, `sqs`, ... and its parameters."""

    kind: str
    parameters: dict[str, Any] = field(hash=False)


@dataclass(frozen=True)
class TopicRule:
    """A rule as it was created; an action is its kind and its parameters."""

    name: str
    arn: str
    region: str
    account_id: str
    sql: str
    version: str
    disabled: bool
    actions: tuple[Action, ...]
    error_action: Action | None


class ActionFailed(Exception):
    """An action that could not be carried out, as an error action is told of it."""

    def __init__(self, action: str, resource: str, message: str) -> None:
        super().__init__(message)
        self.action, self.resource, self.message = action, resource, message


class Task:
    """One action on one message: its parameters filled in, and what is to be sent."""

    def __init__(
        self, rule: TopicRule, action: Action, output: Any, evaluation: Evaluation
    ) -> None:
        self.rule, self.kind, self.output = rule, action.kind, output
        self.topic = evaluation.message.topic
        self._parameters, self._evaluation = action.parameters, evaluation
        self.source = Source("iot.amazonaws.com", rule.arn, rule.account_id)

    def get(self, name: str, otherwise: str = "") -> str:
        """A parameter's text, its templates filled in. Raises CannotEvaluate."""
        text = self._parameters.get(name)
        if text is None:
            return otherwise
        return self._evaluation.fill(parse_template(str(text), self.rule.version))

    def flag(self, name: str) -> bool:
        """A parameter that is true or false."""
        return bool(self._parameters.get(name))

    def inner(self, name: str) -> dict[str, Any]:
        """A parameter that is an object."""
        return self._parameters.get(name) or {}

    def body(self) -> bytes:
        """The outgoing message."""
        return self.output if isinstance(self.output, bytes) else dumps(self.output).encode()

    def text(self) -> str:
        """The outgoing message for services that take text only."""
        return self.body().decode("utf-8", "replace")

    def attributes(self) -> dict[str, Any]:
        """The outgoing message as DynamoDB's attributes. Raises ValueError if it is no object."""
        from boto3.dynamodb.types import TypeSerializer

        if not isinstance(self.output, dict):
            raise ValueError("the outgoing message is not a JSON object")
        item = json.loads(dumps(self.output), parse_float=Decimal)
        return {name: TypeSerializer().serialize(value) for name, value in item.items()}


class Actions:
    """Carries actions out; `publish(region, account, topic, payload)` republishes."""

    def __init__(
        self, client: Callable[[str, str], Any], deliveries: Deliveries, publish: Publish
    ) -> None:
        self._client, self._deliveries, self._publish = client, deliveries, publish
        # kind: what the error action calls it, the parameter that names the resource, how
        self.kinds: dict[str, tuple[str, str, Callable[[Task], None]]] = {
            "lambda": ("LambdaAction", "functionArn", self._lambda),
            "republish": ("RepublishAction", "topic", self._republish),
            "sqs": ("SqsAction", "queueUrl", self._sqs),
            "sns": ("SnsAction", "targetArn", self._sns),
            "s3": ("S3Action", "bucketName", self._s3),
            "kinesis": ("KinesisAction", "streamName", self._kinesis),
            "firehose": ("FirehoseAction", "deliveryStreamName", self._firehose),
            "dynamoDB": ("DynamoAction", "tableName", self._dynamodb),
            "dynamoDBv2": ("DynamoActionV2", "putItem", self._dynamodb_v2),
            "cloudwatchLogs": ("CloudwatchLogsAction", "logGroupName", self._cloudwatch_logs),
        }

    def carry_out(
        self, rule: TopicRule, action: Action, output: Any, evaluation: Evaluation
    ) -> None:
        """Carries an action out. Raises ActionFailed."""
        from botocore.exceptions import BotoCoreError, ClientError

        name, parameter, perform = self.kinds[action.kind]
        task = Task(rule, action, output, evaluation)
        named = action.parameters.get(parameter)
        resource = named.get("tableName", "") if isinstance(named, dict) else str(named or "")
        try:
            resource = task.get(parameter) if isinstance(named, str) else resource
            perform(task)
        except ClientError as error:
            raise ActionFailed(
                name, resource, _message(task, resource, _described(error))
            ) from None
        except ApiError as error:
            raise ActionFailed(name, resource, _message(task, resource, error.message)) from None
        except (BotoCoreError, CannotEvaluate, ValueError, TypeError) as error:
            raise ActionFailed(name, resource, _message(task, resource, str(error))) from None

    def _lambda(self, task: Task) -> None:
        if isinstance(task.output, bytes):
            raise ValueError(
                "a function takes JSON only; select encode(*, 'base64') AS data for other payloads"
            )
        arn = task.get("functionArn")
        if Arn.parse(arn).service != "lambda":
            raise ValueError(f"{arn!r} is not the ARN of a function")
        self._deliveries.send(arn, plain(task.output), task.source)

    def _republish(self, task: Task) -> None:
        topic = task.get("topic")
        topic = topic[1:] if topic.startswith("$$") else topic  # "$$aws/..." means "$aws/..."
        self._publish(task.rule.region, task.rule.account_id, topic, task.body())

    def _sqs(self, task: Task) -> None:
        url, body = task.get("queueUrl"), task.text()
        if task.flag("useBase64"):
            body = base64.b64encode(task.body()).decode()
        self._ask("sqs", task).send_message(QueueUrl=url, MessageBody=body)

    def _sns(self, task: Task) -> None:
        more = {"MessageStructure": "json"} if task.get("messageFormat") == "JSON" else {}
        extras = Extras(message=more)
        self._deliveries.send(task.get("targetArn"), task.text(), task.source, extras)

    def _s3(self, task: Task) -> None:
        more = {"ACL": task.get("cannedAcl")} if task.get("cannedAcl") else {}
        client = self._ask("s3", task)
        client.put_object(
            Bucket=task.get("bucketName"), Key=task.get("key"), Body=task.body(), **more
        )

    def _kinesis(self, task: Task) -> None:
        self._ask("kinesis", task).put_record(
            StreamName=task.get("streamName"),
            Data=task.body(),
            PartitionKey=task.get("partitionKey", str(uuid.uuid4())),
        )

    def _firehose(self, task: Task) -> None:
        data = task.body() + task.get("separator").encode()
        self._ask("firehose", task).put_record(
            DeliveryStreamName=task.get("deliveryStreamName"), Record={"Data": data}
        )

    def _dynamodb_v2(self, task: Task) -> None:
        table = task.inner("putItem").get("tableName", "")
        self._ask("dynamodb", task).put_item(TableName=table, Item=task.attributes())

    def _dynamodb(self, task: Task) -> None:
        """One item: its keys from templates, the message in one attribute."""
        from boto3.dynamodb.types import TypeSerializer

        key = {}
        for which in ("hashKey", "rangeKey"):
            if task.get(f"{which}Field"):
                kind = "N" if task.get(f"{which}Type") == "NUMBER" else "S"
                key[task.get(f"{which}Field")] = {kind: task.get(f"{which}Value")}
        client, table = self._ask("dynamodb", task), task.get("tableName")
        if task.get("operation").upper() == "DELETE":
            client.delete_item(TableName=table, Key=key)
            return
        value = json.loads(dumps(task.output), parse_float=Decimal)
        payload = {task.get("payloadField", "payload"): TypeSerializer().serialize(value)}
        client.put_item(TableName=table, Item={**payload, **key})

    def _cloudwatch_logs(self, task: Task) -> None:
        """One log event, or with batchMode one for each object of an array."""
        client, group, stream = self._ask("logs", task), task.get("logGroupName"), task.rule.name
        now = int(time.time() * 1000)
        events = [{"timestamp": now, "message": task.text()}]
        if task.flag("batchMode"):
            batch = plain(task.output)
            events = [{"timestamp": e["timestamp"], "message": e["message"]} for e in batch]
        with contextlib.suppress(client.exceptions.ResourceAlreadyExistsException):
            client.create_log_stream(logGroupName=group, logStreamName=stream)
        client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)

    def _ask(self, service: str, task: Task) -> Any:
        return self._client(service, task.rule.region)


def _described(error: Any) -> str:
    """An API's error as AWS's own services write it."""
    answer, meta = error.response["Error"], error.response.get("ResponseMetadata", {})
    return (
        f"{answer.get('Message', '')} (Service: {error.operation_name}; Status Code: "
        f"{meta.get('HTTPStatusCode')}; Error Code: {answer.get('Code')}; Request ID: "
        f"{meta.get('RequestId')})"
    )


def _message(task: Task, resource: str, reason: str) -> str:
    return (
        f"Failed to carry out the action. The error received was {reason}. "
        f"Message arrived on: {task.topic}, Action: {task.kind}, Resource: {resource}"
    )
