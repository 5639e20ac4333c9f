"""moto's queues, kept as SQS keeps them.

moto loses messages when two requests meet, hands out a FIFO group in the wrong order after a
visibility timeout, numbers messages at random and forgets deduplication ids with the message.
Follows the Amazon SQS Developer Guide: "FIFO queue delivery logic",
"Amazon SQS visibility timeout", "Using dead-letter queues in Amazon SQS"
(https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/).
"""

from __future__ import annotations

import contextlib
import copy
import itertools
import threading
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import moto.sqs.models as sqs_models
import moto.sqs.urls as sqs_urls
from moto.sqs.exceptions import InvalidParameterValue, QueueDoesNotExist, ReceiptHandleIsInvalid
from moto.sqs.models import DEDUPLICATION_TIME_IN_SECONDS, Message, sqs_backends
from moto.sqs.responses import SQSResponse

from ..base.arns import Arn
from ..base.model import QueueState
from ..base.tracing import current
from ..base.variables import ACCOUNT_ID
from ..functions.metrics import Datum
from .hooks import wake_queues
from .queue_metrics import Depths

_changed = threading.Condition()  # guards every queue, since a redrive touches two
_sequence_numbers = itertools.count(18_850_000_000_000_000_000, 256)  # 20 digits, as on AWS
_moto_receive_message = SQSResponse.receive_message
TRACE = "AWSTraceHeader"


class Sent(NamedTuple):
    """What is kept of a message for five minutes, so that no other one takes its place."""

    id: str
    sequence_number: str
    at: int  # milliseconds since 1970


class Queue(sqs_models.Queue):
    """A queue whose messages keep their order, their numbers and their origin."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.sent_before: dict[tuple[str, str], Sent] = {}  # by scope and deduplication id
        self.depths = Depths()
        super().__init__(*args, **kwargs)

    def add_message(self, message: Message) -> None:
        """What SendMessage does; a duplicate within five minutes is not added."""
        with _changed:
            if self.fifo_queue:
                sent = self._first(message)
                is_first = sent.id == message.id
                message.id, message.sequence_number = sent.id, sent.sequence_number
                if not is_first:
                    return
            self.put(message)

    def put(self, message: Message) -> None:
        """Adds a message, and has those look who wait for one."""
        self._messages.append(message)
        self.depths.changed(self._messages)
        _changed.notify_all()
        wake_queues(self.queue_arn)

    def delete_message(self, receipt_handle: str) -> None:
        """Only the newest receipt handle deletes; an older one succeeds and does nothing."""
        with _changed:
            for message in self._messages:
                if message.receipt_handle == receipt_handle:
                    self._messages.remove(message)
                    self.deleted_messages.update(message.all_receipt_handles)
                    self.depths.changed(self._messages)
                    if self.fifo_queue:  # of its group the next may come
                        _changed.notify_all()
                        wake_queues(self.queue_arn)
                    return
            known = any(each.had_receipt_handle(receipt_handle) for each in self._messages)
            if not known and receipt_handle not in self.deleted_messages:
                raise ReceiptHandleIsInvalid()

    def available(self) -> list[Message]:
        """What ReceiveMessage may return now: visible, and of no group that is in flight.

        Of the first message's group come as many as there are, then those of the next.
        """
        now = time.time() * 1000
        visible = [m for m in self._messages if m.visible_at <= now and m.delayed_until <= now]
        if not self.fifo_queue:
            return visible
        in_flight = {m.group_id for m in self._messages if m.visible_at > now}
        groups: dict[str | None, list[Message]] = {}
        for message in visible:
            if message.group_id not in in_flight:
                groups.setdefault(message.group_id, []).append(message)
        return [message for group in groups.values() for message in group]

    # moto asks for these three at every send, and reads the clock for every message
    @property
    def approximate_number_of_messages(self) -> int:
        now = time.time() * 1000
        return sum(m.visible_at <= now and m.delayed_until <= now for m in self._messages)

    @property
    def approximate_number_of_messages_delayed(self) -> int:
        now = time.time() * 1000
        return sum(m.delayed_until > now for m in self._messages)

    @property
    def approximate_number_of_messages_not_visible(self) -> int:
        now = time.time() * 1000
        return sum(m.visible_at > now for m in self._messages)

    def forget_old_messages(self) -> None:
        """Drops what has been kept for the retention period."""
        oldest = (time.time() - self.message_retention_period) * 1000
        if self._messages and self._messages[0].sent_timestamp <= oldest:
            self._messages = [m for m in self._messages if m.sent_timestamp > oldest]

    def _first(self, message: Message) -> Sent:
        """The message with the same deduplication id that was sent before, or this one."""
        oldest = message.sent_timestamp - DEDUPLICATION_TIME_IN_SECONDS * 1000
        for key, sent in list(self.sent_before.items()):
            if sent.at > oldest:
                break  # the rest was sent later
            del self.sent_before[key]
        scope = message.group_id if self.deduplication_scope == "messageGroup" else ""
        key = scope, message.deduplication_id
        if key not in self.sent_before:
            number = str(next(_sequence_numbers))
            self.sent_before[key] = Sent(message.id, number, message.sent_timestamp)
        return self.sent_before[key]


class QueueBackend(sqs_models.SQSBackend):
    """moto's SQS, one request at a time."""

    @property
    def _url_module(self) -> Any:
        return sqs_urls  # moto derives it from the class's module

    def create_queue(self, *args: Any, **kwargs: Any) -> Queue:
        queue = super().create_queue(*args, **kwargs)
        wake_queues(queue.queue_arn)
        return queue

    def set_queue_attributes(self, queue_name: str, attributes: dict[str, Any]) -> Queue:
        queue = super().set_queue_attributes(queue_name, attributes)
        wake_queues(queue.queue_arn)
        return queue

    def delete_queue(self, queue_name: str) -> None:
        queue_arn = self.get_queue(queue_name).queue_arn
        super().delete_queue(queue_name)
        wake_queues(queue_arn)

    def send_message(self, *args: Any, **kwargs: Any) -> Message:
        """As moto's; a message that a function sends carries the function's trace."""
        with _changed:
            given = kwargs.pop("system_attributes", None)
            return super().send_message(*args, system_attributes=_with_trace(given), **kwargs)

    def send_message_batch(
        self, queue_name: str, entries: dict[str, dict[str, Any]]
    ) -> tuple[list[Message], list[dict[str, Any]]]:
        """As moto's, which forgets the entries' system attributes."""
        with _changed:
            messages, failed = super().send_message_batch(queue_name, entries)
            given = {each["Id"]: each.get("MessageSystemAttributes") for each in entries.values()}
            for message in messages:
                message.system_attributes = _with_trace(given[message.user_id])
            return messages, failed

    def receive_message(
        self,
        queue_name: str,
        count: int,
        wait_seconds_timeout: int,
        visibility_timeout: int,
        message_attribute_names: list[str] | None = None,
    ) -> list[Message]:
        """Copies of what was received; waits as long as it may if there is nothing."""
        until = time.monotonic() + wait_seconds_timeout
        with _changed:
            while True:
                found = self._take(self.get_queue(queue_name), int(count), int(visibility_timeout))
                left = until - time.monotonic()
                if found or left <= 0:
                    break
                _changed.wait(min(left, 0.2))  # delays and timeouts run out unannounced
        for message in found:
            sqs_models._filter_message_attributes(message, message_attribute_names or [])
        return found

    def list_queues(self, queue_name_prefix: str | None) -> list[Queue]:
        """moto takes the prefix for a regular expression."""
        prefix = queue_name_prefix or ""
        return [queue for name, queue in list(self.queues.items()) if name.startswith(prefix)]

    def delete_message_batch(self, *args: Any) -> Any:
        with _changed:
            return super().delete_message_batch(*args)

    def change_message_visibility(
        self, queue_name: str, receipt_handle: str, visibility_timeout: int
    ) -> None:
        """Only the newest receipt handle counts: another consumer may have the message now."""
        with _changed:
            queue = self.get_queue(queue_name)
            if any(receipt_handle in m._old_receipt_handles for m in queue._messages):
                raise InvalidParameterValue(
                    f"Value {receipt_handle} for parameter ReceiptHandle is invalid. "
                    "Reason: The receipt handle has expired."
                )
            super().change_message_visibility(queue_name, receipt_handle, visibility_timeout)
            if not int(visibility_timeout):
                _newest(queue, receipt_handle).visible_at = 0.0
                _changed.notify_all()
                wake_queues(queue.queue_arn)

    def change_message_visibility_batch(self, queue_name: str, entries: list[Any]) -> Any:
        """One entry that is refused refuses no other."""
        done, failed = [], []
        with _changed:
            for entry in entries:
                try:
                    some_done, some_failed = super().change_message_visibility_batch(
                        queue_name, [entry]
                    )
                except InvalidParameterValue as error:
                    problem = {"SenderFault": True, "Code": error.code, "Message": error.message}
                    some_done, some_failed = [], [{"Id": entry["Id"], **problem}]
                done += some_done
                failed += some_failed
        return done, failed

    def purge_queue(self, queue_name: str) -> None:
        with _changed:
            super().purge_queue(queue_name)

    def _take(self, queue: Queue, count: int, visibility_timeout: int) -> list[Message]:
        queue.forget_old_messages()
        found: list[Message] = []
        for message in queue.available():
            if self._move_to_dead_letters(queue, message):
                continue
            message.mark_received(visibility_timeout)
            found.append(copy.copy(message))
            if len(found) == count:
                break
        queue.depths.changed(queue._messages)
        return found

    def _move_to_dead_letters(self, queue: Queue, message: Message) -> bool:
        """Moves a message that was received as often as the redrive policy allows."""
        dead = queue.dead_letter_queue
        if not dead or not queue.redrive_policy or self.queues.get(dead.name) is not dead:
            return False
        if message.approximate_receive_count < queue.redrive_policy["maxReceiveCount"]:
            return False
        queue._messages.remove(message)
        if getattr(message, "dead_letter_source", None) == dead.queue_arn:
            message.approximate_receive_count = 0  # or two such queues would pass it on for ever
        message.visible_at = message.delayed_until = 0.0
        message.dead_letter_source = queue.queue_arn
        message.moved_at = time.time() * 1000
        if dead.fifo_queue:
            message.sequence_number = str(next(_sequence_numbers))
        dead.put(message)
        return True


def queue_state(queue_arn: str) -> QueueState | None:
    """What a queue holds for those who poll it, None if there is no such queue."""
    queue = _find(queue_arn)
    if queue is None:
        return None
    with _changed:
        now = time.time() * 1000
        delayed = [m.delayed_until for m in queue._messages if m.delayed_until > now]
        hidden = [m.visible_at for m in queue._messages if m.visible_at > now]
        return QueueState(
            ready=bool(queue.available()),
            delayed_s=_seconds(delayed, now),
            hidden_s=_seconds(hidden, now),
            visibility_timeout_s=queue.visibility_timeout,
            retention_s=queue.message_retention_period,
            has_dead_letters=bool(queue.redrive_policy),
        )


def queue_metrics(account_id: str, region: str) -> list[Datum]:
    """The metrics of a region's queues, as they are in CloudWatch's namespace AWS/SQS."""
    with _changed:
        queues = list(sqs_backends[account_id][region].queues.values())
        return [each for queue in queues for each in queue.depths.data(queue.name, queue._messages)]


def install() -> None:
    """Puts these in moto's place; must be followed by moto's reset."""
    sqs_models.Queue = Queue
    sqs_backends.backend = QueueBackend
    SQSResponse.receive_message = _receive_message


def _receive_message(response: SQSResponse) -> Any:
    """As moto's, which does not know DeadLetterQueueSourceArn."""
    answer = _moto_receive_message(response)
    asked = response._get_param("MessageSystemAttributeNames", []) + response._get_param(
        "AttributeNames", []
    )
    if "All" in asked or "DeadLetterQueueSourceArn" in asked:
        queue = response.sqs_backend.get_queue(response._get_queue_name())
        sources = {m.id: m.dead_letter_source for m in _moved(queue)}
        for message in answer.result.get("Messages", []):
            if message["MessageId"] in sources:
                attributes = message.setdefault("Attributes", {})
                attributes["DeadLetterQueueSourceArn"] = sources[message["MessageId"]]
    return answer


def _moved(queue: Queue) -> Iterator[Message]:
    """A queue's messages that came from another queue."""
    return (m for m in list(queue._messages) if hasattr(m, "dead_letter_source"))


def _with_trace(given: dict[str, Any] | None) -> dict[str, Any]:
    """A message's system attributes with the trace of this request, if it has one."""
    attributes = dict(given or {})
    trace = current()
    if trace and TRACE not in attributes:
        attributes[TRACE] = {"DataType": "String", "StringValue": trace}
    return attributes


def _newest(queue: Queue, receipt_handle: str) -> Message:
    return next(m for m in queue._messages if m.receipt_handle == receipt_handle)


def _find(queue_arn: str) -> Queue | None:
    _, _, region, account, name = Arn.parse(queue_arn)
    if account != ACCOUNT_ID:
        return None
    with contextlib.suppress(KeyError, QueueDoesNotExist):  # no such Region, no such queue
        return sqs_backends[account][region].get_queue(name)
    return None


def _seconds(times: list[float], now: float) -> float | None:
    return (min(times) - now) / 1000 if times else None
