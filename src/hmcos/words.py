"""Sizes for people, and words from files made safe to print."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

LONGEST = 200
"""Characters of a value (a name, a path, an option) that a message repeats."""
LONGEST_LINE = 3 * LONGEST
"""Characters of a message, in which several values may stand."""
# Each looks at every character once, whatever stands in a file: a search that starts again behind a match
# that failed took minutes for 50,000 spaces, or for as many quotes behind backslashes.
_SPACE = re.compile(r"\s+")
_QUOTED = re.compile(r"""(?<!\w)(?:'[^'\\]*+(?:\\.[^'\\]*+)*+'?|"[^"\\]*+(?:\\.[^"\\]*+)*+"?)""")
"""A quoted value, or all behind a quote that is never closed."""
_WORD = re.compile(r"\S+")


def printable(text: str) -> str:
    """Return the text with everything a terminal might obey, line ends included, as escapes."""
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )


def shortened(text: str, longest: int) -> str:
    """Return a text of at most so many characters: the middle of a longer one becomes an ellipsis.

    The middle goes because names from files differ at their ends: paths, and fused operators such as "a;b;c".
    """
    if len(text) <= longest:
        return text
    kept = max(0, longest - 1)
    return f"{text[: (kept + 1) // 2]}…{text[len(text) - kept // 2 :]}"


def one_line(message: str) -> str:
    """Return a message on one line of at most 600 characters, whatever values it repeats.

    What is quoted, and what holds no space, is cut to 200 characters; then the line as a whole. Cut is the
    middle: a line begins with where the fault is, and ends with the way out.
    """
    line = printable(_SPACE.sub(_unbroken, message.strip()))
    if len(line) <= LONGEST:
        return line
    for part in (_QUOTED, _WORD):
        line = part.sub(lambda found: _cut(found[0]), line)
    return shortened(line, LONGEST_LINE)


def _unbroken(space: re.Match[str]) -> str:
    return " " if "\n" in space[0] or "\r" in space[0] else space[0]


def _cut(value: str) -> str:
    """Return a value that is short enough, with the punctuation of the message behind it."""
    end = value[-1] if value[-1] in ":;,." else ""
    return shortened(value.removesuffix(end), LONGEST) + end


def meant(word: str, known: Iterable[str]) -> str:
    """Return a question after the known words that are most like a wrong one; empty when none is like it."""
    close = difflib.get_close_matches(word[:LONGEST], [*known])
    return f" Did you mean {' or '.join(map(repr, close))}?" if close else ""


def human(size: int) -> str:
    """Return bytes with thousands separators, and in binary units from 1 KiB on."""
    return f"{size:,} B" if size < 1024 else f"{size:,} B = {short(size)}"


def short(size: int) -> str:
    """Return bytes in the binary unit that is easiest to grasp."""
    for power, unit in ((3, "GiB"), (2, "MiB"), (1, "KiB")):
        if size >= 1024**power:
            # Halves go up, as in the script of the page, which tells the same sizes.
            hundredths = (200 * size + 1024**power) // (2 * 1024**power)
            return f"{hundredths // 100}.{hundredths % 100:02} {unit}"
    return f"{size} B"
