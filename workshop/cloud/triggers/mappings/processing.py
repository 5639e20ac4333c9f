"""What becomes of a batch of records that are read in order: retries, cuts, giving up.

Knows nothing of a service: a `Source` says how records become an event, and how the record of a
failure names them. Follows "How Lambda processes records from stream and queue-based event
sources" (https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html) and
"Configuring partial batch response with Kinesis Data Streams and Lambda"
(https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html).
"""

from __future__ import annotations

from typing import Any

from ...base.json_text import to_json
from ...base.model import ApiError, Outcome
from ...base.problems import CAUGHT
from ...base.timers import SHRINK, shrunk
from .batches import WholeBatchFailed, first_failure
from .failures import Failures
from .faults import Faults
from .poller import Answer, Poller
from .source import Batch, Record, Source

LONGEST_BACK_OFF = 60  # seconds on AWS
LOOK_FOR_FUNCTION = 0.2  # seconds
FAILED = "PROBLEM: Function call failed"


class Processor:
    """Tries batches, one after the other, until all of their records are done with.

    `what` is the name under which its user counts in the cloud's activity: while there is no
    function to invoke, nothing goes on.
    """

    def __init__(self, poller: Poller, source: Source, what: str) -> None:
        self._poller, self._source, self._what = poller, source, what
        self._mapping, self._tools = poller.mapping, poller.tools
        self._failures = Failures(poller.mapping, poller.tools, source)
        self._faults = Faults(poller, what)
        self.delays = 0.0  # seconds of deliberate delay so far, as on AWS
        self._throttles = 0

    def process(self, records: list[Record]) -> None:
        """Returns when the records are done with, or when the poller was stopped."""
        self._process(Batch(records))

    def process_event(self, event: dict[str, Any]) -> bool:
        """Invokes with an event that has no records until it succeeded or attempts are used up.

        False if the poller was stopped before.
        """
        batch = Batch([])
        while not self._poller.stopped:
            answer = self._invoke(event, batch)
            if answer is None:
                continue
            if not answer.outcome.error:
                self._mapping.last_result = "OK"
                return True
            self._mapping.last_result = FAILED
            batch.attempts += 1
            if self._used_up(batch):
                return True
            self._back_off(batch.attempts)
        return False

    def _invoke(self, event: dict[str, Any], batch: Batch) -> Answer | None:
        """One attempt; None if the function could not be invoked, and is to be again."""
        try:
            batch.last = self._poller.invoke(event, dump)
        except ApiError as error:
            if error.status == 429:  # a throttle uses up no attempt
                self._throttles += 1
                self._back_off(self._throttles)
                return None
            self._mapping.last_result = f"PROBLEM: {error.message}"
            if error.status == 500:  # nor does a fault of the cloud's, which the invoker noted
                self._faults.wait()
            else:
                self._wait_for_function()
            return None
        self._throttles = 0
        return batch.last

    def _note_age(self, answer: Answer, age: float) -> None:
        """The metric IteratorAge, of Kinesis and DynamoDB streams: how old the last record was."""
        if self._mapping.service in ("kinesis", "dynamodb"):
            values = {"IteratorAge": age * 1000}
            self._tools.metrics.note(answer.function, answer.request.invoked_arn, values)

    def _process(self, batch: Batch) -> None:
        while batch.records and not self._poller.stopped:
            try:
                self._try_once(batch)
            except CAUGHT as error:  # the cloud's own fault: the batch is tried again
                self._mapping.last_result = f"PROBLEM: {error}"
                self._faults.wait_after(error)

    def _try_once(self, batch: Batch) -> None:
        self._drop_old(batch)
        if not batch.records:
            return
        age = self.age(batch.records[-1])
        answer = self._invoke(self._source.event(batch.records), batch)
        if answer:
            self._note_age(answer, age)
            self._look_at_answer(batch, answer.outcome)
            self._faults.forget()

    def _look_at_answer(self, batch: Batch, outcome: Outcome) -> None:
        done = self._succeeded(batch, outcome)
        whole = done is None
        self._finish(batch, done or 0)
        if not batch.records:
            self._mapping.last_result = "OK"
            return
        self._mapping.last_result = FAILED
        if self._mapping["BisectBatchOnFunctionError"]:
            if done:
                return  # the answer cut the batch, which uses up no attempt
            if whole and len(batch.records) > 1:
                self._bisect(batch)
                return
        batch.attempts += 1
        if self._used_up(batch):
            self._give_up(batch, batch.records, "RetryAttemptsExhausted")
        else:
            self._back_off(batch.attempts)

    def _used_up(self, batch: Batch) -> bool:
        limit = self._mapping["MaximumRetryAttempts"]
        return limit != -1 and batch.attempts > limit

    def _succeeded(self, batch: Batch, outcome: Outcome) -> int | None:
        """How many records at the batch's start are done with; None if all of it failed."""
        if outcome.error:
            return None
        done = len(batch.records)
        try:
            if self._mapping.reports_failures:
                identifiers = [record.identifier for record in batch.records]
                done = first_failure(outcome.payload, identifiers)
            self._source.answered(outcome.payload, done)
        except WholeBatchFailed:
            return None
        return done

    def _finish(self, batch: Batch, count: int) -> None:
        """Takes records off the batch's start; what is left is tried as if it were new."""
        if count:
            self._source.done(batch.records[:count])
            batch.records, batch.attempts = batch.records[count:], 0

    def _bisect(self, batch: Batch) -> None:
        """Splitting uses up no attempt; each half is tried by itself, the first one first."""
        middle = len(batch.records) // 2
        first = batch.records[:middle]
        self._process(Batch(first))
        if not self._poller.stopped:
            batch.records = batch.records[middle:]

    def _drop_old(self, batch: Batch) -> None:
        limit = self._mapping["MaximumRecordAgeInSeconds"]
        if limit == -1:
            return
        old = 0
        while old < len(batch.records) and self.age(batch.records[old]) > limit:
            old += 1
        if old:
            self._give_up(batch, batch.records[:old], "RecordAgeExceeded")

    def age(self, record: Record) -> float:
        """Seconds on AWS since it came: deliberate delays in full, the rest as it was."""
        waited = self.delays - record.delays_before
        return self._tools.now() - record.arrived_at + waited * (1 - 1 / SHRINK)

    def _give_up(self, batch: Batch, records: list[Record], condition: str) -> None:
        self._failures.send(batch, records, condition)
        self._source.done(records)
        batch.records = batch.records[len(records) :]

    def _back_off(self, attempts: int) -> None:
        """Waits before the next attempt, longer each time; it counts for the records' age."""
        seconds = min(LONGEST_BACK_OFF, 2.0 ** (min(attempts, 10) - 1))
        self._poller.pause(shrunk(seconds))
        self.delays += seconds

    def _wait_for_function(self) -> None:
        """Waits for a function that is gone to be made again; that may be never."""
        self._tools.activity.end(self._what)
        self._poller.pause(LOOK_FOR_FUNCTION)
        while not self._poller.stopped and not self._poller.has_function():
            self._poller.pause(LOOK_FOR_FUNCTION)
        self._tools.activity.begin(self._what)


def dump(event: Any) -> bytes:
    """An event as Lambda sends it to a function."""
    return to_json(event, (",", ":"))
