"""SQS queues as event sources.

Follows "Using Lambda with Amazon SQS" (https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html)
and "Handling errors for an SQS event source in Lambda"
(https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html).

A message that failed is visible again when the queue's visibility timeout, shrunk, is over. Until
then, and while it is delayed, the cloud is not idle. A message that nobody handles keeps no one
waiting: one in a queue without a mapping, or in another consumer's hands.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ...base.arns import Arn, unqualified
from ...base.json_text import to_json
from ...base.model import ApiError, QueueState
from ...base.problems import CAUGHT
from ...base.timers import shrunk
from ...base.tracing import MOST_ROUNDS, rounds
from ...functions.sending import queue_url
from .batches import LARGEST_BATCH, WholeBatchFailed, batching_window, failed_items
from .filters import passes
from .mapping import EventSourceMapping
from .messages import Message, batch_of
from .poller import Poller, Tools, is_gone

AT_ONCE = 5  # batches, as AWS begins with; it goes on to 1,250, a laptop does not
MARGIN = 2  # seconds; to start an environment may take longer here than on AWS
LONGEST_VISIBILITY_TIMEOUT = 43_200  # seconds
LOOK_AGAIN = 0.02  # seconds, while a batch is collected
THROTTLE_DELAYS = (0.01, 0.25)  # seconds, the first and the longest
RECURSIVE = "RecursiveInvocationException"


class QueuePoller(Poller):
    """Reads a queue, invokes, deletes what was handled, and gives back what was not."""

    def __init__(self, mapping: EventSourceMapping, tools: Tools) -> None:
        super().__init__(mapping, tools)
        self._sqs = tools.client("sqs", mapping.region)
        queue = Arn.parse(mapping.source_arn)
        self._url = queue_url(self._sqs, queue)
        self._later = f"delayed or failed messages of {queue.name}"
        self._running = 0  # batches
        self._kept: list[Message] = []  # received, but too large for the last batch
        self._failed_batches: list[list[Message]] = []  # invisible, until their time is over
        self._waits_for_delayed = False

    def visibility_timeout(self) -> int:
        """The queue's, in seconds."""
        return self._state().visibility_timeout_s

    def poll(self) -> float | None:
        problem = self._problem()
        if problem:
            self.mapping.last_result = f"PROBLEM: {problem}"
            self._let_go()
            return None  # the call that ends it wakes this
        while not self.stopped and self._has_place():
            batch = self._next_batch()
            if not batch:
                break
            self._begin(batch)
        return self._next_look()

    def finish(self) -> None:
        """Lets go of what it will not handle, and waits for no visibility timeout."""
        self._let_go()
        for batch in list(self._failed_batches):
            self._give_back_failed(batch)

    def _let_go(self) -> None:
        self._give_back(self._kept)
        self._kept = []
        self._wait_for_delayed(None)

    def _problem(self) -> str | None:
        """Why nothing can be read or invoked."""
        try:
            state = self._state()
            function, _ = self.find()
        except ApiError as error:
            return error.message
        if function.reserved_concurrency == 0 and not state.has_dead_letters:
            return "The function's reserved concurrency is 0."  # messages would only go round
        return None

    def _state(self) -> QueueState:
        """Raises ApiError if the queue is gone."""
        state = self.tools.queue_state(self.mapping.source_arn)
        if state is None:
            raise ApiError(400, "QueueDoesNotExist", "The specified queue does not exist.")
        return state

    def _has_place(self) -> bool:
        limit = (self.mapping["ScalingConfig"] or {}).get("MaximumConcurrency", AT_ONCE)
        return self._running < limit

    def _next_look(self) -> float | None:
        """Seconds until a message comes without a call: its delay or its timeout is over."""
        state = self._state()
        if state.ready and self._has_place():
            return 0.0  # it came since the last look
        self._wait_for_delayed(state.delayed_s)
        waits = [each for each in (state.delayed_s, state.hidden_s) if each is not None]
        return min(waits) + 0.001 if waits else None

    def _wait_for_delayed(self, delay: float | None) -> None:
        """Notes whether there are delayed messages, for which the cloud is not idle."""
        waits = delay is not None and not self.stopped
        if waits and not self._waits_for_delayed:
            self.tools.activity.begin(self._later)
        if self._waits_for_delayed and not waits:
            self.tools.activity.end(self._later)
        self._waits_for_delayed = waits

    def _next_batch(self) -> list[Message]:
        """At most BatchSize messages and 6 MB: what there is, or comes within the window."""
        size = self.mapping["BatchSize"]
        window = batching_window(self.mapping["MaximumBatchingWindowInSeconds"])
        messages, self._kept = self._kept, []
        until = None
        while len(messages) < size and sum(m.size for m in messages) < LARGEST_BATCH:
            found = self._receive(min(10, size - len(messages)))
            messages += found
            if not messages or self.stopped or (not found and not window):
                break
            if not window and len(found) < 10:
                break
            until = until or time.monotonic() + window
            if not found:
                if time.monotonic() >= until:
                    break
                self.pause(LOOK_AGAIN)
        batch, rest = batch_of(messages, LARGEST_BATCH)
        if self.mapping.source_arn.endswith(".fifo"):
            self._give_back(rest)  # their groups are in flight until this batch has ended
        else:
            self._kept = rest
        return batch

    def _receive(self, most: int) -> list[Message]:
        state = self._state()
        if not state.ready:
            return []
        found = self._sqs.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=most,
            VisibilityTimeout=_with_margin(state.visibility_timeout_s),
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        ).get("Messages", [])
        has_window = bool(self.mapping["MaximumBatchingWindowInSeconds"])
        return [Message(each, self.mapping.source_arn, has_window) for each in found]

    def _begin(self, batch: list[Message]) -> None:
        self.tools.activity.begin(self.what)
        with self._changed:
            self._running += 1
        try:
            self.tools.problems.start(self.what, self._handle, batch)
        except BaseException:  # no thread can be had: they come again when they are visible
            with self._changed:
                self._running -= 1
            self.tools.activity.end(self.what)
            raise

    def _handle(self, batch: list[Message]) -> None:
        """A batch from its filters to its end; its place is free once the function ended."""
        failed = batch
        try:
            failed = self._run(batch)
            self._delete(_without(batch, failed))
            failed = self._without_expired(failed)
        except CAUGHT as error:
            self.mapping.last_result = f"PROBLEM: {error}"
            if not is_gone(error):
                self.tools.problems.failed(self.what, error)
        finally:
            with self._changed:
                self._running -= 1
            self.wake()
            try:
                self._give_back_later(failed)
            finally:
                self.tools.activity.end(self.what)

    def _run(self, batch: list[Message]) -> list[Message]:
        """Invokes the function with what passes the filters; the messages that failed."""
        patterns, matches = self.mapping.patterns, self.tools.matches
        wanted = [each for each in batch if passes(each.record, "sqs", patterns, matches)]
        failed: list[Message] = []
        for part in self._parts(wanted):
            failed += self._failed(part)
        if not failed:
            self.mapping.last_result = "OK"
        return failed

    def _parts(self, messages: list[Message]) -> list[list[Message]]:
        """Messages that come round too often go apart: they stop no others."""
        arn = unqualified(self.mapping.function_arn)
        looping = [each for each in messages if rounds(each.trace, arn) >= MOST_ROUNDS]
        return [part for part in (_without(messages, looping), looping) if part]

    def _failed(self, messages: list[Message]) -> list[Message]:
        """Those of one invocation that were not handled."""
        try:
            answer = self._invoke(messages)
        except ApiError as error:
            if error.code == RECURSIVE and not self._state().has_dead_letters:
                return []  # dropped: without a dead-letter queue it would come back for days
            return messages
        if answer.outcome.error:
            return messages
        if not self.mapping.reports_failures:
            return []
        try:
            failed = failed_items(answer.outcome.payload, [each.id for each in messages])
        except WholeBatchFailed:
            return messages
        return [each for each in messages if each.id in failed]

    def _invoke(self, messages: list[Message]) -> Any:
        """Invokes; while the function is throttled, again until the visibility timeout.

        Its other invocations take as long as on AWS, so this waits as long for their end.
        """
        arn = unqualified(self.mapping.function_arn)
        trace = max((each.trace for each in messages), key=lambda each: rounds(each, arn))
        event = {"Records": [each.record for each in messages]}
        until = messages[0].received_at + self._state().visibility_timeout_s
        delay, longest = THROTTLE_DELAYS
        while True:
            try:
                return self.invoke(event, to_json, trace)
            except ApiError as error:
                waits = error.status == 429 and self.find()[0].reserved_concurrency != 0
                if not waits or self.stopped or time.monotonic() + delay > until:
                    raise
            self.pause(delay)
            delay = min(2 * delay, longest)

    def _delete(self, messages: list[Message]) -> None:
        for some in _tens(messages):
            entries = [{"Id": str(i), "ReceiptHandle": m.handle} for i, m in enumerate(some)]
            self._sqs.delete_message_batch(QueueUrl=self._url, Entries=entries)

    def _without_expired(self, messages: list[Message]) -> list[Message]:
        """Deletes what on AWS would be older by now than the queue keeps messages."""
        state = self._state()
        old = [m for m in messages if m.age(state.visibility_timeout_s) > state.retention_s]
        self._delete(old)
        return _without(messages, old)

    def _give_back_later(self, messages: list[Message]) -> None:
        """Makes messages visible when the visibility timeout, shrunk, is over."""
        if not messages:
            return
        try:
            timeout = self._state().visibility_timeout_s
        except ApiError:
            return  # the queue is gone, and the messages with it
        elapsed = time.monotonic() - messages[0].received_at
        with self._changed:
            waits = not self.stopped
            if waits:
                self._failed_batches.append(messages)
                self.tools.activity.begin(self._later)
        if not waits:
            self._give_back(messages)
            return
        delay = shrunk(max(0.0, timeout - elapsed))
        later = self.tools.workers.submit, self._give_back_failed, messages
        try:
            self.tools.timer.later(delay, self._later, *later)
        except RuntimeError:  # the system has no thread for the timer
            self._give_back_failed(messages)

    def _give_back_failed(self, messages: list[Message]) -> None:
        with self._changed:
            if not any(each is messages for each in self._failed_batches):
                return  # it was given back when the mapping ended
            self._failed_batches = [each for each in self._failed_batches if each is not messages]
        try:
            self._give_back(messages)
        finally:
            self.tools.activity.end(self._later)

    def _give_back(self, messages: list[Message]) -> None:
        """Makes messages visible now; a refusal means that they are, or that the queue is gone."""
        for some in _tens(messages):
            entries = [
                {"Id": str(i), "ReceiptHandle": m.handle, "VisibilityTimeout": 0}
                for i, m in enumerate(some)
            ]
            with contextlib.suppress(BotoCoreError, ClientError):
                self._sqs.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)


def _with_margin(timeout: int) -> int:
    return min(timeout + MARGIN, LONGEST_VISIBILITY_TIMEOUT) if timeout else 0


def _without(messages: list[Message], others: list[Message]) -> list[Message]:
    left_out = set(others)
    return [each for each in messages if each not in left_out]


def _tens(items: list[Message]) -> list[list[Message]]:
    return [items[i : i + 10] for i in range(0, len(items), 10)]
