"""Tables that fit the terminal: columns narrow or vanish, or each row becomes a block; no word is torn."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Column, Table
from rich.text import Text

from hmcos.words import printable, shortened

_LEAST = 14
"""Characters to which a column of names may be narrowed, longer words losing their middle."""


def fitted(what: RenderableType) -> RenderableType:
    """Return what is shown, such that each table and sentence of it fits the width it is shown at.

    Paths (text without wrapping) stay whole, so that they can be copied.
    """
    if isinstance(what, Group):
        return Group(*map(fitted, what.renderables))
    if isinstance(what, Table):
        return Fitted(what)
    return Sentence(what) if isinstance(what, Text) and not what.no_wrap else what


def path_line(words: str) -> Text:
    """Return a line with a path in it, which stays whole."""
    return Text(printable(words), no_wrap=True, overflow="ignore")


@dataclass(frozen=True, slots=True)
class Sentence:
    """Text whose words are never torn: those wider than a line lose their middle."""

    text: Text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the text as it fits."""
        yield _without_long_words(self.text, options.max_width)


@dataclass(frozen=True, slots=True)
class _Shape:
    """A column of a table, measured."""

    column: Column
    heading: Text
    cells: tuple[Text, ...]

    @property
    def is_empty(self) -> bool:
        return not any(cell.plain.strip() for cell in self.cells)

    @property
    def widest(self) -> int:
        """Characters of its longest line."""
        return max(_longest_line(text) for text in (self.heading, *self.cells))

    @property
    def least(self) -> int:
        """Characters that it needs at least: numbers stay on their line, words lose at most their middle."""
        whole = self.column.justify == "right" or self.column.no_wrap
        cells = max(map(_longest_line if whole else _longest_word, self.cells), default=0)
        return max(_longest_word(self.heading), cells if whole else min(cells, _LEAST))


@dataclass(frozen=True, slots=True)
class Fitted:
    """A table that is drawn if its columns fit side by side, else row by row, each as a block."""

    table: Table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the table as it fits."""
        shapes = [_shape(console, column) for column in self.table.columns]
        kept = [s for i, s in enumerate(shapes) if not i or not self.table.row_count or not s.is_empty]
        room = options.max_width - 3 * len(kept) - 1  # a line and two blanks per column, and the last line
        if sum(shape.least for shape in kept) <= room:
            yield _drawn(self.table, kept, _widths(kept, room))
        else:
            yield from _stacked(console, kept, options.max_width)


def _shape(console: Console, column: Column) -> _Shape:
    def text(cell: RenderableType) -> Text:
        return cell if isinstance(cell, Text) else console.render_str(str(cell))

    return _Shape(column, text(column.header), tuple(map(text, column.cells)))


def _widths(shapes: Sequence[_Shape], room: int) -> list[int]:
    """Return a width per column: what it needs at least, and an even share of the room up to its widest."""
    widths = [shape.least for shape in shapes]
    while (left := room - sum(widths)) > 0:
        growing = [i for i, shape in enumerate(shapes) if widths[i] < shape.widest]
        if not growing:
            break
        for i in islice(growing, left):
            widths[i] += min(max(1, left // len(growing)), shapes[i].widest - widths[i])
    return widths


def _drawn(table: Table, shapes: Sequence[_Shape], widths: Sequence[int]) -> Table:
    made = Table(box=table.box)
    for shape, width in zip(shapes, widths, strict=True):
        made.add_column(shape.heading, justify=shape.column.justify, width=width)
    for row, about in enumerate(table.rows):
        cells = (_without_long_words(s.cells[row], width) for s, width in zip(shapes, widths, strict=True))
        made.add_row(*cells, end_section=about.end_section)
    return made


def _stacked(console: Console, shapes: Sequence[_Shape], width: int) -> Iterator[Text]:
    """Yield each row as a block: its first cell, and the others below it, each behind its heading."""
    first, *others = shapes
    headings = [" ".join(shape.heading.plain.split()) for shape in others]
    beside = max(map(len, headings), default=0)
    if first.heading.plain.strip():
        yield Text(" ".join(first.heading.plain.split()), style="bold")
    for row, title in enumerate(first.cells):
        yield _without_long_words(title, width)
        for shape, heading in zip(others, headings, strict=True):
            cell = Text(", ").join(shape.cells[row].split("\n"))
            if not cell.plain.strip():
                continue
            if 4 + beside + cell.cell_len <= width:
                yield Text(f"  {heading:<{beside}}  ").append_text(cell)
            else:
                yield Text(f"  {heading}")
                for line in _without_long_words(cell, width - 4).wrap(console, width - 4):
                    yield Text("    ").append_text(line)


def _longest_line(text: Text) -> int:
    return max((line.cell_len for line in text.split("\n", allow_blank=True)), default=0)


def _longest_word(text: Text) -> int:
    return max((Text(word).cell_len for word in text.plain.split()), default=0)


def _without_long_words(text: Text, width: int) -> Text:
    """Return the text with each word at most so wide; the styles of the others stay."""
    fitted_text = text.copy()
    for long in reversed([m for m in re.finditer(r"\S+", text.plain) if Text(m[0]).cell_len > width]):
        before, word, after = fitted_text.divide(long.span())
        word.plain = _narrowed(long[0], width)
        fitted_text = before.append_text(word).append_text(after)
    return fitted_text


def _narrowed(word: str, width: int) -> str:
    """Return a word without its middle, so narrow; letters may be two columns wide."""
    longest = width
    while Text(found := shortened(word, longest)).cell_len > width:
        longest -= 1
    return found
