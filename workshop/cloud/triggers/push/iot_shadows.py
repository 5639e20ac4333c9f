"""Device shadows by MQTT: requests on reserved topics, and the messages that tell of changes.

Follows "Device Shadow MQTT topics"
(https://docs.aws.amazon.com/iot/latest/developerguide/device-shadow-mqtt.html).
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Publish = Callable[[str, str, str, bytes], None]


class Shadows:
    """Answers requests that are published; `client(service, region)` gives a boto3 client.

    `announce` publishes to reserved topics. What AWS IoT publishes when a shadow changes comes from
    the API call itself (`changes`), over MQTT or not.
    """

    def __init__(self, client: Callable[[str, str], Any], announce: Publish) -> None:
        self._client, self._announce = client, announce

    def request(self, region: str, account_id: str, topic: re.Match[str], payload: bytes) -> None:
        """Does what a message on `.../shadow/get`, `update` or `delete` asks for."""
        from botocore.exceptions import ClientError

        thing, name, verb = topic.groups()
        which = {"thingName": thing, **({"shadowName": name} if name else {})}
        client = self._client("iot-data", region)
        try:
            if verb == "update":
                client.update_thing_shadow(**which, payload=payload)
            elif verb == "delete":
                client.delete_thing_shadow(**which)
            else:
                found = client.get_thing_shadow(**which)["payload"].read()
                self._announce(region, account_id, f"{topic[0]}/accepted", found)
        except ClientError as error:
            answer = error.response
            rejected = {
                "code": answer["ResponseMetadata"]["HTTPStatusCode"],
                "message": answer["Error"]["Message"],
                "timestamp": int(time.time()),
            }
            body = json.dumps(rejected).encode()
            self._announce(region, account_id, f"{topic[0]}/rejected", body)


@dataclass(frozen=True)
class Update:
    """An update of a shadow: the answer to it, the shadow before and after, and its delta."""

    accepted: dict[str, Any]
    previous: dict[str, Any] | None
    current: dict[str, Any]
    delta: dict[str, Any] | None


def changes(
    thing: str, shadow_name: str | None, update: Update
) -> list[tuple[str, dict[str, Any]]]:
    """The topics and messages that tell of an update: accepted, delta if any, documents."""
    current = update.current
    middle = f"/name/{shadow_name}" if shadow_name else ""
    base = f"$aws/things/{thing}/shadow{middle}/update"
    told: list[tuple[str, dict[str, Any]]] = [(f"{base}/accepted", update.accepted)]
    if update.delta:
        desired = (current.get("metadata") or {}).get("desired") or {}
        message = {
            "version": current["version"],
            "timestamp": current["timestamp"],
            "state": update.delta,
            "metadata": {key: desired[key] for key in update.delta if key in desired},
        }
        told.append((f"{base}/delta", message))
    kept = ("state", "metadata", "version")
    documents: dict[str, Any] = {
        name: {key: each[key] for key in kept if key in each}
        for name, each in (("previous", update.previous), ("current", current))
        if each is not None
    }
    told.append((f"{base}/documents", {**documents, "timestamp": current["timestamp"]}))
    return told
