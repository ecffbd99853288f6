"""The constants of a C file: arrays that stand in it once, and how many bytes they take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap

_BYTES = {"int8_t": 1, "uint8_t": 1, "uint16_t": 2, "int16_t": 2, "int32_t": 4, "uint32_t": 4, "float": 4}
_LEAST = {-(2**31): "(-2147483647 - 1)"}
"""Numbers that C would read as a minus before a number that is too large."""


class Constants:
    """Arrays and structures in the making, each content once."""

    def __init__(self, section: str = "") -> None:
        self.section = section
        """The macro that places constants, with a space behind it; empty for none."""
        self.lines: list[str] = []
        self.sizes: dict[str, int] = {}
        """What the bytes are for, such as `weights`, to how many there are; pointers count as four bytes."""
        self._names: dict[tuple[str, str], str] = {}
        self._numbers: dict[str, int] = {}

    def array(self, element: str, numbers: Sequence[object], stem: str, purpose: str) -> str:
        """Return the name of an array of an element type: a new one, or one of the same content."""
        text = ", ".join(map(literal, numbers))
        body = "\n".join(wrap(text, 106, break_long_words=False, break_on_hyphens=False))
        size = _BYTES.get(element, 4) * len(numbers)
        return self._named(f"{element} const", f"[{len(numbers)}]", "{\n" + body + "}", stem, {purpose: size})

    def value(self, kind: str, body: str, stem: str, sizes: Mapping[str, int]) -> str:
        """Return the name of a structure with such a body, that takes so many bytes per purpose."""
        return self._named(f"{kind} const", "", body, stem, sizes)

    def _named(self, kind: str, dims: str, body: str, stem: str, sizes: Mapping[str, int]) -> str:
        known = self._names.get((kind + dims, body))
        if known is not None:
            return known
        number = self._numbers[stem] = self._numbers.get(stem, -1) + 1
        name = self._names[kind + dims, body] = f"hm_{stem}_{number}"
        self.lines.append(f"static {kind} {self.section}{name}{dims} = {body};")
        for purpose, size in sizes.items():
            self.sizes[purpose] = self.sizes.get(purpose, 0) + size
        return name


def literal(number: object) -> str:
    """Return a number as C writes it."""
    return _LEAST.get(number, str(number)) if isinstance(number, int) else str(number)
