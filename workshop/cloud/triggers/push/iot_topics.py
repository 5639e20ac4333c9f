"""MQTT topics: which filter takes which topic, and what AWS IoT accepts as either.

Follows "MQTT topics" (https://docs.aws.amazon.com/iot/latest/developerguide/topics.html),
"Reducing messaging costs with Basic Ingest"
(https://docs.aws.amazon.com/iot/latest/developerguide/iot-basic-ingest.html) and the quotas of
AWS IoT Core (https://docs.aws.amazon.com/general/latest/gr/iot-core.html).
"""

from __future__ import annotations

import re

from ...base.model import ApiError

LONGEST_TOPIC = 256  # bytes
MOST_SLASHES = 7
BASIC_INGEST = re.compile(r"\$aws/rules/([^/]+)(?:/(.*))?", re.DOTALL)
SHADOW = re.compile(r"\$aws/things/([^/]+)/shadow(?:/name/([^/]+))?/(get|update|delete)")


def matches(topic_filter: str, topic: str) -> bool:
    """Whether a filter with its + and # takes a topic."""
    wanted, levels = topic_filter.split("/"), topic.split("/")
    if topic.startswith("$") and not topic_filter.startswith("$"):
        return False  # a wildcard at the start takes no reserved topic
    if wanted[-1] == "#":
        wanted.pop()
        if len(levels) < len(wanted):
            return False
        levels = levels[: len(wanted)]
    return len(wanted) == len(levels) and all(
        want in ("+", level) for want, level in zip(wanted, levels, strict=True)
    )


def filter_error(topic_filter: str) -> str | None:
    """What is wrong with a topic filter, or None."""
    levels = topic_filter.split("/")
    if not topic_filter:
        return "the topic filter is empty"
    if any("#" in level and level != "#" for level in levels) or "#" in levels[:-1]:
        return "the wildcard # must be the whole last level of the topic filter"
    if any("+" in level and level != "+" for level in levels):
        return "the wildcard + must be a whole level of the topic filter"
    return _size_error(topic_filter, "topic filter")


def check_topic(topic: str) -> None:
    """Raises ApiError for a topic that nothing can be published to."""
    counted, found = topic, BASIC_INGEST.fullmatch(topic)
    if found:
        counted = found[2] or ""  # the first three levels of Basic Ingest do not count
    elif topic.startswith("$") and not SHADOW.fullmatch(topic):
        raise _refused(f"the topic {topic} is reserved")
    if not topic or "+" in topic or "#" in topic or "\0" in topic:
        raise _refused("a topic must not be empty nor contain the wildcards + and #")
    error = _size_error(counted, "topic")
    if error:
        raise _refused(error)


def _size_error(text: str, what: str) -> str | None:
    if len(text.encode()) > LONGEST_TOPIC:
        return f"the {what} is longer than {LONGEST_TOPIC} bytes"
    slashes = text.count("/") - (2 if text.startswith("$aws/") else 0)
    if slashes > MOST_SLASHES:
        return f"the {what} has more than {MOST_SLASHES} slashes"
    return None


def _refused(reason: str) -> ApiError:
    return ApiError(400, "InvalidRequestException", f"Invalid topic: {reason}.")
