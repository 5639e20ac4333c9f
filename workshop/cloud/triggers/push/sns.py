"""SNS: messages to functions, and to the dead-letter queue what could not be delivered.

Follows "Invoking Lambda functions with Amazon SNS notifications"
(https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html) and "Amazon SNS dead-letter queues"
(https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html).
"""

from __future__ import annotations

import base64
import json
import re
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ...access.resource_policy import Source
from ...base.arns import Arn
from ...base.model import ApiError
from ...base.times import in_milliseconds
from ...base.variables import ACCOUNT_ID
from ...functions.sending import Extras
from .deliveries import Deliveries

SERVICE = "sns.amazonaws.com"
FUNCTION_ARN = re.compile(r"arn:aws[\w-]*:lambda:[\w-]+:\d{12}:function:[\w-]+(:[\w$-]+)?")
QUEUE_ARN = re.compile(r"arn:aws[\w-]*:sqs:[\w-]+:\d{12}:[\w.-]+")
SIGNATURE_SIZE = 256  # bytes


@dataclass(frozen=True)
class Message:
    """A message on its way to one subscription; `body` is what that protocol gets."""

    id: str
    topic_arn: str
    subscription_arn: str
    endpoint: str
    body: str
    subject: str | None
    attributes: dict[str, dict[str, str]]  # name to Type and Value
    redrive_policy: str | None

    @property
    def region(self) -> str:
        """The topic's."""
        return Arn.parse(self.topic_arn).region

    @property
    def source(self) -> Source:
        """The topic, as it asks a function's policy."""
        return Source(SERVICE, self.topic_arn, ACCOUNT_ID)


class TopicSubscriptions:
    """Checks subscriptions, and delivers what topics send to functions."""

    def __init__(self, deliveries: Deliveries) -> None:
        self._deliveries = deliveries

    def check(self, topic_is_fifo: bool, endpoint: str) -> None:
        """Whether a function may be subscribed. Raises ApiError, 400, if not."""
        if topic_is_fifo:
            raise invalid(
                "Invalid parameter: Endpoint Reason: FIFO SNS topics can not be subscribed to by "
                "the lambda protocol"
            )
        if not FUNCTION_ARN.fullmatch(endpoint or ""):
            raise invalid("Lambda endpoint ARN")
        try:
            self._deliveries.find(endpoint)
        except ApiError as error:
            raise invalid(f"Endpoint Reason: {error.message}") from None

    def deliver(self, message: Message) -> None:
        """Hands a message to its function; one that SNS may not invoke, to the redrive policy."""
        error = self._deliveries.try_to_send(message.endpoint, event(message), message.source)
        if error:
            self._redrive(message, error.status, error.message)

    def failed(self, message: Message, reason: str) -> None:
        """Notes a delivery of another protocol that failed, and redrives it."""
        self._deliveries.note(f"{message.topic_arn}: {message.endpoint}: {reason}")
        self._redrive(message, 400, reason)

    def _redrive(self, message: Message, status: int, reason: str) -> None:
        target = dead_letter_queue(message.redrive_policy)
        if not target:
            return
        extras = Extras(
            attributes={"RequestID": message.id, "ErrorCode": status, "ErrorMessage": reason}
        )
        self._deliveries.try_to_send(target, notification(message), message.source, extras)


def event(message: Message) -> dict[str, Any]:
    """The event that a function gets."""
    return {
        "Records": [
            {
                "EventSource": "aws:sns",
                "EventVersion": "1.0",
                "EventSubscriptionArn": message.subscription_arn,
                "Sns": {
                    "Type": "Notification",
                    "MessageId": message.id,
                    "TopicArn": message.topic_arn,
                    "Subject": message.subject,
                    "Message": message.body,
                    "Timestamp": in_milliseconds(),
                    "SignatureVersion": "1",
                    "Signature": _signature(),
                    "SigningCertUrl": _certificate_url(message),
                    "UnsubscribeUrl": _unsubscribe_url(message),
                    "MessageAttributes": message.attributes,
                },
            }
        ]
    }


def notification(message: Message) -> dict[str, Any]:
    """The message as queues get it; other than functions, they get no key without a value."""
    found: dict[str, Any] = {
        "Type": "Notification",
        "MessageId": message.id,
        "TopicArn": message.topic_arn,
        "Subject": message.subject,
        "Message": message.body,
        "Timestamp": in_milliseconds(),
        "SignatureVersion": "1",
        "Signature": _signature(),
        "SigningCertURL": _certificate_url(message),
        "UnsubscribeURL": _unsubscribe_url(message),
        "MessageAttributes": message.attributes,
    }
    return {name: value for name, value in found.items() if value}


def dead_letter_queue(redrive_policy: str | None) -> str | None:
    """The queue's ARN in a subscription's RedrivePolicy, None without one."""
    return json.loads(redrive_policy)["deadLetterTargetArn"] if redrive_policy else None


def check_attribute(name: str, value: Any, protocol: str) -> None:
    """Whether a subscription may have an attribute. Raises ApiError, 400, if not."""
    if name == "RawMessageDelivery" and protocol == "lambda" and str(value).lower() == "true":
        raise invalid(f"Delivery protocol [{protocol}] does not support raw message delivery.")
    if name in ("RedrivePolicy", "FilterPolicy") and value:
        content = _read_object(name, value)
        target = content.get("deadLetterTargetArn")
        if name == "RedrivePolicy" and not QUEUE_ARN.fullmatch(str(target)):
            raise invalid("RedrivePolicy: deadLetterTargetArn is an invalid arn")
    if name == "FilterPolicyScope" and value not in ("MessageAttributes", "MessageBody"):
        raise invalid(
            f"FilterPolicyScope: Invalid value [{value}]. Please use either MessageBody or "
            "MessageAttributes"
        )


def check_structure(message: str) -> None:
    """Whether a message with MessageStructure json is as it must be. Raises ApiError, 400."""
    try:
        content = json.loads(message)
    except ValueError:
        raise invalid("Message Structure - JSON message body failed to parse") from None
    if not isinstance(content, dict) or not isinstance(content.get("default"), str):
        raise invalid("Message Structure - No default entry in JSON message body")


def invalid(reason: str) -> ApiError:
    """SNS's error for a parameter."""
    return ApiError(400, "InvalidParameter", f"Invalid parameter: {reason}")


def _read_object(name: str, value: str) -> dict[str, Any]:
    try:
        content = json.loads(value)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise invalid(f"{name}: failed to parse JSON.")
    return content


def _signature() -> str:
    """As long as AWS's, but random: the certificate to check it with is AWS's secret."""
    return base64.b64encode(secrets.token_bytes(SIGNATURE_SIZE)).decode()


def _certificate_url(message: Message) -> str:
    name = "SimpleNotificationService-" + message.topic_arn.encode().hex()[:32]
    return f"https://sns.{message.region}.amazonaws.com/{name}.pem"


def _unsubscribe_url(message: Message) -> str:
    arn = quote(message.subscription_arn, safe=":")
    host = f"https://sns.{message.region}.amazonaws.com"
    return f"{host}/?Action=Unsubscribe&SubscriptionArn={arn}"
