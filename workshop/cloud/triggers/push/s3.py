"""S3's notifications: what happens to objects is told to functions, queues, topics, EventBridge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from ...access.resource_policy import Source, may_send
from ...base.arns import Arn
from ...base.model import ApiError
from ...base.variables import ACCOUNT_ID
from ...functions.sending import PLAIN, Extras, queue_url
from .deliveries import Deliveries
from .s3_events import (
    Call,
    Change,
    Event,
    bucket_arn,
    event_bridge_entry,
    events,
    notification,
    test_event,
)
from .s3_settings import Notification, Settings, read_settings

SERVICE = "s3.amazonaws.com"
SUBJECT = "Amazon S3 Notification"


class BucketNotifications:
    """Sends the events that buckets are set to send.

    `settings(bucket)` gives a bucket's settings; `put_event(region, entry)` tells EventBridge;
    `client(service, region)` gives a boto3 client.
    """

    def __init__(
        self,
        deliveries: Deliveries,
        client: Callable[[str, str], Any],
        settings: Callable[[str], Settings],
        put_event: Callable[[str, dict[str, Any]], None],
    ) -> None:
        self._deliveries, self._client = deliveries, client
        self._settings, self._put_event = settings, put_event

    def read(self, bucket: str, region: str, body: bytes | str, validate: bool) -> Settings:
        """The settings in a PutBucketNotificationConfiguration. Raises ApiError, 400.

        Where `validate` is False, destinations may be missing, or closed to the bucket.
        """
        settings = read_settings(body)
        for each in settings.notifications:
            if each.region != region:
                raise ApiError(
                    400,
                    "InvalidArgument",
                    "The notification destination service region is not valid for the bucket "
                    "location constraint",
                )
        if validate:
            self._check_destinations(bucket, settings)
        return settings

    def announce(self, bucket: str, settings: Settings, request_id: str, host_id: str) -> None:
        """Sends s3:TestEvent to the queues and topics of new settings."""
        event = test_event(bucket, request_id, host_id)
        arns = {each.arn: each for each in settings.notifications if each.kind != "CloudFunction"}
        for each in arns.values():
            self._try_to_send(each, bucket, event)

    def tell(self, call: Call, changes: list[Change]) -> None:
        """Sends the events of a call that succeeded, and of what it did to objects."""
        for event in events(call, changes):
            self._tell(event)

    def _tell(self, event: Event) -> None:
        bucket, key = event.change.bucket, event.change.key
        settings = self._settings(bucket)
        for each in settings.notifications:
            if each.wants(f"s3:{event.name}", key):
                self._try_to_send(each, bucket, notification(event, each.id))
        if settings.event_bridge:
            try:
                self._put_event(event.change.region, event_bridge_entry(event))
            except Exception as error:  # a rule's target; what was put stays put
                self._deliveries.note(f"{bucket_arn(bucket)}: EventBridge: {error!r}")

    def _try_to_send(self, to: Notification, bucket: str, event: dict[str, Any]) -> None:
        problem = None if to.kind == "CloudFunction" else self._problem(to, bucket)
        if problem:
            self._deliveries.note(f"{bucket_arn(bucket)}: {to.arn}: {problem}")
            return
        extras = Extras(message={"Subject": SUBJECT}) if to.kind == "Topic" else PLAIN
        self._deliveries.try_to_send(to.arn, event, _source(bucket), extras)

    def _check_destinations(self, bucket: str, settings: Settings) -> None:
        """Raises ApiError, 400, that names every destination that can't be used, and why."""
        fields: dict[str, str] = {}
        for each in settings.notifications:
            problem = self._problem(each, bucket)
            if problem:
                number = len(fields) // 2 + 1
                name = f"{each.arn}, null" if each.kind == "CloudFunction" else each.arn
                fields |= {f"ArgumentName{number}": name, f"ArgumentValue{number}": problem}
        if fields:
            message = "Unable to validate the following destination configurations"
            raise ApiError(400, "InvalidArgument", message, **fields)

    def _problem(self, to: Notification, bucket: str) -> str | None:
        """Why a bucket can't send to a destination, in AWS's words; None if it can."""
        if to.kind == "CloudFunction":
            try:
                self._deliveries.check(to.arn, _source(bucket))
            except ApiError:
                return f"Not authorized to invoke function [{to.arn}]"
            return None
        kind = to.kind.lower()
        try:
            policy = self._queue_policy(to) if to.kind == "Queue" else self._topic_policy(to)
        except ClientError:
            return f"The destination {kind} does not exist"
        if to.arn.endswith(".fifo"):
            return f"FIFO {kind}s are not supported as destinations"
        action = "sqs:SendMessage" if to.kind == "Queue" else "sns:Publish"
        if may_send(policy, _source(bucket), action, to.arn):
            return None
        return (
            f"Permissions on the destination {kind} do not allow S3 to publish notifications from "
            "this bucket"
        )

    def _queue_policy(self, to: Notification) -> str | None:
        sqs = self._client("sqs", to.region)
        url = queue_url(sqs, Arn.parse(to.arn))
        answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])
        return answer.get("Attributes", {}).get("Policy")

    def _topic_policy(self, to: Notification) -> str | None:
        sns = self._client("sns", to.region)
        return sns.get_topic_attributes(TopicArn=to.arn)["Attributes"].get("Policy")


def _source(bucket: str) -> Source:
    return Source(SERVICE, bucket_arn(bucket), ACCOUNT_ID)
