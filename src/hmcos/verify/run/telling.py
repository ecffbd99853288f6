"""What the process that runs models tells the one that started it, line by line.

A runtime may end the process at any moment. So every check is told as soon as it is made, and every part of
the work before it begins: from the last part begun the other process knows what the model did not survive.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import cast

from hmcos.verify.checks import Answer, Check


class Part(StrEnum):
    """A part of the work."""

    LOADING = "the loading of the source"
    SOURCE = "the source"
    RESULT = "the result"
    APART = "an operator by itself"
    ARENA = "an operator in the arena"


ON_TRIAL = frozenset({Part.RESULT, Part.ARENA})
"""Parts that begin only after the same has run on the source: if they do not end, the result is to blame."""

Begin = Callable[[Part], None]
"""Is told every part before it begins."""


def nobody(part: Part) -> None:
    """Tell nobody that a part begins."""


@dataclass
class Told:
    """What was told."""

    checks: list[Check] = field(default_factory=list[Check])
    part: Part | None = None
    """The last part that began."""


class Teller:
    """Sends lines that `told` reads."""

    def __init__(self, send: Callable[[bytes], object]) -> None:
        self._send = send

    def begin(self, part: Part) -> None:
        """Tell that a part of the work begins."""
        self._line({"begin": part})

    def check(self, check: Check) -> None:
        """Tell how a check went."""
        self._line({"check": check.name, "answer": check.answer, "words": check.words})

    def _line(self, record: dict[str, str]) -> None:
        self._send(json.dumps(record).encode() + b"\n")


def told(lines: bytes) -> Told:
    """Return what lines tell; the last one may be cut off."""
    found = Told()
    for line in lines.splitlines():
        try:
            record = cast("dict[str, str]", json.loads(line))
        except ValueError:
            break
        if "begin" in record:
            found.part = Part(record["begin"])
        else:
            found.checks.append(Check(record["check"], Answer(record["answer"]), record["words"]))
    return found
