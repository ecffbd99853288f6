"""Format sizes for people, and make text from files safe to print."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

LONGEST = 200
"""Most characters of a value (a name, a path, an option) in a message."""
LONGEST_LINE = 3 * LONGEST
"""Most characters of a message, which may contain several values."""
# Both patterns run in linear time on any text: with backtracking, 50,000 spaces, or as many quotes behind
# backslashes, took minutes.
_SPACE = re.compile(r"\s+")
_QUOTED = re.compile(r"""(?<!\w)(?:'[^'\\]*+(?:\\.[^'\\]*+)*+'?|"[^"\\]*+(?:\\.[^"\\]*+)*+"?)""")
"""A quoted value, or everything after a quote that is never closed."""
_WORD = re.compile(r"\S+")


def printable(text: str) -> str:
    """Return the text with all control characters, including line ends, as escapes."""
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )


def shortened(text: str, longest: int) -> str:
    """Return the text, shortened to at most `longest` characters by an ellipsis in the middle.

    Names from files mostly differ at their ends: paths, and fused operators such as "a;b;c".
    """
    if len(text) <= longest:
        return text
    kept = max(0, longest - 1)
    return f"{text[: (kept + 1) // 2]}…{text[len(text) - kept // 2 :]}"


def one_line(message: str) -> str:
    """Return a message as one line of at most 600 characters, even if it repeats long values.

    Quoted values and words without spaces are shortened to 200 characters, then the whole line to 600. The
    middle is removed: a line starts with the place of the fault and ends with the way out.
    """
    line = printable(_SPACE.sub(_unbroken, message.strip()))
    if len(line) <= LONGEST:
        return line
    for part in (_QUOTED, _WORD):
        line = part.sub(lambda match: _cut(match[0]), line)
    return shortened(line, LONGEST_LINE)


def shown(value: object) -> str:
    """Return the `repr` of a value of any class, or its class if that has none, as an int of 5,000 digits."""
    try:
        return repr(value)
    except Exception:  # its class may be anybody's
        return f"a value of the type {type(value).__name__}"


def first_line(error: BaseException) -> str:
    """Return the first line of the message of an error, or its class if it has none."""
    try:
        told = str(error)
    except Exception:  # its class may be anybody's
        told = ""
    return told.strip().partition("\n")[0] or type(error).__name__


def _unbroken(space: re.Match[str]) -> str:
    return " " if "\n" in space[0] or "\r" in space[0] else space[0]


def _cut(value: str) -> str:
    """Return a value shortened, followed by the punctuation of the message after it."""
    end = value[-1] if value[-1] in ":;,." else ""
    return shortened(value.removesuffix(end), LONGEST) + end


def meant(word: str, known: Iterable[str]) -> str:
    """Return a question that suggests the known words closest to a wrong one; empty if none is close."""
    close = difflib.get_close_matches(word[:LONGEST], [*known])
    return f" Did you mean {' or '.join(map(repr, close))}?" if close else ""


def human(size: int) -> str:
    """Return bytes with thousands separators, and in binary units from 1 KiB on."""
    return f"{size:,} B" if size < 1024 else f"{size:,} B = {short(size)}"


def short(size: int) -> str:
    """Return bytes in the largest binary unit that is not above them, such as 1.50 MiB."""
    for power, unit in ((3, "GiB"), (2, "MiB"), (1, "KiB")):
        if size >= 1024**power:
            # Halves are rounded up, as in the script of the page, which shows the same sizes.
            hundredths = (200 * size + 1024**power) // (2 * 1024**power)
            return f"{hundredths // 100}.{hundredths % 100:02} {unit}"
    return f"{size} B"
