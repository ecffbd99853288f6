"""What a format calls the operators that a rewrite adds; by itself, since every format is loaded with it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spelling:
    """What a format calls the operators that a rewrite adds."""

    cut: str = "Slice"
    pad: str = "Pad"
    pad_with: str = "Pad"
    """Padding with another value than zero."""
    concat: str = "Concat"
    most_parts: int | None = None
    """The most tensors that one operator can put together; None for any number."""

    def kinds(self) -> tuple[str, ...]:
        """Return all of them, each once."""
        return tuple(dict.fromkeys((self.cut, self.pad, self.pad_with, self.concat)))
