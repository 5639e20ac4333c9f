"""A bucket's notification configuration: read from XML, and checked as AWS checks it.

Follows "Supported event types and destinations for S3 Event Notifications"
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html)
and "Configuring event notifications using object key name filtering"
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html).
"""

from __future__ import annotations

import base64
import re
import uuid
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from itertools import combinations

from ...base.arns import Arn
from ...base.model import ApiError

# The kinds of configuration, as the XML names them, and what their ARNs look like.
KINDS = {
    "CloudFunction": r"arn:aws[\w-]*:lambda:[\w-]+:\d{12}:function:[\w-]+(:[\w$-]+)?",
    "Queue": r"arn:aws[\w-]*:sqs:[\w-]+:\d{12}:[\w.-]+",
    "Topic": r"arn:aws[\w-]*:sns:[\w-]+:\d{12}:[\w.-]+",
}
EVENT_TYPES = [
    "s3:IntelligentTiering",
    "s3:LifecycleExpiration:*",
    "s3:LifecycleExpiration:Delete",
    "s3:LifecycleExpiration:DeleteMarkerCreated",
    "s3:LifecycleTransition",
    "s3:ObjectAcl:Put",
    "s3:ObjectCreated:*",
    "s3:ObjectCreated:CompleteMultipartUpload",
    "s3:ObjectCreated:Copy",
    "s3:ObjectCreated:Post",
    "s3:ObjectCreated:Put",
    "s3:ObjectRemoved:*",
    "s3:ObjectRemoved:Delete",
    "s3:ObjectRemoved:DeleteMarkerCreated",
    "s3:ObjectRestore:*",
    "s3:ObjectRestore:Completed",
    "s3:ObjectRestore:Delete",
    "s3:ObjectRestore:Post",
    "s3:ObjectTagging:*",
    "s3:ObjectTagging:Delete",
    "s3:ObjectTagging:Put",
    "s3:ReducedRedundancyLostObject",
    "s3:Replication:*",
    "s3:Replication:OperationFailedReplication",
    "s3:Replication:OperationMissedThreshold",
    "s3:Replication:OperationNotTracked",
    "s3:Replication:OperationReplicatedAfterThreshold",
]
LONGEST_FILTER = 1024  # bytes


@dataclass(frozen=True)
class Notification:
    """One configuration: which events of which keys go where."""

    kind: str  # of KINDS
    id: str
    arn: str
    events: tuple[str, ...]
    prefix: str | None = None
    suffix: str | None = None

    @property
    def region(self) -> str:
        """Where the destination is."""
        return Arn.parse(self.arn).region

    def wants(self, event: str, key: str) -> bool:
        """Whether an event such as `s3:ObjectCreated:Put` of a key is to be sent."""
        return (
            any(_covers(each, event) for each in self.events)
            and key.startswith(self.prefix or "")
            and key.endswith(self.suffix or "")
        )


@dataclass(frozen=True)
class Settings:
    """All of a bucket's notification configuration."""

    notifications: tuple[Notification, ...] = ()
    event_bridge: bool = False


def read_settings(body: bytes | str) -> Settings:
    """The settings in a request's XML. Raises ApiError, 400, for what AWS refuses in itself."""
    root = _parse(body)
    notifications = []
    for element in root:
        kind = _name(element).removesuffix("Configuration")
        if kind in KINDS:
            notifications.append(_read_notification(kind, element))
    for first, second in combinations(notifications, 2):
        _check_overlap(first, second)
    event_bridge = any(_name(each) == "EventBridgeConfiguration" for each in root)
    return Settings(tuple(notifications), event_bridge)


def invalid(message: str, name: str, value: str) -> ApiError:
    """S3's error for an argument."""
    return ApiError(400, "InvalidArgument", message, ArgumentName=name, ArgumentValue=value)


def malformed() -> ApiError:
    """S3's error for a body that is not the XML it should be."""
    return ApiError(
        400,
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )


def _parse(body: bytes | str) -> ElementTree.Element:
    try:
        root = ElementTree.fromstring(body)
    except (ElementTree.ParseError, ValueError):
        raise malformed() from None
    if _name(root) != "NotificationConfiguration":
        raise malformed()
    return root


def _read_notification(kind: str, element: ElementTree.Element) -> Notification:
    arn = _text(element, kind)
    events = tuple((each.text or "").strip() for each in element if _name(each) == "Event")
    if not events:
        raise malformed()
    if not re.fullmatch(KINDS[kind], arn):
        raise invalid("The ARN could not be parsed", kind, arn)
    for event in events:
        if event not in EVENT_TYPES:
            raise invalid(
                f"The event '{event}' is not supported for notifications. Supported events are as "
                f"follows: [{', '.join(EVENT_TYPES)}]",
                "Event",
                event,
            )
    rules = _read_rules(element)
    id_ = _text(element, "Id") or base64.b64encode(str(uuid.uuid4()).encode()).decode()
    return Notification(kind, id_, arn, events, rules.get("prefix"), rules.get("suffix"))


def _read_rules(element: ElementTree.Element) -> dict[str, str]:
    """A filter's rules, by their names in small letters."""
    rules: dict[str, str] = {}
    for rule in element.iter():
        if _name(rule) != "FilterRule":
            continue
        given, value = _text(rule, "Name"), _text(rule, "Value", strip=False)
        name = given.lower()
        if name not in ("prefix", "suffix"):
            message = "filter rule name must be either prefix or suffix"
            raise invalid(message, "FilterRule.Name", given)
        if name in rules:
            message = f"Cannot specify more than one {name} rule in a filter."
            raise invalid(message, "FilterRule.Name", given)
        if len(value.encode()) > LONGEST_FILTER:
            message = (
                f"Size of filter rule value cannot exceed {LONGEST_FILTER} bytes in UTF-8 "
                "representation"
            )
            raise invalid(message, "FilterRule.Value", value)
        rules[name] = value
    return rules


def _check_overlap(first: Notification, second: Notification) -> None:
    """No two configurations may want the same event of the same key."""
    same_event = any(_covers(a, b) or _covers(b, a) for a in first.events for b in second.events)
    prefixes, suffixes = (
        [(each or "") for each in pair]
        for pair in ((first.prefix, second.prefix), (first.suffix, second.suffix))
    )
    same_prefix = prefixes[0].startswith(prefixes[1]) or prefixes[1].startswith(prefixes[0])
    same_suffix = suffixes[0].endswith(suffixes[1]) or suffixes[1].endswith(suffixes[0])
    if not (same_event and same_prefix and same_suffix):
        return
    if any(prefixes + suffixes):
        message = (
            "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules "
            "if the prefixes are overlapping for the same event type."
        )
    else:
        message = (
            "Configurations overlap. Configurations on the same bucket cannot share a common event "
            "type."
        )
    raise ApiError(400, "InvalidArgument", message)


def _covers(wanted: str, event: str) -> bool:
    """Whether `s3:ObjectCreated:*` or the event itself is wanted."""
    return wanted == event or (wanted.endswith(":*") and event.startswith(wanted[:-1]))


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _text(element: ElementTree.Element, name: str, strip: bool = True) -> str:
    for child in element:
        if _name(child) == name:
            return (child.text or "").strip() if strip else child.text or ""
    return ""
