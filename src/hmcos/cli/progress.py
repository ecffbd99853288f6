"""The progress line of a search on a terminal."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from time import perf_counter
from typing import TYPE_CHECKING, Self

from hmcos.log import is_heard
from hmcos.words import short

if TYPE_CHECKING:
    from rich.status import Status

PATIENCE = 1.0
"""Seconds before the line appears."""
_PACE = 0.1
"""Seconds between two updates."""


class Progress:
    """An observer that shows a line on a terminal's standard error if the search takes a while."""

    def __init__(self, patience: float = PATIENCE) -> None:
        """Show nothing for the first seconds."""
        self._shown = sys.stderr.isatty() and not is_heard()  # lines of a log would tear it apart
        self._next = perf_counter() + patience
        self._line: Status | None = None
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Start the clock."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the line."""
        self._open.close()

    def progress(self, phase: str, peak: int, lower_bound: int, states: int) -> None:
        """Show the progress of the search, unless the line was updated a moment ago."""
        if not self._shown or perf_counter() < self._next:
            return
        self._next = perf_counter() + _PACE
        text = (
            f"{phase}: best {short(peak)}, bound {short(lower_bound)}, {states:,} states" if peak else phase
        )
        if self._line is None:
            from rich.console import Console  # noqa: PLC0415 (most searches end before the line appears)

            self._line = self._open.enter_context(Console(stderr=True).status(text))
        self._line.update(text)
