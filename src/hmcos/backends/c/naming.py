"""What the generated code calls its functions, and where it puts its bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from hmcos.errors import OptionError

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_SECTION = re.compile(r"[A-Za-z0-9_.$,]+\Z")
_C = (
    "auto break case char const continue default do double else enum extern float for goto if inline int",
    "long register restrict return short signed sizeof static struct switch typedef union unsigned void",
    "volatile while class namespace new delete this template operator private public protected virtual main",
)
_HEADERS = (
    "assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg",
    "stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string strings tgmath threads time uchar",
    "unistd wchar wctype",
)
_KEYWORDS = frozenset(word for line in _C for word in line.split())
"""Names that C or C++ take."""
_STANDARD = frozenset(word for line in _HEADERS for word in line.split())
"""Headers of C, which NAME.h would replace."""


class Kernels(StrEnum):
    """Whose functions compute rows."""

    PLAIN = "plain"
    """Those in the generated code."""
    CMSIS_NN = "cmsis-nn"
    """CMSIS-NN's, for the operators that it has."""


@dataclass(frozen=True, slots=True)
class Naming:
    """Names in the generated code."""

    name: str = "model"
    """The beginning of its functions and, in capitals, of its macros."""
    flash: str = ""
    """The section of constants; empty for the compiler's choice."""
    ram: str = ""
    """The section of the arena."""

    def __post_init__(self) -> None:
        if not _IDENTIFIER.match(self.name) or self.name in _KEYWORDS:
            raise OptionError(f"--name {self.name!r} is not a name in C: use letters, digits and _")
        if self.name.lower() in _STANDARD:
            raise OptionError(f"--name {self.name!r} is that of a header of C; use another")
        for section in (self.flash, self.ram):
            if section and not _SECTION.match(section):
                raise OptionError(f"--section {section!r} is not the name of a section")
        if self.flash and self.flash == self.ram:
            raise OptionError(f"--section {self.ram!r} cannot hold both constants and the arena; name two")

    @property
    def macro(self) -> str:
        """The beginning of macros."""
        return self.name.upper()


def name_for(stem: str) -> str:
    """Return a name for a file's stem: what C does not allow becomes an underscore."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", stem).strip("_")
    name = name if name[:1].isalpha() else f"model_{name}"
    return f"{name}_model" if name in _KEYWORDS or name.lower() in _STANDARD else name
