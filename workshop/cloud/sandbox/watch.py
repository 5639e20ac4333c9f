"""One thread that waits for every socket and pipe of the sandboxes, whatever their number."""

from __future__ import annotations

import contextlib
import queue
import selectors
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

OUT_OF_FILES_S = 0.05  # a pause before the next try where no file can be opened
Serve = Callable[[socket.socket, tuple[str, int]], None]


class Watch:
    """Calls back, in a thread of its own, when something can be read.

    What is called returns soon. A file is closed in this thread, too, so that none is closed
    while it is waited for.
    """

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._orders: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._wake_from, self._wake = socket.socketpair()
        self._wake_from.setblocking(False)
        self._selector.register(self._wake_from, selectors.EVENT_READ, self._obey)
        self._closed = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="sandbox-watch", daemon=True)
        self._thread.start()

    def readable(self, file: Any, call: Callable[[], None]) -> None:
        """Calls `call()` as often as `file` (a socket or a descriptor) can be read."""
        self._order(lambda: self._register(file, call))

    def accept(self, listener: socket.socket, serve: Serve) -> None:
        """Calls `serve(connection, address)` for each connection to a listening socket."""
        listener.setblocking(False)
        self.readable(listener, lambda: _accept(listener, serve))

    def forget(self, file: Any, close: Callable[[], None]) -> None:
        """Waits for `file` no more, then calls `close()`."""

        def order() -> None:
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(file)
            close()

        self._order(order)

    def close(self) -> None:
        """Ends the thread; what it waited for is the caller's to close."""
        self._order(self._end)
        self._thread.join(timeout=5)

    def _end(self) -> None:
        self._closed = True

    def _register(self, file: Any, call: Callable[[], None]) -> None:
        with contextlib.suppress(KeyError, ValueError, OSError):  # it was closed before this came
            self._selector.register(file, selectors.EVENT_READ, call)

    def _waits_for(self, key: selectors.SelectorKey) -> bool:
        """Whether what was called before, in the same round, has not forgotten it."""
        with contextlib.suppress(KeyError, ValueError):
            return self._selector.get_key(key.fileobj) is key
        return False

    def _order(self, order: Callable[[], None]) -> None:
        with self._lock:
            if not self._closed and threading.current_thread() is not self._thread:
                self._orders.put(order)
                with contextlib.suppress(BlockingIOError):
                    self._wake.send(b".")
                return
        order()

    def _obey(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._wake_from.recv(4096)
        with contextlib.suppress(queue.Empty):
            while True:
                _guarded(self._orders.get_nowait())

    def _work(self) -> None:
        while not self._closed:
            for key, _ in self._selector.select():
                if self._waits_for(key) and not _guarded(key.data):
                    with contextlib.suppress(KeyError, ValueError):
                        self._selector.unregister(key.fileobj)
        with self._lock:
            self._obey()
        self._selector.close()
        self._wake.close()
        self._wake_from.close()


def _guarded(call: Callable[[], None]) -> bool:
    """Calls; False if it raised, which is printed: one sandbox's trouble is not the others'."""
    try:
        call()
    except Exception:
        with contextlib.suppress(Exception):
            traceback.print_exc(file=sys.stderr)
        return False
    return True


def _accept(listener: socket.socket, serve: Serve) -> None:
    try:
        connection, address = listener.accept()
    except BlockingIOError:
        return
    except OSError:
        time.sleep(OUT_OF_FILES_S)
        return
    connection.setblocking(True)
    serve(connection, address)
