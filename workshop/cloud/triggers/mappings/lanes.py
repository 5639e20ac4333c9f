"""Lanes: records that are handled one batch after the other.

A shard has one lane, or as many as its mapping's parallelization factor says.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from ...base.problems import CAUGHT
from .faults import Faults
from .poller import Poller
from .processing import Processor
from .progress import Progress
from .shards import Shard
from .source import Record
from .windows import Window, window_of

LARGEST_EVENT = 6 * 1024 * 1024 - 4096  # bytes, less what is around the records


class Lane:
    """Batches records and has them handled, in a thread that lives while there are any."""

    def __init__(
        self, poller: Poller, shard: Shard, progress: Progress, on_change: Callable[[], None]
    ) -> None:
        self._poller, self._shard, self._progress = poller, shard, progress
        self._mapping, self._tools = poller.mapping, poller.tools
        self._what = f"{poller.what}, {shard.id}"
        self._faults = Faults(poller, self._what)
        self._processor = Processor(poller, self, self._what)
        self._records: deque[Record] = deque()
        self._changed = threading.Condition()
        self._running = False
        self._on_change = on_change  # it took records, or has none left
        self.where = shard.id

    def put(self, records: list[Record]) -> None:
        """Adds records, in order."""
        with self._changed:
            for record in records:
                record.delays_before = self._processor.delays
            self._records.extend(records)
            self._start()

    def resume(self) -> None:
        """Goes on with records for which no thread could be started."""
        with self._changed:
            if self._records:
                self._start()

    def resume_window(self) -> None:
        """Goes on with a window that was open when the mapping was disabled."""
        with self._changed:
            if self._progress.window:
                self._start()

    def wake(self) -> None:
        """Has it look at the clock again, or see that its poller was stopped."""
        with self._changed:
            self._changed.notify_all()

    @property
    def count(self) -> int:
        """How many records wait."""
        return len(self._records)

    @property
    def is_idle(self) -> bool:
        """Whether it has nothing to do."""
        return not self._running

    def event(self, records: list[Record]) -> dict[str, Any]:
        """The event of a batch; with a tumbling window, in that window."""
        event: dict[str, Any] = {"Records": [record.event for record in records]}
        if self._progress.window:
            event |= self._window_fields(self._progress.window, is_final=False)
        return event

    def batch_info(self, records: list[Record]) -> dict[str, Any]:
        """What the record of a failure says of a batch."""
        return self._shard.batch_info(records)

    def answered(self, payload: bytes, done: int) -> None:
        """Takes over a window's state. Raises WholeBatchFailed if there is none."""
        if self._progress.window and done:
            self._progress.window.take_state(payload)

    def done(self, records: list[Record]) -> None:
        """Notes what is done with."""
        self._progress.done([record.identifier for record in records])

    def _start(self) -> None:
        if self._running or self._poller.stopped:
            self._changed.notify_all()
            return
        self._running = True
        self._progress.enter()
        self._tools.activity.begin(self._what)
        try:
            self._tools.problems.start(self._what, self._work)
        except BaseException:
            self._running = False
            self._leave()
            raise

    def _work(self) -> None:
        try:
            while self._has_work():
                try:
                    self._handle_some()
                    self._faults.forget()
                except CAUGHT as error:
                    self._faults.wait_after(error)
        finally:
            self._leave()

    def _leave(self) -> None:
        try:
            self._progress.leave()
            self._on_change()
        finally:
            self._tools.activity.end(self._what)

    def _handle_some(self) -> None:
        if self._mapping["TumblingWindowInSeconds"] or self._progress.window:
            self._handle_in_window()
        else:
            self._processor.process(self._next_batch(None))

    def _has_work(self) -> bool:
        with self._changed:
            if self._poller.stopped or not (self._records or self._progress.window):
                self._running = False
            return self._running

    def _handle_in_window(self) -> None:
        """Handles one batch, or ends the window."""
        self._wait_for_record()
        window = self._progress.window
        if self._poller.stopped:
            return
        if window and self._is_over(window):
            self._end_window(window)
            return
        if not self._records:
            return
        if not window:
            first = self._records[0].arrived_at
            window = window_of(first, self._mapping["TumblingWindowInSeconds"])
            self._progress.window = window
        self._processor.process(self._next_batch(window))
        if window.is_full:
            self._end_window(window)

    def _wait_for_record(self) -> None:
        """Waits for one, or until the open window closes."""
        window = self._progress.window
        with self._changed:
            while not self._records and window and not self._poller.stopped:
                left = window.closes_at - self._tools.now()
                if left <= 0 or self._shard.is_read:
                    return
                self._changed.wait(left)

    def _is_over(self, window: Window) -> bool:
        if self._records:
            return self._records[0].arrived_at >= window.end
        return self._tools.now() >= window.closes_at or self._shard.is_read

    def _end_window(self, window: Window) -> None:
        """The final invocation; nothing else of the shard is handled before it succeeded."""
        event = {"Records": [], **self._window_fields(window, is_final=True)}
        if not self._processor.process_event(event):
            return
        self._progress.window = window.renewed() if window.is_full else None

    def _window_fields(self, window: Window, is_final: bool) -> dict[str, Any]:
        fields = window.fields(is_final)
        fields["shardId"] = self._shard.id
        fields["eventSourceARN"] = self._mapping.source_arn
        return fields

    def _next_batch(self, window: Window | None) -> list[Record]:
        """What goes into one invocation: a batch's records, of one window, of at most 6 MB."""
        self._wait_for_batch()
        batch: list[Record] = []
        size = 0
        with self._changed:
            while self._records and len(batch) < self._mapping["BatchSize"]:
                record = self._records[0]
                size += record.size + 1
                if batch and (size > LARGEST_EVENT or (window and record.arrived_at >= window.end)):
                    break
                batch.append(self._records.popleft())
        self._on_change()
        return batch

    def _wait_for_batch(self) -> None:
        """Waits until a batch is full, or the batching window is over."""
        until = self._tools.now() + self._mapping["MaximumBatchingWindowInSeconds"]
        with self._changed:
            while not self._poller.stopped and not self._is_full():
                left = until - self._tools.now()
                if left <= 0 or self._shard.is_read:
                    return
                self._changed.wait(left)

    def _is_full(self) -> bool:
        if len(self._records) >= self._mapping["BatchSize"]:
            return True
        return sum(record.size for record in self._records) > LARGEST_EVENT
