"""What is asked of every candidate of a run, and its hash, which rows carry so that a run can be resumed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from hashlib import sha256

from hmcos.tasks.request import Request
from hmcos.version import __version__

_DIGITS = 16
"""Hexadecimal digits of the hash in a key: enough to tell requests apart."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of every candidate, the hash of it, and what a worker may take to answer it."""

    request: Request
    digest: str
    memory: int | None = None
    """Bytes that a worker may take, as far as it is limited."""


def question_of(request: Request, memory: int | None) -> Question:
    """Return the question of a request.

    Its hash depends on the version: another one may find other orders where a search is cut short.
    """
    target = request.target
    asked = (
        __version__,
        target.data,
        target.alignment,
        request.scheduler,
        sorted(request.bind.items()),
        asdict(request.limits),
        request.alignment,
        request.external_io,
        request.arena and asdict(request.arena),
    )
    text = json.dumps(asked, sort_keys=True, default=str)
    return Question(request, sha256(text.encode()).hexdigest()[:_DIGITS], memory)
