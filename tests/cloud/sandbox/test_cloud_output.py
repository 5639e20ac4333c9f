"""What a function prints is cut into log events, whatever it writes and however it is split."""

from __future__ import annotations

import os
import time

import pytest

from workshop.cloud.sandbox import output
from workshop.cloud.sandbox.output import (
    FRAME,
    KEPT_BYTES,
    KEPT_EVENTS,
    LONGEST_EVENT,
    READ_BYTES,
    OutputReader,
)
from workshop.cloud.sandbox.watch import Watch


@pytest.fixture
def reader():
    watch = Watch()
    reader = OutputReader(watch)
    yield reader
    reader.close()
    watch.close()


NOW = int(time.time() * 1000)


def frame(text: bytes, milliseconds: int = NOW) -> bytes:
    """A record as AWS's runtime client writes it."""
    stamp = (milliseconds * 1000).to_bytes(8, "big")
    return b"\xa5\x5a\x00\x03" + len(text).to_bytes(4, "big") + stamp + text


def messages(reader) -> list[str]:
    return [event.message for event in reader.take()]


def write(reader, *parts: bytes) -> None:
    for part in parts:
        while part:  # a pipe takes 64 KB at a time
            part = part[os.write(reader.write_fd, part[:32768]) :]


def test_lines(reader):
    write(reader, b"one\ntwo\nthree without an end")
    assert messages(reader) == ["one\n", "two\n", "three without an end\n"]


def test_empty_lines_are_no_events(reader):
    write(reader, b"\n\none\n\n")
    assert messages(reader) == ["one\n"]


def test_a_frame_is_one_event_with_its_own_time(reader):
    write(reader, frame(b"one\ntwo\n", NOW - 60_123))
    (event,) = reader.take()
    assert (event.message, event.timestamp_ms) == ("one\ntwo\n", NOW - 60_123)


@pytest.mark.parametrize("days_from_now", [-20_000, -15, 1, 10_000_000])
def test_a_time_that_no_log_takes_is_now(reader, days_from_now):
    write(reader, frame(b"one", NOW + days_from_now * 86_400_000))
    (event,) = reader.take()
    assert abs(event.timestamp_ms - time.time() * 1000) < 600_000


def test_frames_and_lines_in_their_order(reader):
    write(reader, b"a\n", frame(b"b"), b"c\n", frame(b"d"), b"e")
    assert messages(reader) == ["a\n", "b\n", "c\n", "d\n", "e\n"]


@pytest.mark.parametrize("cut", [1, 3, 4, 7, 15, 16, 18])
def test_a_frame_in_two_pieces(reader, cut):
    whole = frame(b"one record")
    write(reader, whole[:cut])
    time.sleep(0.02)  # so that the reader reads it by itself
    write(reader, whole[cut:])
    assert messages(reader) == ["one record\n"]


def test_bytes_that_are_no_text(reader):
    write(reader, b"caf\xc3\xa9 \xff\n")
    assert messages(reader) == ["café \ufffd\n"]


def test_what_looks_like_a_frame_and_is_none(reader):
    write(reader, b"\xa5\x5a\x00\x03\xff\xff\xff\xff" + bytes(8) + b"text\n")
    assert "text" in "".join(messages(reader))


@pytest.mark.parametrize("length", [16, 983_040])
def test_a_frame_that_is_cut_off_ends_with_its_invocation(reader, length):
    write(reader, b"before\n", b"\xa5\x5a\x00\x03" + length.to_bytes(4, "big") + bytes(8) + b"rest")
    assert messages(reader) == ["before\n", "rest\n"]
    write(reader, b"after\n")
    assert messages(reader) == ["after\n"]


def test_a_flood_of_tiny_lines_is_cut(reader):
    for _ in range(KEPT_EVENTS // 16_000 + 1):
        write(reader, b"a\n" * 16_000)
    found = messages(reader)
    assert len(found) == KEPT_EVENTS + 1
    assert "50,000 lines" in found[-1]


class Counted(bytes):
    """Bytes that add up how many of them are copied, or looked through."""

    work = 0

    def __radd__(self, before: bytes) -> Counted:
        return self._counted(before + bytes(self))

    def __getitem__(self, part):
        found = super().__getitem__(part)
        return self._counted(found) if isinstance(part, slice) else found

    def _counted(self, content: bytes) -> Counted:
        Counted.work += len(content)
        return Counted(content)


class CountedPattern:
    """FRAME, that adds up what it has looked through."""

    def search(self, buffer: bytes, at: int):
        found = FRAME.search(buffer, at)
        Counted.work += (found.end() if found else len(buffer)) - at
        return found


@pytest.mark.parametrize(
    "part",
    [frame(b"x"), frame(b""), b"\xa5\x5a\x00\x03\xff\xff\xff\xff", b"\xa5\x5a\x00", b"a\n"],
    ids=["frames", "empty frames", "no frames", "beginnings of frames", "lines"],
)
def test_a_flood_costs_as_much_as_it_is_long(reader, monkeypatch, part):
    monkeypatch.setattr(output, "FRAME", CountedPattern())
    monkeypatch.setattr(Counted, "work", 0)
    flood = part * (READ_BYTES // len(part))
    for _ in range(8):
        reader._parse(Counted(flood))
    assert Counted.work < 16 * 8 * len(flood)


def test_take_gives_each_event_once(reader):
    write(reader, b"one\n")
    assert messages(reader) == ["one\n"]
    assert messages(reader) == []
    write(reader, b"two\n")
    assert messages(reader) == ["two\n"]


def test_a_line_without_end_is_cut(reader):
    write(reader, b"x" * (LONGEST_EVENT + 10) + b"\n")
    found = messages(reader)
    assert max(map(len, found)) <= LONGEST_EVENT + 1
    assert sum(len(message.rstrip("\n")) for message in found) == LONGEST_EVENT + 10


def test_a_flood_is_cut_and_says_so(reader):
    line = b"x" * 1000 + b"\n"
    for _ in range(KEPT_BYTES // 1000 // 32 + 2):
        write(reader, line * 32)
    found = messages(reader)
    assert sum(map(len, found)) < KEPT_BYTES + 2000
    assert "keeps the first 16 MB" in found[-1]
    write(reader, b"next invocation\n")
    assert messages(reader) == ["next invocation\n"]


def test_closing_twice_and_reading_after_it(reader):
    reader.close()
    reader.close()
    assert reader.take() == []
