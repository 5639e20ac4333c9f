"""The events that S3 sends, as AWS writes them.

Follows "Event message structure"
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html) and
"EventBridge event message structure"
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html).
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote_plus

from ...base.times import in_milliseconds
from ...base.variables import ACCOUNT_ID

# AWS wrote 2.1, 2.2 or 2.3 by the kind of event until 2026; since 2.4 all kinds have one version.
EVENT_VERSION = "2.5"
DETAIL_VERSION = "1.0"  # of the detail of EventBridge's events
OWNER = "A3NL1KOZZKEXAMPLE"  # the customer id of the account, whose buckets all are
REQUESTER = f"AWS:{ACCOUNT_ID}"
# The operations that S3 tells of, and the event type of each
EVENTS = {
    "PutObject": "ObjectCreated:Put",
    "PostObject": "ObjectCreated:Post",
    "CopyObject": "ObjectCreated:Copy",
    "CompleteMultipartUpload": "ObjectCreated:CompleteMultipartUpload",
    "PutObjectTagging": "ObjectTagging:Put",
    "DeleteObjectTagging": "ObjectTagging:Delete",
    "PutObjectAcl": "ObjectAcl:Put",
    "DeleteObject": "ObjectRemoved:Delete",
    "DeleteObjects": "ObjectRemoved:Delete",
}
MARKED = "ObjectRemoved:DeleteMarkerCreated"
# EventBridge's names of these events
DETAIL_TYPES = {
    "ObjectCreated": "Object Created",
    "ObjectRemoved": "Object Deleted",
    "ObjectTagging:Put": "Object Tags Added",
    "ObjectTagging:Delete": "Object Tags Deleted",
    "ObjectAcl": "Object ACL Updated",
}
_numbers = itertools.count()


@dataclass(frozen=True)
class Call:
    """An API call that succeeded."""

    method: str
    query: str
    headers: Mapping[str, str]  # names in any case
    source_ip: str
    request_id: str
    host_id: str


@dataclass(frozen=True)
class Change:
    """What one API call did to one object."""

    what: str  # "created", "tagged", "acl", "removed" or "marked" (by a delete marker)
    bucket: str
    region: str
    key: str
    version_id: str | None = None  # None in a bucket without versions
    size: int | None = None
    etag: str | None = None
    existed: bool = True  # whether there was anything to remove


@dataclass(frozen=True)
class Event:
    """An event before it is written for one destination or the other."""

    name: str  # such as ObjectCreated:Put
    operation: str
    change: Change
    time: str
    sequencer: str
    source_ip: str
    request_id: str
    host_id: str


def operation(call: Call) -> str | None:
    """The API operation that a call was, if it is one of EVENTS."""
    query = parse_qs(call.query, keep_blank_values=True)
    if call.method == "PUT":
        return _put_operation(call, query)
    if call.method == "POST":
        if "delete" in query:
            return "DeleteObjects"
        if "uploadId" in query:
            return "CompleteMultipartUpload"
        form = call.headers.get("content-type", "").startswith("multipart/form-data")
        return "PostObject" if form else None
    if call.method == "DELETE":
        return "DeleteObjectTagging" if "tagging" in query else "DeleteObject"
    return None


def events(call: Call, changes: list[Change]) -> list[Event]:
    """The events that a call led to: one for each object that it changed."""
    name = operation(call)
    if name is None:
        return []
    if name in ("DeleteObject", "DeleteObjects"):
        # DeleteObjects tells of keys that were not there, DeleteObject does not.
        found = [
            each
            for each in changes
            if each.what == "marked"
            or (each.what == "removed" and (each.existed or name == "DeleteObjects"))
        ]
    else:
        wanted = {"ObjectTagging": "tagged", "ObjectAcl": "acl"}.get(
            EVENTS[name].partition(":")[0], "created"
        )
        # moto tags what it creates: the first change is the one that was asked for.
        found = [each for each in changes if each.what == wanted][:1]
    return [_event(call, name, each) for each in found]


def notification(event: Event, configuration_id: str) -> dict[str, Any]:
    """The event as functions, queues and topics get it."""
    change = event.change
    return {
        "Records": [
            {
                "eventVersion": EVENT_VERSION,
                "eventSource": "aws:s3",
                "awsRegion": change.region,
                "eventTime": event.time,
                "eventName": event.name,
                "userIdentity": {"principalId": REQUESTER},
                "requestParameters": {"sourceIPAddress": event.source_ip},
                "responseElements": {
                    "x-amz-request-id": event.request_id,
                    "x-amz-id-2": event.host_id,
                },
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "configurationId": configuration_id,
                    "bucket": {
                        "name": change.bucket,
                        "ownerIdentity": {"principalId": OWNER},
                        "arn": bucket_arn(change.bucket),
                    },
                    "object": _object(event, quote_plus(change.key, safe="/"), "eTag", "versionId"),
                },
            }
        ]
    }


def event_bridge_entry(event: Event) -> dict[str, Any]:
    """The event as an entry of PutEvents."""
    change = event.change
    family = event.name.partition(":")[0]
    detail: dict[str, Any] = {
        "version": "0",
        "event-version": DETAIL_VERSION,
        "bucket": {"name": change.bucket},
        "object": _object(event, change.key, "etag", "version-id"),
        "request-id": event.request_id,
        "requester": ACCOUNT_ID,
        "source-ip-address": event.source_ip,
    }
    if family in ("ObjectCreated", "ObjectRemoved"):
        detail["reason"] = "DeleteObject" if family == "ObjectRemoved" else event.operation
    if family == "ObjectRemoved":
        marked = event.name == MARKED
        detail["deletion-type"] = "Delete Marker Created" if marked else "Permanently Deleted"
    return {
        "Source": "aws.s3",
        "DetailType": DETAIL_TYPES.get(event.name) or DETAIL_TYPES[family],
        "Detail": json.dumps(detail, ensure_ascii=False),
        "Resources": [bucket_arn(change.bucket)],
    }


def test_event(bucket: str, request_id: str, host_id: str) -> dict[str, Any]:
    """What queues and topics get when a configuration names them."""
    return {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": in_milliseconds(),
        "Bucket": bucket,
        "RequestId": request_id,
        "HostId": host_id,
    }


def bucket_arn(bucket: str) -> str:
    """A bucket's ARN."""
    return f"arn:aws:s3:::{bucket}"


def _put_operation(call: Call, query: dict[str, list[str]]) -> str | None:
    if "tagging" in query:
        return "PutObjectTagging"
    if "acl" in query:
        return "PutObjectAcl"
    if "uploadId" in query:  # a part, copied or not
        return None
    return "CopyObject" if "x-amz-copy-source" in call.headers else "PutObject"


def _event(call: Call, name: str, change: Change) -> Event:
    return Event(
        name=MARKED if change.what == "marked" else EVENTS[name],
        operation=name,
        change=change,
        time=in_milliseconds(),
        sequencer=_sequencer(),
        source_ip=call.source_ip,
        request_id=call.request_id,
        host_id=call.host_id,
    )


def _sequencer() -> str:
    """16 hexadecimal digits: seconds, then a number; they ascend from event to event."""
    return f"{int(time.time()):08X}{next(_numbers) & 0xFFFFFFFF:08X}"


def _object(event: Event, key: str, etag_name: str, version_name: str) -> dict[str, Any]:
    """The object; deletions know no size and no ETag, tagging and ACLs no size, no sequencer."""
    change = event.change
    found: dict[str, Any] = {"key": key}
    if change.what == "created":
        found["size"] = change.size
    if change.etag and change.what not in ("removed", "marked"):
        found[etag_name] = change.etag
    if change.version_id:
        found[version_name] = change.version_id
    if change.what in ("created", "removed", "marked"):
        found["sequencer"] = event.sequencer
    return found
