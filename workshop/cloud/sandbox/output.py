"""What a function prints: read from its pipe and cut into log events.

The runtime client writes `print` output as it is and `logging` records as frames, so that a
record of several lines stays one event (awslambdaric, `FramedTelemetryLogSink`). What a function
wrote before it answered is in the pipe when the answer comes, so reading the pipe until it is
empty gives the whole log of an invocation. Nothing that a function writes is waited for.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import threading
import time
from collections.abc import Callable

from ..base.model import LogEvent
from .watch import Watch

HEADER = 16  # frame type 4 bytes, length 4, timestamp in microseconds 8
FRAME = re.compile(rb"\xa5\x5a\x00[\x02-\x1f]")
LONGEST_EVENT = 262_144  # bytes; CloudWatch Logs' limit of 256 KB an event
LONGEST_FRAME = 4 * LONGEST_EVENT
KEPT_BYTES = 16 * 1024 * 1024  # an invocation's; a flood must not fill the learner's memory
KEPT_EVENTS = 50_000  # an invocation's; a line costs memory even if it is short
CUT = "(the local cloud keeps the first 16 MB or 50,000 lines that an invocation prints)\n"
READ_BYTES = 65_536
TAKEN_BYTES = 4 * 1024 * 1024  # read at an invocation's end at most: a pipe holds 1 MB at most
OLDEST_MS = 14 * 24 * 3600 * 1000  # a frame's time; PutLogEvents takes none that is older
NEWEST_MS = 2 * 3600 * 1000  # nor one that is so far ahead


class OutputReader:
    """Owns the pipe of one execution environment; `watch` tells when it can be read."""

    def __init__(self, watch: Watch) -> None:
        self._read_fd, self.write_fd = os.pipe()
        self._read = _reader(self._read_fd)
        self._watch = watch
        self._buffer = b""
        self._events: list[LogEvent] = []
        self._kept = 0
        self._full = False
        self._closed = False
        self._lock = threading.Lock()
        if sys.platform == "win32":  # there no call waits for pipes
            threading.Thread(target=self._poll, name="function-output", daemon=True).start()
        else:
            watch.readable(self._read_fd, self._look)

    def take(self) -> list[LogEvent]:
        """Everything written up to now, cut into events."""
        with self._lock:
            left = TAKEN_BYTES
            while left > 0 and not self._closed and (data := self._read()):
                left -= len(data)
                self._parse(data)
            cut_off = HEADER if FRAME.match(self._buffer) and len(self._buffer) > HEADER else 0
            self._text(self._buffer[cut_off:])
            self._buffer = b""
            events, self._events = self._events, []
            self._kept, self._full = 0, False
        return events

    def close(self) -> None:
        """Closes the pipe; does nothing the second time."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        os.close(self.write_fd)
        self._watch.forget(self._read_fd, lambda: os.close(self._read_fd))

    def _look(self) -> None:
        with self._lock:
            if not self._closed:
                self._parse(self._read())

    def _poll(self) -> None:
        while not self._closed:
            self._look()
            time.sleep(0.005)

    def _parse(self, data: bytes) -> None:
        """Cuts what was read, with what was left before, into events."""
        buffer, at = self._buffer + data, 0  # `at`: how far it is cut, since copies cost time
        while found := FRAME.search(buffer, at):
            self._text(buffer[at : found.start()])
            at = found.start()
            body = at + HEADER
            length = int.from_bytes(buffer[at + 4 : at + 8], "big")
            if length > LONGEST_FRAME:  # no frame of the runtime client's: plain text
                at += 4
                continue
            if len(buffer) < body + length:
                self._buffer = buffer[at:]
                return
            self._frame(buffer[at + 8 : body], buffer[body : body + length])
            at = body + length
        whole = max(at, buffer.rfind(b"\n") + 1)
        if whole == at and len(buffer) - at >= LONGEST_EVENT:
            whole = len(buffer)
        self._text(buffer[at:whole])
        self._buffer = buffer[whole:]

    def _frame(self, stamp: bytes, body: bytes) -> None:
        milliseconds, now = int.from_bytes(stamp, "big") // 1000, _now_ms()
        taken = now - OLDEST_MS < milliseconds < now + NEWEST_MS
        self._keep(body, milliseconds if taken else now)

    def _text(self, text: bytes) -> None:
        if self._full or not text:
            return
        now = _now_ms()
        for line in text.splitlines(keepends=True) if b"\r" not in text else _lines(text):
            self._keep(line, now)

    def _keep(self, message: bytes, timestamp_ms: int) -> None:
        message = message.rstrip(b"\r\n")
        if not message or self._full:
            return
        self._kept += len(message) + 1
        if self._kept > KEPT_BYTES or len(self._events) >= KEPT_EVENTS:
            self._full = True
            self._events.append(LogEvent(timestamp_ms, CUT))
            return
        for start in range(0, len(message), LONGEST_EVENT):
            text = message[start : start + LONGEST_EVENT].decode("utf-8", "replace")
            self._events.append(LogEvent(timestamp_ms, text + "\n"))


def _reader(descriptor: int) -> Callable[[], bytes]:
    """What reads a pipe as far as it is filled, and never waits."""
    if sys.platform == "win32":
        import _winapi
        import msvcrt

        handle = msvcrt.get_osfhandle(descriptor)

        def read_what_is_there() -> bytes:
            there = _winapi.PeekNamedPipe(handle, 0)[0]
            return os.read(descriptor, min(there, READ_BYTES)) if there else b""

        return read_what_is_there

    os.set_blocking(descriptor, False)

    def read() -> bytes:
        with contextlib.suppress(BlockingIOError):
            return os.read(descriptor, READ_BYTES)
        return b""

    return read


def _now_ms() -> int:
    return int(time.time() * 1000)


def _lines(text: bytes) -> list[bytes]:
    """Lines of a sink that writes `\\r` inside a record and `\\n` after it."""
    lines = text.replace(b"\r\n", b"\n").split(b"\n")
    return [line.replace(b"\r", b"\n") + b"\n" for line in lines if line]
