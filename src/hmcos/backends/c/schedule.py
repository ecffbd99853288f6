"""The order of steps as bytes: what repeats is written once, wherever it comes again.

Steps become runs of rows of one operator, each told by how far its operator and its first row are from those
of the run before. A token begins with one byte: below `SHORT` the number of a run in a table; below `ESCAPE`
a single row, whose operator is `token - MIDDLE` from that before, and whose place is in the next byte;
`ESCAPE` a run in numbers; `AGAIN` and `TIMES` tokens from further ahead (how many bytes back, how many
tokens, and for `TIMES` how often); `END` the end. Tokens that come again may be such, to a small depth.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

SHORT, MIDDLE, ESCAPE, AGAIN, TIMES, END = 128, 190, 252, 253, 254, 255
DEPTH = 4
"""How deep tokens that come again may be nested; the code keeps a place for each level."""
_STARTS = 400
"""Places, the latest, at which an earlier part with the same first run is looked for."""
_COUNTED = 4
"""Runs that come less often as tokens of their own are not worth the three bytes in the table."""


class Run(NamedTuple):
    """Steps of one operator for successive rows, told from the run before."""

    operator: int
    first: int
    rows: int


class _Token(NamedTuple):
    """A run, or a number of tokens from `source` on that come again so many times."""

    run: Run | None
    source: int
    number: int
    times: int
    length: int
    """Runs that it stands for."""
    depth: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule as bytes, and the table of runs that they number."""

    content: bytes
    runs: tuple[Run, ...]

    @property
    def size(self) -> int:
        """Bytes of both."""
        return len(self.content) + 3 * len(self.runs)


def encoded(steps: Sequence[tuple[int, int]]) -> Schedule:
    """Return a schedule, of operators and rows, as bytes."""
    tokens = _Folding(runs_of(steps)).tokens()
    counts = Counter(token.run for token in tokens if token.run is not None and _is_small(token.run))
    common = [run for run, number in counts.most_common(SHORT) if number >= _COUNTED]
    number_of = {run: k for k, run in enumerate(common)}
    places, content = list[int](), bytearray()
    for token in tokens:
        places.append(len(content))
        if token.run is None:
            content.append(AGAIN if token.times == 1 else TIMES)
            content += _bytes(places[-1] - places[token.source]) + _bytes(token.number)
            content += b"" if token.times == 1 else _bytes(token.times)
        elif token.run in number_of:
            content.append(number_of[token.run])
        else:
            content += _literal(token.run)
    return Schedule(bytes(content) + bytes([END]), tuple(common))


def runs_of(steps: Sequence[tuple[int, int]]) -> list[Run]:
    """Return steps as runs."""
    found: list[Run] = []
    for operator, row in steps:
        if found and found[-1].operator == operator and row == found[-1].first + found[-1].rows:
            found[-1] = found[-1]._replace(rows=found[-1].rows + 1)
        else:
            found.append(Run(operator, row, 1))
    before = [Run(0, 0, 0), *found]
    return [
        Run(run.operator - last.operator, run.first - last.first, run.rows)
        for last, run in zip(before, found, strict=False)
    ]


def _literal(run: Run) -> bytes:
    if _is_small(run) and run.rows == 1 and SHORT <= MIDDLE + run.operator < ESCAPE:
        return bytes([MIDDLE + run.operator, run.first & 255])
    operator, first, rows = run
    return bytes([ESCAPE]) + _bytes(_unsigned(operator)) + _bytes(_unsigned(first)) + _bytes(rows)


def _is_small(run: Run) -> bool:
    return -128 <= run.operator < 128 and -128 <= run.first < 128 and run.rows < 256


def _unsigned(number: int) -> int:
    """Return a number with its sign as the lowest bit."""
    return 2 * number if number >= 0 else -2 * number - 1


def _bytes(number: int) -> bytes:
    """Return a number, seven bits a byte, the low ones first."""
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


@dataclass
class _Folding:
    """Runs on their way to tokens, from the front on."""

    runs: list[Run]
    made: list[_Token] = field(default_factory=list[_Token])
    begins: list[int] = field(default_factory=list[int])
    """Per token the number of its first run."""
    starts: dict[Run, list[int]] = field(default_factory=dict[Run, list[int]])
    """Run to the tokens that begin with it."""

    def tokens(self) -> list[_Token]:
        """Return the tokens."""
        at = 0
        while at < len(self.runs):
            token = self._again(at) or _Token(self.runs[at], 0, 0, 1, 1, 0)
            self.starts.setdefault(self.runs[at], []).append(len(self.made))
            self.made.append(token)
            self.begins.append(at)
            at += token.length
        return self.made

    def _again(self, at: int) -> _Token | None:
        """Return the earlier tokens that stand for most runs from one on; None if they save nothing."""
        best: _Token | None = None
        for source in self.starts.get(self.runs[at], [])[-_STARTS:]:
            token = self._matched(source, at)
            if token is not None and (best is None or token.length > best.length):
                best = token
        return best if best is not None and best.length > 4 else None

    def _matched(self, source: int, at: int) -> _Token | None:
        """Return the most tokens from `source` on whose runs come again."""
        number = length = depth = 0
        for token, begin in zip(self.made[source:], self.begins[source:], strict=True):
            end = at + length + token.length
            if (
                token.depth + 1 >= DEPTH
                or self.runs[begin : begin + token.length] != self.runs[at + length : end]
            ):
                break
            number, length, depth = number + 1, length + token.length, max(depth, token.depth + 1)
        if not number:
            return None
        times = 1
        if source + number == len(self.made):  # the whole rest so far: it may come again and again
            pattern = self.runs[at : at + length]
            while self.runs[at + times * length : at + (times + 1) * length] == pattern:
                times += 1
        return _Token(None, source, number, times, times * length, depth)
