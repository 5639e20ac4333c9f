"""AWS IoT's message broker as far as rules see it: a published message, and the rules it triggers.

Follows "Rules for AWS IoT" (https://docs.aws.amazon.com/iot/latest/developerguide/iot-rules.html),
"Reducing messaging costs with Basic Ingest"
(https://docs.aws.amazon.com/iot/latest/developerguide/iot-basic-ingest.html) and
"Error handling (error action)"
(https://docs.aws.amazon.com/iot/latest/developerguide/rule-error-handling.html).

Rules that republish to their own topics go on for ever on AWS. Here a rule runs at most 16 times
in one chain of messages; `cloud.problems()` names it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from ...base.activity import Activity
from ...base.model import ApiError
from ...base.tracing import MOST_ROUNDS, Rounds, current, following, next_trace
from ...base.workers import Workers
from .deliveries import Deliveries
from .iot_actions import Action, ActionFailed, Actions, TopicRule
from .iot_eval import CannotEvaluate, Evaluation
from .iot_functions import Message
from .iot_nodes import UNDEFINED
from .iot_shadows import Shadows
from .iot_sql import VERSIONS, parse_statement, parse_template
from .iot_topics import BASIC_INGEST, SHADOW, check_topic, matches

LARGEST_PAYLOAD = 128 * 1024  # bytes
MOST_ACTIONS = 10  # of a rule
WORKING = "IoT message"


class TopicRules:
    """Triggers topic rules.

    `rules(region)` gives those that there are, `client(service, region)` a boto3 client.
    """

    def __init__(
        self,
        rules: Callable[[str], list[TopicRule]],
        deliveries: Deliveries,
        client: Callable[[str, str], Any],
        activity: Activity,
    ) -> None:
        self._rules, self._deliveries, self._activity = rules, deliveries, activity
        self._actions = Actions(client, deliveries, self.publish)
        self._shadows = Shadows(client, self.announce)
        self._rounds = Rounds()
        # One worker: messages keep their order.
        self._workers = Workers(1, "IoT rules", deliveries.problems)

    def check(self, sql: str, version: str, actions: list[dict[str, Any]]) -> None:
        """Raises ApiError for a rule that can't be: its SQL, a template, the number of actions."""
        if version not in VERSIONS:
            raise _invalid(
                f"Invalid awsIotSqlVersion: {version}. Use one of {', '.join(VERSIONS)}."
            )
        parse_statement(sql, version)
        if len(actions) > MOST_ACTIONS:
            raise _invalid(f"A rule may have at most {MOST_ACTIONS} actions.")
        for action in actions:
            kinds = list(action.values()) if isinstance(action, dict) else []
            if len(kinds) != 1 or not isinstance(kinds[0], dict):
                raise _invalid("An action must be of exactly one kind.")
            for text in _texts(action):
                parse_template(text, version)

    def publish(self, region: str, account_id: str, topic: str, payload: bytes) -> None:
        """Queues a message for the rules that its topic triggers. Raises ApiError."""
        check_topic(topic)
        if len(payload) > LARGEST_PAYLOAD:
            raise ApiError(
                413,
                "RequestEntityTooLargeException",
                f"The payload exceeds the maximum size of {LARGEST_PAYLOAD} bytes.",
            )
        self.announce(region, account_id, topic, payload)

    def announce(self, region: str, account_id: str, topic: str, payload: bytes) -> None:
        """Like publish, without checks: AWS IoT's own messages go to reserved topics."""
        self._activity.begin(WORKING)
        self._workers.submit(self._route, region, account_id, topic, payload, current())

    def close(self) -> None:
        """Forgets what is queued."""
        self._workers.close()

    def _route(
        self, region: str, account_id: str, topic: str, payload: bytes, trace: str | None
    ) -> None:
        try:
            with following(trace):
                ingest, shadow = BASIC_INGEST.fullmatch(topic), SHADOW.fullmatch(topic)
                if shadow:
                    self._shadows.request(region, account_id, shadow, payload)
                heard_as = (ingest[2] or "") if ingest else topic
                message = Message(heard_as, payload, account_id)
                for rule in self._rules(region):
                    named = ingest and rule.name == ingest[1]
                    if not rule.disabled and (named or (not ingest and _takes(rule, topic))):
                        self._trigger(rule, message)
        except Exception as error:
            self._deliveries.note(f"IoT message on {topic}: {type(error).__name__}: {error}")
        finally:
            self._activity.end(WORKING)

    def _trigger(self, rule: TopicRule, message: Message) -> None:
        count = self._rounds.next(rule.arn)
        if count == MOST_ROUNDS + 1:
            self._deliveries.note(
                f"{rule.arn}: a recursive loop was stopped: the rule was triggered {MOST_ROUNDS} "
                "times by messages that it led to itself. AWS does not stop this. Does the rule "
                "republish to a topic of its own FROM?"
            )
        if count > MOST_ROUNDS:
            return
        with following(next_trace(current(), rule.arn)):
            self._run(rule, message)

    def _run(self, rule: TopicRule, message: Message) -> None:
        evaluation = Evaluation(message, rule.version)
        try:
            output = evaluation.run(parse_statement(rule.sql, rule.version))
        except CannotEvaluate as reason:
            self._deliveries.note(f"{rule.arn}: {reason}")
            return
        for name in sorted(evaluation.lacking):
            self._deliveries.note(f"{rule.arn}: the local cloud does not have {name}()")
        if output is UNDEFINED:
            return
        failures = [
            failure
            for action in rule.actions
            if (failure := self._act(rule, action, output, evaluation)) is not None
        ]
        if failures and rule.error_action:
            error = _error(rule, message, failures)
            self._act(rule, rule.error_action, error, evaluation)

    def _act(
        self, rule: TopicRule, action: Action, output: Any, evaluation: Evaluation
    ) -> ActionFailed | None:
        """Carries an action out; notes and returns its failure."""
        if action.kind not in self._actions.kinds:
            self._deliveries.note(
                f"{rule.arn}: the local cloud does not carry out the action {action.kind}"
            )
            return None
        try:
            self._actions.carry_out(rule, action, output, evaluation)
        except ActionFailed as failure:
            self._deliveries.note(f"{rule.arn}: {failure.message}")
            return failure
        return None


def _takes(rule: TopicRule, topic: str) -> bool:
    topic_filter = parse_statement(rule.sql, rule.version).topic_filter
    return topic_filter is not None and matches(topic_filter, topic)


def _error(rule: TopicRule, message: Message, failures: list[ActionFailed]) -> dict[str, Any]:
    """What an error action gets."""
    return {
        "ruleName": rule.name,
        "topic": message.topic,
        "cloudwatchTraceId": message.trace_id,
        "clientId": "n/a",  # messages come over HTTP here
        "base64OriginalPayload": base64.b64encode(message.payload).decode(),
        "failures": [
            {
                "failedAction": each.action,
                "failedResource": each.resource,
                "errorMessage": each.message,
            }
            for each in failures
        ],
    }


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.values() for text in _texts(each)]
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    return [value] if isinstance(value, str) else []


def _invalid(message: str) -> ApiError:
    return ApiError(400, "InvalidRequestException", message)
