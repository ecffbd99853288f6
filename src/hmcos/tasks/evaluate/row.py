"""A row: what was found out about one candidate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import inf
from typing import Any

from hmcos.errors import (
    HmcosError,
    InstanceError,
    ModelError,
    NotRunError,
    OptionError,
    OutputError,
    SizeError,
    TargetError,
    ToolError,
)
from hmcos.limits import Status
from hmcos.words import first_line, human, one_line

WORKER_DIED = "worker died"
OUT_OF_MEMORY = "out of memory"
NO_MODEL = "not a model"
NOT_SENT = "cannot be sent"
FAILED = "candidate failed"
INTERNAL = "internal error"

_KINDS: tuple[tuple[type[HmcosError], str], ...] = (
    (SizeError, "unknown sizes"),
    (ModelError, "wrong model"),
    (InstanceError, "wrong problem"),
    (TargetError, "wrong target"),
    (OptionError, "wrong option"),
    (ToolError, "missing tool"),
    (NotRunError, "not run"),
    (OutputError, "file error"),
)
"""Class of an error to what kind of failure it is; the first that fits."""


def failure(kind: str, words: str) -> str:
    """Return the error of a row: a kind of failure, by which rows are counted, and what went wrong."""
    return one_line(f"{kind}: {words}")


def not_sent(error: BaseException) -> str:
    """Return the error of a row whose candidate cannot be pickled, or cannot be unpickled by its worker."""
    hint = (
        ""
        if isinstance(error, HmcosError)
        else "; workers need a function of a module or a script, jobs=1 any"
    )
    return failure(NOT_SENT, f"{type(error).__name__}: {first_line(error)}{hint}")


def wrong_input(error: HmcosError) -> str:
    """Return the error of a row whose candidate is wrong input."""
    kind = next((words for known, words in _KINDS if isinstance(error, known)), "wrong input")
    return failure(kind, str(error))


@dataclass(frozen=True, slots=True)
class Figures:
    """What a search found out about a problem; sizes in bytes."""

    operators: int
    """Those that are scheduled."""
    given_peak: int
    """Of the order in which the network was given."""
    peak: int
    """Of the best order found."""
    lower_bound: int
    """Proved: no order has a lower peak."""
    arena: int | None
    """None where no arena was asked for."""
    status: Status


@dataclass(frozen=True, slots=True)
class Row:
    """What was found out about one candidate: its figures, or an error; sizes in bytes."""

    name: str
    """The path, the zoo name, the name given with the candidate, or `candidate-N`, counted from 0."""
    key: str
    """What the row is of, as `SUBJECT@REQUEST`: the sha256 of a file, the hash of a problem, or a name; and
    the hash of the request."""
    operators: int | None = None
    """Those that are scheduled; this and all other figures are None if there is an error."""
    given_peak: int | None = None
    """Of the order in which the network was given."""
    peak: int | None = None
    """Of the best order found."""
    lower_bound: int | None = None
    """Proved: no order has a lower peak."""
    arena: int | None = None
    """None where no arena was asked for."""
    status: Status | None = None
    seconds: float = 0.0
    """That reading, lowering and searching took; 0 if an equal problem was searched before."""
    error: str | None = None
    """A kind of failure and what went wrong, as `KIND: WORDS`; None if there are figures."""

    @property
    def fits(self) -> bool | None:
        """Whether the network fits the budget; None if that is not known, or there was no budget."""
        return {Status.FITS: True, Status.DOES_NOT_FIT: False}.get(self.status) if self.status else None

    @property
    def failure(self) -> str | None:
        """The kind of failure, such as `worker died`; None if there are figures."""
        return None if self.error is None else self.error.partition(": ")[0]

    def __repr__(self) -> str:
        if self.peak is None or self.status is None:
            return f"<Row {self.name}: {self.error}>"
        arena = "" if self.arena is None else f", arena {human(self.arena)}"
        return f"<Row {self.name}: peak {human(self.peak)}, {self.status}{arena}>"


FIELDS = tuple(field.name for field in fields(Row))
_FIGURES = ("operators", "given_peak", "peak", "lower_bound")
WHOLE = (*_FIGURES, "arena")
"""The fields that are whole numbers, or None."""


def row_of(name: str, key: str, found: Figures | str, seconds: float = 0.0) -> Row:
    """Return the row of a candidate with its figures, or with its error."""
    if isinstance(found, str):
        return Row(name, key, seconds=seconds, error=found)
    figures = {field.name: getattr(found, field.name) for field in fields(Figures)}
    return Row(name, key, **figures, seconds=seconds)


def row_record(row: Row) -> dict[str, object]:
    """Return a row as JSON and CSV hold it."""
    record: dict[str, object] = {name: getattr(row, name) for name in FIELDS}
    return record | {
        "status": None if row.status is None else str(row.status),
        "seconds": round(row.seconds, 6),
    }


def _is_size(value: object) -> bool:
    return type(value) is int and value >= 0


def read_row(record: Mapping[str, Any]) -> Row:
    """Return the row of a record.

    Raises:
        ValueError: a field is missing, unknown, or of the wrong kind.
    """
    if set(record) != set(FIELDS):
        raise ValueError("its fields are not those of a row")
    status, seconds, error = record["status"], record["seconds"], record["error"]
    wrong = [
        *(name for name in ("name", "key") if not isinstance(record[name], str)),
        *(name for name in WHOLE if not (record[name] is None or _is_size(record[name]))),
    ]
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 <= seconds < inf:
        wrong.append("seconds")
    if not (error is None or isinstance(error, str)):
        wrong.append("error")
    if wrong:
        raise ValueError(f"its field {wrong[0]} is of the wrong kind")
    figures = [record[name] for name in (*_FIGURES, "status")]
    if any(figure is None for figure in figures) if error is None else figures != [None] * len(figures):
        raise ValueError("it has neither figures nor an error")
    if error is None and not record["lower_bound"] <= record["peak"] <= record["given_peak"]:
        raise ValueError("its figures contradict each other")
    values: dict[str, Any] = dict(record)
    values["status"] = None if status is None else Status(status)
    return Row(**values)
