"""The API of event source mappings: what of moto answers it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

from moto.awslambda.responses import LambdaResponse

from ..base.model import ApiError
from ..triggers.mappings.registry import EventSourceMapping
from .errors import as_moto_error
from .hooks import open_hooks

MARK = ":event-source-mapping:"
MOST_ITEMS = 100  # a page's


class MappingApi:
    """moto's Lambda backend knows no mapping itself, so that it delivers nothing."""

    region_name: str
    account_id: str

    @as_moto_error
    def create_event_source_mapping(self, spec: dict[str, Any]) -> EventSourceMapping:
        return open_hooks().mappings.create(spec, self.region_name, self.account_id)

    @as_moto_error
    def get_event_source_mapping(self, uuid: str) -> EventSourceMapping:
        return open_hooks().mappings.existing(uuid, self.region_name)

    @as_moto_error
    def list_event_source_mappings(
        self, event_source_arn: str | None, function_name: str | None
    ) -> list[EventSourceMapping]:
        return open_hooks().mappings.matching(event_source_arn, function_name, self.region_name)

    @as_moto_error
    def update_event_source_mapping(self, uuid: str, spec: dict[str, Any]) -> EventSourceMapping:
        return open_hooks().mappings.update(uuid, spec, self.region_name)

    @as_moto_error
    def delete_event_source_mapping(self, uuid: str) -> EventSourceMapping:
        return open_hooks().mappings.delete(uuid, self.region_name)

    @as_moto_error
    def list_tags(self, resource_arn: str) -> dict[str, str]:
        mapping = self._tagged(resource_arn)
        return mapping.tags if mapping else super().list_tags(resource_arn)

    @as_moto_error
    def tag_resource(self, resource_arn: str, tags: dict[str, str]) -> None:
        mapping = self._tagged(resource_arn)
        if mapping is None:
            super().tag_resource(resource_arn, tags)
        else:
            mapping.tags.update(tags)

    @as_moto_error
    def untag_resource(self, resource_arn: str, tag_keys: list[str]) -> None:
        mapping = self._tagged(resource_arn)
        if mapping is None:
            super().untag_resource(resource_arn, tag_keys)
            return
        for key in tag_keys:
            mapping.tags.pop(key, None)

    def _tagged(self, arn: str) -> EventSourceMapping | None:
        """The mapping of an ARN, None for the ARN of a function."""
        if MARK not in arn:
            return None
        return open_hooks().mappings.existing(arn.rsplit(":", 1)[1], self.region_name)


def install() -> None:
    """Replaces moto's answers; each is the same the second time."""
    LambdaResponse.create_event_source_mapping = _create
    LambdaResponse.get_event_source_mapping = _get
    LambdaResponse.list_event_source_mappings = _list
    LambdaResponse.update_event_source_mapping = _update
    LambdaResponse.delete_event_source_mapping = _delete


def _create(response: LambdaResponse) -> Any:
    return _answer(202, response.backend.create_event_source_mapping(response.json_body))


def _get(response: LambdaResponse) -> Any:
    return _answer(200, response.backend.get_event_source_mapping(_uuid(response)))


def _update(response: LambdaResponse) -> Any:
    backend = response.backend
    return _answer(
        202, backend.update_event_source_mapping(_uuid(response), response.json_body or {})
    )


def _delete(response: LambdaResponse) -> Any:
    return _answer(202, response.backend.delete_event_source_mapping(_uuid(response)))


def _list(response: LambdaResponse) -> Any:
    asked = {name: values[0] for name, values in response.querystring.items()}
    found = response.backend.list_event_source_mappings(
        asked.get("EventSourceArn"), asked.get("FunctionName")
    )
    start, end = _page(asked, len(found))
    answer: dict[str, Any] = {
        "EventSourceMappings": [each.get_configuration() for each in found[start:end]]
    }
    if end < len(found):
        answer["NextMarker"] = str(end)
    return 200, {}, json.dumps(answer)


@as_moto_error
def _page(asked: dict[str, str], count: int) -> tuple[int, int]:
    """Where the page that is asked for starts and ends. Raises moto's error."""
    marker, size = asked.get("Marker", "0"), asked.get("MaxItems", str(MOST_ITEMS))
    if not marker.isdigit():
        raise ApiError(400, "InvalidParameterValueException", "Invalid marker.")
    start = int(marker)
    return start, min(start + min(int(size), MOST_ITEMS), count)


def _uuid(response: LambdaResponse) -> str:
    return unquote(response.path.rstrip("/").rsplit("/", 1)[-1])


def _answer(status: int, mapping: EventSourceMapping) -> Any:
    return status, {"status": status}, json.dumps(mapping.get_configuration())
