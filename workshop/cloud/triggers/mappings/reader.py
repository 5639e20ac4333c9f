"""Reads one shard, and hands its records to lanes."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable

from ...base.problems import CAUGHT
from .faults import Faults
from .filters import passes
from .lanes import Lane
from .poller import Poller, is_gone
from .progress import Progress
from .shards import Shard
from .source import Record

MOST_WAITING = 10_000  # records that were read and not handled


class ShardReader:
    """Reads what there is when woken, in a thread that ends when all was handed on."""

    def __init__(
        self, poller: Poller, shard: Shard, progress: Progress, on_end: Callable[[], None]
    ) -> None:
        self._poller, self._shard = poller, shard
        self._progress, self._on_end = progress, on_end
        self._mapping, self._tools = poller.mapping, poller.tools
        self._what = f"{poller.what}, {shard.id}"
        self._lanes: list[Lane] = []
        self._changed = threading.Condition()
        self._faults = Faults(poller, self._what)
        self._dirty = self._running = self._open = False
        self.parents = shard.parents

    @property
    def ended(self) -> bool:
        """Whether the shard was closed and everything in it is done with."""
        return self._progress.ended

    def wake(self) -> None:
        """Has it read; the cloud is not idle until it did."""
        with self._changed:
            self._dirty = True
            if self._running or self._poller.stopped:
                return
            self._tools.activity.begin(self._what)
            try:
                self._running = True
                self._tools.problems.start(self._what, self._work)
            except BaseException:
                self._running = False
                self._tools.activity.end(self._what)
                raise

    def look_again(self) -> None:
        """Has the lanes look at settings and clock, and the reader at whether it was stopped."""
        for lane in list(self._lanes):
            lane.wake()
        self._notice()

    def _work(self) -> None:
        try:
            while self._is_wanted():
                self._try_to_read()
        finally:
            self._tools.activity.end(self._what)

    def _try_to_read(self) -> None:
        try:
            self._read()
            self._faults.forget()
        except CAUGHT as error:
            self._mapping.last_result = f"PROBLEM: {error}"
            if not is_gone(error):
                self._dirty = True  # the place in the shard is the same
                self._faults.wait_after(error)

    def _is_wanted(self) -> bool:
        with self._changed:
            self._running = self._dirty and not self._poller.stopped
            self._dirty = False
            return self._running

    def _read(self) -> None:
        if not self._open:
            self._begin()
        for lane in self._lanes:
            lane.resume()
        while not self._poller.stopped:
            self._wait_until(lambda: sum(lane.count for lane in self._lanes) < MOST_WAITING)
            records = self._shard.read()
            if records:
                self._hand_on(records)
            elif self._shard.is_read:
                self._end()
                return
            else:
                return

    def _begin(self) -> None:
        """Goes to where the mapping has come; a poller before this one may still be at work."""
        self._progress.wait_until_free()
        self._progress.unread()
        self._shard.open(self._progress)
        self._make_lanes()
        self._lanes[0].resume_window()
        self._open = True

    def _end(self) -> None:
        """The shard was closed: when all of it is done with, its children's turn comes."""
        self.look_again()
        self._wait_until(lambda: all(lane.is_idle for lane in self._lanes))
        if self._progress.all_done and not self._progress.window:
            self._progress.ended = True
            self._on_end()

    def _hand_on(self, records: list[Record]) -> None:
        self._make_lanes()
        seen = self._progress.read([record.identifier for record in records])
        patterns, service = self._mapping.patterns, self._mapping.service
        skipped = []
        by_lane: list[list[Record]] = [[] for _ in self._lanes]
        for record in records:
            if record.identifier in seen:
                continue
            if passes(record.event, service, patterns, self._tools.matches):
                by_lane[zlib.crc32(record.key.encode()) % len(by_lane)].append(record)
            else:
                skipped.append(record.identifier)
        self._progress.done(skipped)
        for lane, some in zip(self._lanes, by_lane, strict=True):
            if some:
                lane.put(some)

    def _make_lanes(self) -> None:
        """As many as batches may be handled at once; records of one key share a lane.

        A tumbling window's state is one a shard, so there it is one lane.
        """
        count = self._mapping["ParallelizationFactor"]
        if self._mapping["TumblingWindowInSeconds"]:
            count = 1
        if len(self._lanes) == count:
            return
        self._wait_until(lambda: all(lane.is_idle for lane in self._lanes))
        self._lanes = [
            Lane(self._poller, self._shard, self._progress, self._notice) for _ in range(count)
        ]

    def _wait_until(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._poller.stopped or condition())

    def _notice(self) -> None:
        with self._changed:
            self._changed.notify_all()
