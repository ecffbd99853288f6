"""Messages from the process that runs models to its parent, one JSON object per line.

A runtime may crash the process at any moment. So the process sends every check as soon as it is made, and
names every part of the work before it begins: after a crash, the last part named is the one that crashed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, cast

from hmcos.verify.checks import Answer, Check


class RunPart(StrEnum):
    """A part of the work."""

    LOADING = "the loading of the source"
    SOURCE = "the source"
    RESULT = "the result"
    APART = "an operator by itself"
    ARENA = "an operator in the arena"


ON_TRIAL = frozenset({RunPart.RESULT, RunPart.ARENA})
"""Parts that begin after the same has succeeded with the source: a crash in them is the result's fault."""

Begin = Callable[[RunPart], None]
"""Called with every part before it begins."""


def nobody(part: RunPart) -> None:
    """Ignore that a part begins."""


@dataclass
class Told:
    """The messages of a process."""

    checks: list[Check] = field(default_factory=list[Check])
    part: RunPart | None = None
    """The last part that began."""


class Teller:
    """Sends messages that `told` reads."""

    def __init__(self, send: Callable[[bytes], object]) -> None:
        self._send = send

    def begin(self, part: RunPart) -> None:
        """Send that a part of the work begins."""
        self._line({"begin": part})

    def check(self, check: Check) -> None:
        """Send a check."""
        record = {"check": check.name, "answer": check.answer, "words": check.words}
        self._line(record | {"memory": check.memory})

    def _line(self, record: Mapping[str, object]) -> None:
        self._send(json.dumps(record).encode() + b"\n")


def told(lines: bytes) -> Told:
    """Return the messages in lines; the last line may be cut off."""
    messages = Told()
    for line in lines.splitlines():
        try:
            record = cast("dict[str, Any]", json.loads(line))
        except ValueError:
            break
        if "begin" in record:
            messages.part = RunPart(record["begin"])
        else:
            answer = Answer(record["answer"])
            messages.checks.append(Check(record["check"], answer, record["words"], record["memory"]))
    return messages
