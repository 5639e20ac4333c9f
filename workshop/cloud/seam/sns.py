"""moto's SNS: functions are subscribed and get messages as on AWS."""

from __future__ import annotations

import functools
import inspect
import json
from typing import Any

from moto.sns.exceptions import SNSInvalidParameter, TopicNotFound
from moto.sns.models import SNSBackend, Subscription
from moto.sns.responses import SNSResponse
from moto.sns.utils import FilterPolicyMatcher

from ..base.model import ApiError
from ..triggers.push.sns import Message, check_attribute, check_structure
from .hooks import open_hooks

_publish_to_subscription = Subscription.publish
_subscribe = SNSBackend.subscribe
_publish = SNSBackend.publish
_set_attributes = SNSBackend.set_subscription_attributes
_answer_subscribe = SNSResponse.subscribe
_matches = FilterPolicyMatcher.matches
_signature_of_publish = inspect.signature(_publish)


def install() -> None:
    """Puts this file's functions in moto's place; doing so again changes nothing."""
    Subscription.publish = _deliver
    SNSBackend.subscribe = _checked_subscribe
    SNSBackend.publish = _checked_publish
    SNSBackend.set_subscription_attributes = _set_checked_attributes
    SNSResponse.subscribe = _subscribe_whole_or_not
    FilterPolicyMatcher.matches = _passes


def _deliver(
    self: Subscription,
    message: str,
    message_id: str,
    subject: str | None = None,
    message_attributes: dict[str, Any] | None = None,
    group_id: str | None = None,
    deduplication_id: str | None = None,
    message_structure: str | None = None,
) -> None:
    """In place of Subscription.publish: functions get AWS's event.

    Other protocols are moto's; where they fail, the subscribers after them get theirs.
    """
    _follow_scope(self)
    matcher = self._filter_policy_matcher
    if matcher is not None and not matcher.matches(message_attributes, message):
        return
    body = message
    if message_structure == "json":
        body = self._parse_message_structure(message, self.protocol)
    outgoing = Message(
        id=message_id,
        topic_arn=self.topic.arn,
        subscription_arn=self.arn,
        endpoint=self.endpoint,
        body=body,
        subject=subject,
        attributes=message_attributes or {},
        redrive_policy=self.attributes.get("RedrivePolicy"),
    )
    if self.protocol == "lambda":
        open_hooks().topic_subscriptions.deliver(outgoing)
        return
    try:
        _publish_to_subscription(
            self,
            message,
            message_id,
            subject=subject,
            message_attributes=message_attributes,
            group_id=group_id,
            deduplication_id=deduplication_id,
            message_structure=message_structure,
        )
    except Exception as error:  # a queue that is gone
        open_hooks().topic_subscriptions.failed(outgoing, str(error) or type(error).__name__)


def _passes(
    self: FilterPolicyMatcher, message_attributes: dict[str, Any] | None, message: str
) -> bool:
    """In place of FilterPolicyMatcher.matches; what can't be compared does not pass.

    moto looks at a body once for each key of the policy on each level of nested lists: a body of
    thirty levels would take years.
    """
    try:
        if self.filter_policy_scope == "MessageBody" and self.filter_policy:
            return _body_passes(self.filter_policy, json.loads(message))
        return _matches(self, message_attributes, message)
    except (RecursionError, ValueError, TypeError, ArithmeticError, LookupError, AttributeError):
        return False


def _body_passes(policy: dict[str, Any], body: Any) -> bool:
    """Whether a part of a message passes: of a list, one of its objects."""
    if isinstance(body, list):
        return any(_body_passes(policy, each) for each in body)
    if not isinstance(body, dict):
        return False
    return all(
        _body_passes(wanted, body.get(name))
        if isinstance(wanted, dict)
        else FilterPolicyMatcher._field_match(name, wanted, body, False)
        for name, wanted in policy.items()
    )


def _follow_scope(subscription: Subscription) -> None:
    """moto reads FilterPolicyScope when the policy is set, and misses a scope that comes later."""
    matcher = subscription._filter_policy_matcher
    scope = subscription.attributes.get("FilterPolicyScope") or "MessageAttributes"
    if matcher is not None and matcher.filter_policy_scope != scope:
        subscription._filter_policy_matcher = FilterPolicyMatcher(
            subscription._filter_policy, scope
        )


@functools.wraps(_subscribe)
def _checked_subscribe(
    self: SNSBackend, topic_arn: str, endpoint: str, protocol: str
) -> Subscription:
    if protocol == "lambda":
        topic = _topic(self, topic_arn)
        _or_sns_error(open_hooks().topic_subscriptions.check, bool(topic.fifo_topic), endpoint)
    return _subscribe(self, topic_arn, endpoint, protocol)


@functools.wraps(_publish)
def _checked_publish(self: SNSBackend, *args: Any, **kwargs: Any) -> str:
    given = _signature_of_publish.bind(self, *args, **kwargs).arguments
    arn = given.get("arn") or ""
    if not given.get("message"):
        raise SNSInvalidParameter("Invalid parameter: Empty message")
    if arn and ":endpoint/" not in arn:
        _topic(self, arn)
    if given.get("message_structure") == "json":
        _or_sns_error(check_structure, given["message"])
    return _publish(self, *args, **kwargs)


@functools.wraps(_set_attributes)
def _set_checked_attributes(self: SNSBackend, arn: str, name: str, value: Any) -> None:
    subscription = self.subscriptions.get(arn)
    if subscription is not None:
        _or_sns_error(check_attribute, name, value, subscription.protocol)
    _set_attributes(self, arn, name, value)


@functools.wraps(_answer_subscribe)
def _subscribe_whole_or_not(self: SNSResponse) -> Any:
    """Leaves no subscription behind whose attributes were refused."""
    before = set(self.backend.subscriptions)
    try:
        return _answer_subscribe(self)
    except Exception:
        wanted = self._get_param("TopicArn"), self._get_param("Endpoint")
        for arn, each in list(self.backend.subscriptions.items()):
            if arn not in before and (each.topic.arn, each.endpoint) == wanted:
                self.backend.unsubscribe(arn)
        raise


def _topic(backend: SNSBackend, arn: str) -> Any:
    """A topic. Raises SNS's error for what is not the ARN of one."""
    parts = arn.split(":")
    if len(parts) < 6:
        raise SNSInvalidParameter(
            f"Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not "
            f"{len(parts)}"
        )
    if parts[2] != "sns":
        raise SNSInvalidParameter("Invalid parameter: TopicArn")
    try:
        return backend.get_topic(arn)
    except (ValueError, KeyError):
        raise TopicNotFound from None


def _or_sns_error(check: Any, *args: Any) -> None:
    """Runs a check; an ApiError becomes SNS's own."""
    try:
        check(*args)
    except ApiError as error:
        raise SNSInvalidParameter(error.message) from None
