"""Words from files, made safe to print."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return the text with everything a terminal might obey, line ends included, as escapes."""
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )
