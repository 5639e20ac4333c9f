"""moto's S3: what it does to objects is noted, and it sends no notifications itself."""

from __future__ import annotations

import base64
import functools
import re
import secrets
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any
from xml.sax.saxutils import escape

import moto.s3.models as s3_models
import moto.s3.notifications as moto_notifications
from moto import settings as moto_settings
from moto.core.responses import ActionResult, EmptyResult
from moto.s3.exceptions import S3ClientError
from moto.s3.models import FakeKey, S3Backend, s3_backends
from moto.s3.notifications import S3NotificationEvent
from moto.s3.responses import S3Response

from ..base.model import ApiError
from ..base.variables import ACCOUNT_ID
from ..triggers.push.s3_events import Call, Change
from ..triggers.push.s3_settings import KINDS, Notification, Settings
from .hooks import hooks_or_none, open_hooks

LONGEST_KEY = 1024  # bytes, https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
WHAT = {
    S3NotificationEvent.OBJECT_CREATED_PUT_EVENT: "created",
    S3NotificationEvent.OBJECT_CREATED_POST_EVENT: "created",
    S3NotificationEvent.OBJECT_CREATED_COPY_EVENT: "created",
    S3NotificationEvent.OBJECT_CREATED_COMPLETE_MULTIPART_UPLOAD_EVENT: "created",
    S3NotificationEvent.OBJECT_TAGGING_PUT_EVENT: "tagged",
    S3NotificationEvent.OBJECT_TAGGING_DELETE_EVENT: "tagged",
    S3NotificationEvent.OBJECT_ACL_UPDATE_EVENT: "acl",
}
GET_NAMES = {
    "CloudFunction": ("LambdaFunctionConfigurations", "LambdaFunctionArn"),
    "Queue": ("QueueConfigurations", "QueueArn"),
    "Topic": ("TopicConfigurations", "TopicArn"),
}
# Of the call that is answered; other services change objects without a call.
_changes: ContextVar[list[Change] | None] = ContextVar("changes", default=None)
_put_object = S3Backend.put_object
_delete_object = S3Backend.delete_object
_bucket_response_put = S3Response._bucket_response_put
_lists = S3Response.list_objects, S3Response.list_objects_v2
_bucket_response, _key_response = S3Response.bucket_response, S3Response.key_response


def install() -> None:
    """Puts this file's functions in moto's place; doing so again changes nothing."""
    moto_notifications.send_event = _note
    moto_notifications.send_test_event = _send_nothing
    s3_models.events_send_notification = _send_nothing  # of a new bucket: AWS tells of none
    S3Backend.put_object = _put_if_the_key_fits
    S3Backend.delete_object = _note_deletion
    S3Response._bucket_response_put = _put_to_bucket
    S3Response.bucket_response = _telling(_bucket_response)
    S3Response.key_response = _telling(_key_response)
    S3Response.get_bucket_notification = _get_notification
    S3Response.list_objects, S3Response.list_objects_v2 = map(_in_pages, _lists)
    S3Response._enrich_response = staticmethod(_with_request_ids)


def bucket_settings(name: str) -> Settings:
    """A bucket's notification configuration; empty for a bucket that is not there."""
    bucket = s3_backends[ACCOUNT_ID]["aws"].buckets.get(name)
    found = bucket.notification_configuration if bucket else None
    if found is None:
        return Settings()
    kinds = {"CloudFunction": found.cloud_function, "Queue": found.queue, "Topic": found.topic}
    notifications = [
        Notification(kind, each.id, each.arn, tuple(each.events), **_rules(each.filters))
        for kind in KINDS
        for each in kinds[kind]
    ]
    return Settings(tuple(notifications), found.event_bridge is not None)


def _telling(answer: Callable[..., Any]) -> Callable[..., Any]:
    """A method of moto's that answers a request, and then tells of what it did to objects."""

    @functools.wraps(answer)
    def answer_and_tell(self: S3Response, request: Any, full_url: str, headers: Any) -> Any:
        changes: list[Change] = []
        before = _changes.set(changes)
        try:
            status, told, body = answer(self, request, full_url, headers)
        finally:
            _changes.reset(before)
        hooks = hooks_or_none()
        if changes and status < 400 and hooks:
            call = Call(
                method=request.method,
                query=request.query_string.decode(),
                headers=request.headers,
                source_ip=request.remote_addr or "127.0.0.1",
                request_id=told["x-amz-request-id"],
                host_id=told["x-amz-id-2"],
            )
            hooks.bucket_notifications.tell(call, changes)
        return status, told, body

    return answer_and_tell


def _in_pages(answer: Callable[[S3Response], Any]) -> Callable[[S3Response], Any]:
    """A list of moto's, of 1,000 keys at most: moto gives as many as somebody asks for.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
    """

    @functools.wraps(answer)
    def answer_a_page(self: S3Response) -> Any:
        asked, most = self.querystring.get("max-keys"), moto_settings.get_s3_default_max_keys()
        if asked and asked[0].isdigit() and int(asked[0]) > most:
            self.querystring["max-keys"] = [str(most)]
        return answer(self)

    return answer_a_page


def _note(account_id: str, event_name: str, bucket: Any, key: Any) -> None:
    """In place of moto's send_event. moto sends more events than AWS: s3_events.py chooses."""
    changes = _changes.get()
    if changes is not None and event_name in WHAT:
        version = key.version_id if bucket.versioning_status else None
        changes.append(
            Change(
                what=WHAT[event_name],
                bucket=bucket.name,
                region=bucket.region_name,
                key=key.name,
                version_id=version,
                size=key.size,
                etag=key.etag.strip('"'),
            )
        )


def _send_nothing(*args: Any, **kwargs: Any) -> None:
    """In place of what moto would send."""


@functools.wraps(_put_object)
def _put_if_the_key_fits(
    self: S3Backend, bucket_name: str, key_name: str, *args: Any, **kwargs: Any
) -> FakeKey:
    """In place of S3Backend.put_object, also of copies and uploads in parts: any key fits there."""
    if len(key_name.encode()) > LONGEST_KEY:
        raise S3ClientError("KeyTooLongError", "Your key is too long")
    return _put_object(self, bucket_name, key_name, *args, **kwargs)


def _note_deletion(
    self: S3Backend,
    bucket_name: str,
    key_name: str,
    version_id: str | None = None,
    bypass: bool = False,
) -> tuple[bool, dict[str, Any]]:
    """In place of S3Backend.delete_object, which says too little about what it did."""
    bucket = self.get_bucket(bucket_name)
    before = [str(each.version_id) for each in bucket.keys.getlist(key_name, [])]
    done, headers = _delete_object(self, bucket_name, key_name, version_id, bypass)
    marked = version_id is None and headers.get("delete-marker") == "true"
    existed = bool(before) if version_id is None else str(version_id) in before
    version = headers.get("version-id", version_id) if bucket.versioning_status else None
    what = "marked" if marked else "removed"
    changes = _changes.get()
    if changes is not None:
        changes.append(
            Change(what, bucket.name, bucket.region_name, key_name, version, existed=existed)
        )
    return done, headers


@functools.wraps(_bucket_response_put)
def _put_to_bucket(self: S3Response, request: Any, bucket_name: str, querystring: Any) -> Any:
    """PutBucketNotificationConfiguration is answered here, every other call by moto."""
    if "notification" not in querystring:
        return _bucket_response_put(self, request, bucket_name, querystring)
    bucket = self.backend.get_bucket(bucket_name)
    notifications = open_hooks().bucket_notifications
    validate = request.headers.get("x-amz-skip-destination-validation", "").lower() != "true"
    try:
        settings = notifications.read(bucket_name, bucket.region_name, self.body, validate)
    except ApiError as error:
        return error.status, {"Content-Type": "application/xml"}, _error_xml(error)
    bucket.set_notification_configuration(_for_moto(settings))
    request_id, host_id = _new_request_ids()
    if validate:
        notifications.announce(bucket_name, settings, request_id, host_id)
    return 200, {"x-amz-request-id": request_id, "x-amz-id-2": host_id}, ""


def _get_notification(self: S3Response) -> Any:
    """In place of S3Response.get_bucket_notification, which forgets EventBridge."""
    self.backend.get_bucket(self.bucket_name)
    self.data["Action"] = "GetBucketNotificationConfiguration"
    settings = bucket_settings(self.bucket_name)
    if settings == Settings():
        return self.serialized(EmptyResult())
    result: dict[str, Any] = {"EventBridgeConfiguration": {}} if settings.event_bridge else {}
    for each in settings.notifications:
        group, arn_name = GET_NAMES[each.kind]
        config: dict[str, Any] = {"Id": each.id, arn_name: each.arn, "Events": list(each.events)}
        rules = _filter_rules(each)
        if rules:
            config["Filter"] = {"Key": {"FilterRules": rules}}
        result.setdefault(group, []).append(config)
    return self.serialized(ActionResult(result))


def _with_request_ids(headers: dict[str, str], body: Any) -> tuple[dict[str, str], Any]:
    """In place of moto's, which names requests in the way of other services than S3."""
    request_id, host_id = _new_request_ids()
    request_id = headers.setdefault("x-amz-request-id", request_id)
    host_id = headers.setdefault("x-amz-id-2", host_id)
    if "status" in headers:
        headers["status"] = str(headers["status"])
    if isinstance(body, str):
        body = re.sub(r"(?<=<RequestId>).*(?=</RequestId>)", request_id, body)
        body = re.sub(r"(?<=<HostId>).*(?=</HostId>)", host_id, body)
    return headers, body


def _new_request_ids() -> tuple[str, str]:
    """A request's id and its host's, as long as AWS's."""
    return secrets.token_hex(8).upper(), base64.b64encode(secrets.token_bytes(56)).decode()


def _error_xml(error: ApiError) -> str:
    fields = {"Code": error.code, "Message": error.message, **error.fields}
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    return f"{head}<Error>{inner}<RequestId>-</RequestId><HostId>-</HostId></Error>"


def _for_moto(settings: Settings) -> dict[str, Any]:
    """Settings as moto's own parser hands them on."""
    result: dict[str, Any] = {"EventBridgeConfiguration": {}} if settings.event_bridge else {}
    for each in settings.notifications:
        config: dict[str, Any] = {"Id": each.id, each.kind: each.arn, "Event": list(each.events)}
        rules = _filter_rules(each)
        if rules:
            config["Filter"] = {"S3Key": {"FilterRule": rules}}
        result.setdefault(f"{each.kind}Configuration", []).append(config)
    return result


def _filter_rules(notification: Notification) -> list[dict[str, str]]:
    given = {"Prefix": notification.prefix, "Suffix": notification.suffix}
    return [{"Name": name, "Value": value} for name, value in given.items() if value is not None]


def _rules(filters: dict[str, Any]) -> dict[str, str]:
    """The filter of one of moto's notifications, as the arguments of ours."""
    rules = filters["S3Key"]["FilterRule"] if filters else []
    return {each["Name"].lower(): each["Value"] or "" for each in rules}
