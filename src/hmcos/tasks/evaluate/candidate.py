"""Candidates: what may be evaluated, what each is called, and what it is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from os import PathLike
from typing import Any, cast

from hmcos.frontends.loading import can_read
from hmcos.frontends.model import Model
from hmcos.memory.problem import Problem
from hmcos.network.opening import ZOO, Openable
from hmcos.words import printable

Content = Openable | Callable[[], Openable]
"""What can be evaluated; a function is called by the worker."""


class Kind(Enum):
    """What a candidate is."""

    FILE = auto()
    ZOO = auto()
    IN_MEMORY = auto()
    """A problem, or a model that a frontend can read."""
    FUNCTION = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A network to evaluate, and its name."""

    name: str
    content: object

    @property
    def kind(self) -> Kind:
        """What it is."""
        return kind_of(self.content)


def candidate_of(number: int, item: object) -> Candidate:
    """Return what was given as a candidate with its name; `number` is its place among all, from 0."""
    if isinstance(item, tuple):
        pair = cast("tuple[object, ...]", item)
        if len(pair) == 2 and isinstance(pair[0], str):
            return Candidate(printable(pair[0]), _plain(pair[1]))
    content = _plain(cast("object", item))
    path = path_of(content)
    return Candidate(f"candidate-{number}" if path is None else printable(path), content)


def files_of(items: Iterable[object]) -> Iterator[str]:
    """Yield the paths of the candidates that are files."""
    for number, item in enumerate(items):
        candidate = candidate_of(number, item)
        if candidate.kind is Kind.FILE:
            yield str(candidate.content)


def path_of(content: object) -> str | None:
    """Return the text of a path or a zoo name; None for all else."""
    if not isinstance(content, str | PathLike):
        return None
    try:
        return str.__str__(os.fsdecode(cast("PathLike[str]", content)))
    except Exception:  # its class may be anybody's
        return None


def _plain(content: object) -> object:
    """Return a path as text: an entry of a folder cannot be sent, for one; and all else as it is."""
    path = path_of(content)
    return content if path is None else path


def kind_of(content: object) -> Kind:
    """Return what a value is that was given as a candidate, or that the function of one returned."""
    try:
        return _kind(content)
    except Exception:  # its class may be anybody's
        return Kind.UNKNOWN


def _kind(content: object) -> Kind:
    path = path_of(content)
    if path is not None:
        return Kind.ZOO if path.startswith(ZOO) else Kind.FILE
    if isinstance(content, PathLike):
        return Kind.UNKNOWN
    if isinstance(content, Problem | Model) or can_read(content):
        return Kind.IN_MEMORY
    return Kind.FUNCTION if callable(content) and not _is_torch(type(content)) else Kind.UNKNOWN


def _is_torch(kind: type[Any]) -> bool:
    return any(str(each.__module__).startswith("torch.nn.") for each in kind.__mro__)


def what_it_is(content: object) -> str:
    """Return words for a value that is no candidate."""
    kind: type[Any] = type(content)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    way_out = (
        "export it by torch.export.export(module, inputs)"
        if _is_torch(kind)
        else "candidates are paths, zoo names, models and problems, functions that return one, and pairs of"
        " a name and one of these"
    )
    return f"it is of the type {module}{kind.__qualname__}; {way_out}"


def as_openable(content: object) -> Openable:
    """Return a value that is known to be a model, typed as one."""
    return cast("Openable", _plain(content))
