"""Read the fields of JSON objects, each with a check of its type."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf, isfinite
from pathlib import Path
from typing import Self, cast

from hmcos.errors import PlanError
from hmcos.files import read_ordinary

MOST = 2**100
"""The largest integer allowed in a plan; it leaves room for sums of sizes, each below 2**63."""


@dataclass(frozen=True, slots=True)
class Fields:
    """One JSON object of a file; every method raises a PlanError that names file and key."""

    values: Mapping[str, object]
    file: str
    path: str = ""
    """The keys that lead to the object, each followed by a dot."""

    @classmethod
    def of(cls, value: object, file: str, path: str = "") -> Self:
        """Return the fields of a value that must be an object."""
        if not isinstance(value, dict):
            place = f"{path.rstrip('.')}: " if path else ""
            raise PlanError(f"{file}: {place}must be an object, not {_kind(value)}")
        return cls(cast(dict[str, object], value), file, path)

    def where(self, key: str) -> str:
        """Return file and full key, for messages."""
        return f"{self.file}: {self.path}{key}"

    def text(self, key: str) -> str:
        """Return a field that must be text."""
        return self._text(key, self._value(key))

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a field that must be a list of texts."""
        return tuple(self._text(f"{key}[{i}]", v) for i, v in enumerate(self._list(key)))

    def text_or_none(self, key: str) -> str | None:
        """Return a field that must be text or null."""
        return None if self._value(key) is None else self.text(key)

    def flag(self, key: str) -> bool:
        """Return a field that must be true or false."""
        value = self._value(key)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false", value)
        return value

    def number(self, key: str, lowest: int = 0) -> int:
        """Return a field that must be an integer, at least `lowest` and at most `MOST`."""
        return self._integer(key, self._value(key), lowest)

    def number_or_none(self, key: str) -> int | None:
        """Return a field that must be an integer of at least 0, or null."""
        return None if self._value(key) is None else self.number(key)

    def real(self, key: str) -> float:
        """Return a field that must be a finite number, at least 0."""
        value = self._value(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(key, "a number of at least 0", value)
        try:
            number = float(value)
        except OverflowError:
            number = inf
        if not isfinite(number) or number < 0:
            raise self._wrong(key, "a number of at least 0", value)
        return number

    def numbers(self, key: str) -> tuple[int, ...]:
        """Return a field that must be a list of integers, each at least 0."""
        return tuple(self._integer(f"{key}[{i}]", v, 0) for i, v in enumerate(self._list(key)))

    def rows(self, key: str, length: int) -> list[tuple[int, ...]]:
        """Return a field that must be a list of lists of so many integers, of any sign up to `MOST`."""
        found: list[tuple[int, ...]] = []
        for i, value in enumerate(self._list(key)):
            row = cast(list[object], value) if isinstance(value, list) else list[object]()
            if len(row) != length:
                kind = _kind(cast(object, value))
                raise PlanError(f"{self.where(key)}[{i}]: must be a list of {length} integers, not {kind}")
            found.append(tuple(self._integer(f"{key}[{i}][{k}]", v, -MOST) for k, v in enumerate(row)))
        return found

    def is_null(self, key: str) -> bool:
        """Return whether a field is null; it must be there."""
        return self._value(key) is None

    def part(self, key: str) -> Self:
        """Return a field that must be an object."""
        return self.of(self._value(key), self.file, f"{self.path}{key}.")

    def parts(self, key: str) -> list[Self]:
        """Return a field that must be a list of objects."""
        return [self.of(v, self.file, f"{self.path}{key}[{i}].") for i, v in enumerate(self._list(key))]

    def _value(self, key: str) -> object:
        if key not in self.values:
            raise PlanError(f"{self.where(key)}: is missing")
        return self.values[key]

    def _list(self, key: str) -> list[object]:
        value = self._value(key)
        if not isinstance(value, list):
            raise self._wrong(key, "a list", value)
        return cast(list[object], value)

    def _integer(self, key: str, value: object, lowest: int) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < lowest:
            raise self._wrong(key, f"an integer of at least {lowest}", value)
        if value > MOST:
            raise self._wrong(key, "an integer of at most 2**100", value)
        return value

    def _text(self, key: str, value: object) -> str:
        if not isinstance(value, str):
            raise self._wrong(key, "text", value)
        return value

    def _wrong(self, key: str, wanted: str, value: object) -> PlanError:
        return PlanError(f"{self.where(key)}: must be {wanted}, not {_kind(value)}")


def fields_in(path: str | Path) -> Fields:
    """Return the fields of the object in a JSON file.

    Raises:
        PlanError: the file cannot be read, or holds no object; names it.
    """
    try:
        text = read_ordinary(path).decode("utf-8")
    except OSError as error:
        raise PlanError(f"{path}: cannot read the plan: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise PlanError(f"{path}: not a plan: not text in UTF-8") from error
    try:
        values: object = json.loads(text, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise PlanError(f"{path}: not a plan, or cut off: {str(error) or 'nested too deeply'}") from error
    return Fields.of(values, str(path))


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members: dict[str, object] = {}
    for name, value in pairs:
        if name in members:
            raise ValueError(f"key {name!r} appears twice in one object")
        members[name] = value
    return members


def _kind(value: object) -> str:
    """Return a short description of a JSON value; numbers and flags as they are."""
    if value is None:
        return "null"
    if isinstance(value, bool | int | float):
        return str(value).lower()[:40]
    if isinstance(value, str):
        return "text"
    return "a list" if isinstance(value, list) else "an object"


def expecting(way_out: str) -> Callable[[bool, Fields, str, str], None]:
    """Return a check that a rule holds for a field; its PlanError ends with a way out."""

    def expect(holds: bool, fields: Fields, key: str, rule: str) -> None:
        if not holds:
            raise PlanError(f"{fields.where(key)}: {rule}; {way_out}")

    return expect
