"""moto's AWS IoT, with what AWS checks of a topic rule, and with messages that trigger rules."""

from __future__ import annotations

import copy
import json
from typing import Any
from urllib.parse import unquote

import moto.iot.models as iot_models
import moto.iotdata.models as data_models
import moto.iotdata.responses as data_responses
from moto.iotdata.exceptions import ConflictException, InvalidRequestException

from ..base.model import ApiError
from ..base.variables import ACCOUNT_ID
from ..triggers.push.iot import TopicRule
from ..triggers.push.iot_actions import Action
from ..triggers.push.iot_shadows import Update, changes
from ..triggers.push.iot_values import FIRST_VERSION
from .errors import as_moto_error
from .hooks import hooks_or_none, open_hooks

LONGEST_NAME = 128
_create_topic_rule = iot_models.IoTBackend.create_topic_rule
_publish = data_models.IoTDataPlaneBackend.publish
_update_thing_shadow = data_models.IoTDataPlaneBackend.update_thing_shadow
_delete_thing_shadow = data_models.IoTDataPlaneBackend.delete_thing_shadow


def install() -> None:
    """Puts the checks and the rules in moto's place; the second time changes nothing."""
    iot_models.IoTBackend.create_topic_rule = create_topic_rule
    iot_models.IoTBackend.replace_topic_rule = replace_topic_rule
    iot_models.IoTBackend.get_topic_rule = get_topic_rule
    data_models.IoTDataPlaneBackend.publish = publish
    data_models.IoTDataPlaneBackend.update_thing_shadow = update_thing_shadow
    data_models.IoTDataPlaneBackend.delete_thing_shadow = delete_thing_shadow
    data_responses.IoTDataPlaneResponse.publish = respond_to_publish


def topic_rules(region: str) -> list[TopicRule]:
    """The rules of a region as they are now."""
    return [
        _described(rule)
        for rule in list(iot_models.iot_backends[ACCOUNT_ID][region].rules.values())
    ]


@as_moto_error
def create_topic_rule(self: iot_models.IoTBackend, rule_name: str, sql: str, **kwargs: Any) -> None:
    """Checks the SQL and the actions' templates; moto checks the name."""
    kwargs["aws_iot_sql_version"] = kwargs.get("aws_iot_sql_version") or FIRST_VERSION
    _check(rule_name, sql, kwargs)
    _create_topic_rule(self, rule_name, sql, **kwargs)


@as_moto_error
def replace_topic_rule(self: iot_models.IoTBackend, rule_name: str, **kwargs: Any) -> None:
    """Leaves the old rule as it was if the new one can't be."""
    _check_known(self, rule_name)
    kwargs["aws_iot_sql_version"] = kwargs.get("aws_iot_sql_version") or FIRST_VERSION
    _check(rule_name, kwargs["sql"], kwargs)
    created_at = self.rules.pop(rule_name).created_at
    _create_topic_rule(self, rule_name, **kwargs)
    self.rules[rule_name].created_at = created_at


@as_moto_error
def get_topic_rule(self: iot_models.IoTBackend, rule_name: str) -> dict[str, Any]:
    """AWS does not say that a rule is not there, only that it may not be seen."""
    _check_known(self, rule_name)
    return self.rules[rule_name].to_get_dict()


@as_moto_error
def publish(self: data_models.IoTDataPlaneBackend, topic: str, payload: Any) -> None:
    """Also triggers rules."""
    open_hooks().iot.publish(self.region_name, self.account_id, topic, _bytes(payload))
    _publish(self, topic, payload)


@as_moto_error
def update_thing_shadow(
    self: data_models.IoTDataPlaneBackend, thing_name: str, payload: str, shadow_name: str | None
) -> data_models.FakeShadow:
    """Also publishes what AWS IoT publishes of a change."""
    shadows = self.iot_backend.describe_thing(thing_name).thing_shadows
    before = shadows.get(shadow_name)
    previous = copy.deepcopy(before.to_dict(include_delta=False)) if before else None
    try:
        shadow = _update_thing_shadow(self, thing_name, payload, shadow_name)
    except (AttributeError, TypeError, KeyError):  # moto's, for what it did not expect
        if before is None and b'"version"' in _bytes(payload):
            raise ConflictException("Version conflict") from None
        raise InvalidRequestException("Payload contains invalid json") from None
    update = Update(
        shadow.to_response_dict(),
        previous,
        shadow.to_dict(include_delta=False),
        shadow.parse_payload(shadow.desired, shadow.reported),
    )
    _announce(self, changes(thing_name, shadow_name, update))
    return shadow


def delete_thing_shadow(
    self: data_models.IoTDataPlaneBackend, thing_name: str, shadow_name: str | None
) -> data_models.FakeShadow:
    """Also publishes that it is gone."""
    shadow = _delete_thing_shadow(self, thing_name, shadow_name)
    middle = f"/name/{shadow_name}" if shadow_name else ""
    topic = f"$aws/things/{thing_name}/shadow{middle}/delete/accepted"
    _announce(self, [(topic, {"version": shadow.version, "timestamp": shadow.timestamp})])
    return shadow


def respond_to_publish(self: data_responses.IoTDataPlaneResponse) -> str:
    """moto's, but a topic may have a level that is called `topics`."""
    topic = unquote(self.path.split("/topics/", 1)[1])
    self.iotdata_backend.publish(topic=topic, payload=self.body)
    return json.dumps({})


def _bytes(payload: Any) -> bytes:
    return payload.encode() if isinstance(payload, str) else bytes(payload or b"")


def _announce(
    backend: data_models.IoTDataPlaneBackend, told: list[tuple[str, dict[str, Any]]]
) -> None:
    hooks = hooks_or_none()
    if hooks is None:
        return
    for topic, message in told:
        body = json.dumps(message).encode()
        hooks.iot.announce(backend.region_name, backend.account_id, topic, body)


def _check(rule_name: str, sql: str, kwargs: dict[str, Any]) -> None:
    if len(rule_name) > LONGEST_NAME:
        raise ApiError(
            400,
            "InvalidRequestException",
            f"1 validation error detected: Value '{rule_name}' at 'ruleName' failed to satisfy "
            f"constraint: Member must have length less than or equal to {LONGEST_NAME}",
        )
    actions = list(kwargs.get("actions") or [])
    actions += [kwargs["error_action"]] if kwargs.get("error_action") else []
    open_hooks().iot.check(sql or "", kwargs["aws_iot_sql_version"], actions)


def _check_known(backend: iot_models.IoTBackend, rule_name: str) -> None:
    if rule_name not in backend.rules:
        message = f"Access to topic rule '{rule_name}' was denied"
        raise ApiError(401, "UnauthorizedException", message)


def _described(rule: iot_models.FakeRule) -> TopicRule:
    return TopicRule(
        name=rule.rule_name,
        arn=rule.arn,
        region=rule.region_name,
        account_id=rule.account_id,
        sql=rule.sql,
        version=rule.aws_iot_sql_version,
        disabled=rule.rule_disabled,
        actions=tuple(_action(each) for each in rule.actions),
        error_action=_action(rule.error_action) if rule.error_action else None,
    )


def _action(given: dict[str, Any]) -> Action:
    ((kind, parameters),) = given.items()
    return Action(kind, parameters)
