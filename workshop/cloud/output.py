"""What a function prints: read from its pipe and cut into log events.

The runtime client writes `print` output as it is and `logging` records as frames, so that a
record of several lines stays one event (awslambdaric, `FramedTelemetryLogSink`). The reader
knows that it has seen everything written before a response when it meets a marker that the
cloud itself wrote into the same pipe.
"""

from __future__ import annotations

import os
import re
import secrets
import threading
import time

from .model import LogEvent

HEADER = 16  # frame type 4 bytes, length 4, timestamp in microseconds 8
FRAME = re.compile(rb"\xa5\x5a\x00[\x02-\x1f\xff]")
MARKER = b"\xa5\x5a\x00\xff"
LONGEST_EVENT = 262_144  # bytes; CloudWatch Logs' limit of 256 KB an event
KEPT_PER_INVOCATION = 16 * 1024 * 1024  # bytes; a flood must not fill the learner's memory


class OutputReader:
    """Owns the pipe of one execution environment and reads it in a thread."""

    def __init__(self) -> None:
        self._read_fd, self.write_fd = os.pipe()
        self._token = secrets.token_bytes(16)
        self._buffer = b""
        self._events: list[LogEvent] = []
        self._kept = 0
        self._marks = threading.Semaphore(0)
        self._closing = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._read, name="function-output", daemon=True)
        self._thread.start()

    def take(self) -> list[LogEvent]:
        """Everything written up to now, cut into events."""
        with self._lock:
            if self._closing:
                return []
            self._mark()
            events, self._events, self._kept = self._events, [], 0
        return events

    def close(self) -> None:
        """Ends the thread and closes the pipe."""
        with self._lock:
            if self._closing:
                return
            self._closing = True
            self._mark()
        self._thread.join(timeout=5)
        os.close(self._read_fd)
        os.close(self.write_fd)

    def _mark(self) -> None:
        header = MARKER + len(self._token).to_bytes(4, "big") + bytes(8)
        os.write(self.write_fd, header + self._token)
        self._marks.acquire()

    def _read(self) -> None:
        while True:
            self._buffer += os.read(self._read_fd, 65536)
            marked = self._parse()
            if marked:
                closing = self._closing
                self._marks.release()
                if closing:
                    return

    def _parse(self) -> bool:
        """Cuts the buffer into events; True if it held the marker."""
        marked = False
        while self._buffer:
            found = FRAME.search(self._buffer)
            if not found:
                self._text_up_to(self._last_line_end(len(self._buffer)))
                break
            if found.start():
                self._text_up_to(found.start(), whole=True)
            if len(self._buffer) < HEADER:
                break
            length = int.from_bytes(self._buffer[4:8], "big")
            if length > LONGEST_EVENT * 4:  # no frame of the runtime client's: plain text
                self._text_up_to(4, whole=True)
                continue
            if len(self._buffer) < HEADER + length:
                break
            marked |= self._frame(length)
        return marked

    def _frame(self, length: int) -> bool:
        kind, body = self._buffer[:4], self._buffer[HEADER : HEADER + length]
        microseconds = int.from_bytes(self._buffer[8:HEADER], "big")
        self._buffer = self._buffer[HEADER + length :]
        if kind == MARKER:
            return body == self._token
        self._keep(body, microseconds // 1000)
        return False

    def _last_line_end(self, end: int) -> int:
        cut = self._buffer.rfind(b"\n", 0, end) + 1
        return cut if cut or end < LONGEST_EVENT else end

    def _text_up_to(self, end: int, whole: bool = False) -> None:
        text, self._buffer = self._buffer[:end], self._buffer[end:]
        now = int(time.time() * 1000)
        for line in text.splitlines(keepends=True) if b"\r" not in text else _lines(text):
            self._keep(line, now)

    def _keep(self, message: bytes, timestamp_ms: int) -> None:
        if not message.strip(b"\r\n") or self._kept > KEPT_PER_INVOCATION:
            return
        self._kept += len(message)
        if self._kept > KEPT_PER_INVOCATION:
            message = b"(the local cloud keeps the first 16 MB that an invocation prints)\n"
        message = message.rstrip(b"\r\n")
        for start in range(0, len(message), LONGEST_EVENT):
            text = message[start : start + LONGEST_EVENT].decode("utf-8", "replace")
            self._events.append(LogEvent(timestamp_ms, text + "\n"))


def _lines(text: bytes) -> list[bytes]:
    """Lines of a sink that writes `\\r` inside a record and `\\n` after it."""
    lines = text.replace(b"\r\n", b"\n").split(b"\n")
    return [line.replace(b"\r", b"\n") + b"\n" for line in lines if line]
