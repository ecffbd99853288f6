"""Ctrl-C: the first one stops the search, the second one aborts."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType
from typing import Self


class Interruption:
    """A block in which the first SIGINT is only noted; the second raises KeyboardInterrupt."""

    def __init__(self, words: str = "the best so far is the result (again to drop it)") -> None:
        """Say with which words the first SIGINT is answered."""
        self._words = words
        self._happened = False
        self._before: signal.Handlers | object = signal.SIG_DFL

    def happened(self) -> bool:
        """Return whether there was a SIGINT."""
        return self._happened

    def __enter__(self) -> Self:
        """Install the handler; only the main thread may."""
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        """Restore the previous handler of SIGINT."""
        if threading.current_thread() is threading.main_thread() and callable(self._before):
            signal.signal(signal.SIGINT, self._before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._happened:
            raise KeyboardInterrupt
        self._happened = True
        print(f"hmcos: stopping; {self._words}", file=sys.stderr)
