"""Streams as event sources: Kinesis data streams and DynamoDB Streams.

Follows "How Lambda processes records from stream and queue-based event sources"
(https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html). A stream says
when something arrived in a shard (`arrived`); nothing is asked of it before. Each shard is read by
itself, so a batch that fails holds up its own shard only.

What a learner waits for is shrunk (timers.SHRINK): the delays between attempts, and so the time
until a record that fails is too old, since those delays count for its age as they are on AWS. A
batching window and a tumbling window are as long as they say. With endless attempts, AWS's default,
a batch that always fails keeps the cloud from being idle; so does a tumbling window that is open.
"""

from __future__ import annotations

import threading

from .mapping import EventSourceMapping
from .poller import Poller, Tools, is_gone
from .progress import Progress
from .reader import ShardReader
from .shards import Shard, shards


class StreamPoller(Poller):
    """Reads every shard of a stream in order, and a shard's parents before it."""

    def __init__(self, mapping: EventSourceMapping, tools: Tools) -> None:
        super().__init__(mapping, tools)
        self._readers: dict[str, ShardReader] = {}
        self._listing = threading.RLock()

    def check(self) -> None:
        """Asks for the stream; raises boto3's error if there is none."""
        shards(self.mapping, self.tools.client)

    def start(self) -> None:
        """Takes its place in each shard, LATEST meaning from here on, and begins to read."""
        with self._listing:
            new = not self.mapping.progress
            for shard in shards(self.mapping, self.tools.client):
                self._add(shard, from_start=not new)
        self._start_readers()

    def wake(self) -> None:
        """Has it look at its settings and at the clock again."""
        for reader in list(self._readers.values()):
            reader.look_again()

    def arrived(self, shard_id: str) -> None:
        """Has it read a shard: something came, or the shard is new, or was closed.

        The cloud is not idle until it did. Called while the stream's own call is answered, so it
        asks nothing of the stream here.
        """
        reader = self._readers.get(shard_id)
        if reader is None:
            self.tools.activity.begin(self.what)
            try:
                self.tools.workers.submit(self._list_again)
            except BaseException:
                self.tools.activity.end(self.what)
                raise
        elif self._is_next(reader):
            reader.wake()

    def stop(self) -> None:
        """Ends it after what it is doing; what is not done with comes again to the next."""
        super().stop()
        self.wake()

    def shard_ended(self) -> None:
        """Goes on with the children of a shard that was closed and read."""
        with self._listing:
            if not self.stopped:
                for shard in shards(self.mapping, self.tools.client):
                    self._add(shard, from_start=True)
        self._start_readers()

    def _list_again(self) -> None:
        try:
            self.shard_ended()
        except Exception as error:
            self.mapping.last_result = f"PROBLEM: {error}"
            if not is_gone(error):
                raise  # the workers note it
        finally:
            self.tools.activity.end(self.what)

    def _add(self, shard: Shard, from_start: bool) -> None:
        if shard.id in self._readers:
            return
        progress = self.mapping.progress.get(shard.id)
        if progress is None:
            progress = Progress()
            progress.start = shard.start(from_start)
            self.mapping.progress[shard.id] = progress
        self._readers[shard.id] = ShardReader(self, shard, progress, self.shard_ended)

    def _start_readers(self) -> None:
        for reader in list(self._readers.values()):
            if self._is_next(reader):
                reader.wake()

    def _is_next(self, reader: ShardReader) -> bool:
        """Whether it has something to read, and its parents were read."""
        parents = [self._readers.get(each) for each in reader.parents]
        return not reader.ended and all(parent is None or parent.ended for parent in parents)
