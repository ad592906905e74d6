"""Single key presses from a terminal."""

from __future__ import annotations

import os
import re
import select
import sys
import time
from collections import deque
from functools import partial
from types import TracebackType
from typing import Any

from jaxenv.errors import NoTerminalError

_SEQUENCE = re.compile(rb"\x1b[\[O][0-9;]*[A-Za-z~]|.", re.DOTALL)
_NAMES = {b"A": "up", b"B": "down", b"C": "right", b"D": "left"}


class Keyboard:
    """Reads keys one by one, without Enter and without an echo, while it is open as a context manager.

    Raises:
        NoTerminalError: standard input is no terminal, or the system knows no terminals.
    """

    def __enter__(self) -> Keyboard:
        """Take over the terminal."""
        try:
            import termios
            import tty
        except ImportError as error:
            raise NoTerminalError from error
        try:
            self._file = sys.stdin.fileno()
            before: Any = termios.tcgetattr(self._file)
        except (OSError, ValueError, termios.error) as error:
            raise NoTerminalError from error
        tty.setcbreak(self._file)
        self._restore = partial(termios.tcsetattr, self._file, termios.TCSADRAIN, before)
        self._pressed: deque[str] = deque()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        """Give the terminal back as it was."""
        self._restore()

    def read(self, timeout: float | None = None) -> str | None:
        """Return the next key: a character, ``space``, ``left``, ``right``, ``up``, ``down`` or ``escape``.

        Waits for ``timeout`` seconds at most, forever if it is None, and returns None if no key was pressed.
        """
        if not self._pressed:
            ready, _, _ = select.select([self._file], [], [], timeout)
            if ready:
                data = os.read(self._file, 1024)
                if not data:
                    raise NoTerminalError
                self._pressed.extend(filter(None, map(_name, _SEQUENCE.findall(data))))
        return self._pressed.popleft() if self._pressed else None

    def latest(self, seconds: float) -> str | None:
        """Wait for ``seconds`` and return the last key that was pressed meanwhile, None if there was none."""
        end, last = time.monotonic() + seconds, None
        while (left := end - time.monotonic()) > 0.0 or self._pressed:
            last = self.read(max(left, 0.0)) or last
        return last


def _name(sequence: bytes) -> str | None:
    if len(sequence) > 1:
        return _NAMES.get(sequence[-1:])
    return {b" ": "space", b"\x1b": "escape"}.get(sequence, sequence.decode("ascii", "ignore").lower())
