"""Targets: which tensors may share memory on a runtime, read from a TOML file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from functools import cache
from os import PathLike
from pathlib import Path
from typing import cast

from hmcos.errors import TargetError, UnknownTargetError
from hmcos.graph.kinds import STANDARD_DOMAINS
from hmcos.graph.strings import STRING_BYTES
from hmcos.memory.problem import LARGEST
from hmcos.memory.toml_file import toml_in
from hmcos.words import meant

_FOLDER = Path(__file__).with_name("targets")
_TARGET_KEYS = (
    *("alignment", "overwrite_inputs", "string_bytes", "views", "overwrite"),
    *("scratch", "kernels", "floor"),
)
_RULE_KEYS = ("kinds", "inputs", "condition")
_SCRATCH_KEYS = ("kinds", "operators", "unknown")
_PER_MODEL = "tflm"
"""The target whose scratch per operator is computed for each model, by the kernels of the runtime."""
_OF_KERNELS = frozenset({"scratch_of_operator", "unknown_scratch", "floor"})
"""What is computed for each model."""


class Condition(StrEnum):
    """What an input and the output that overwrites it must have in common."""

    SAME_SHAPE = "same-shape"
    """The shape and the element width."""
    SAME_SIZE = "same-size"
    """The number of bytes."""


@dataclass(frozen=True, slots=True)
class Overwrite:
    """Which inputs an operator may overwrite with its output."""

    positions: tuple[int, ...] | None
    """Positions among the operator's inputs; None for all of them."""
    first: bool
    """Only the first input that meets the condition."""
    condition: Condition


@dataclass(frozen=True)
class Target:
    """What may share memory on one runtime. Kinds outside the standard domain are written domain:kind."""

    name: str
    alignment: int
    """Bytes; all sizes are rounded up to a multiple of it."""
    overwrite_inputs: bool
    """Whether inputs of the network may be overwritten."""
    views: frozenset[str]
    """Kinds whose output is a view of their first input, under another shape."""
    overwrite: Mapping[str, Overwrite]
    """The rule of each kind that may overwrite an input."""
    scratch_of_kind: Mapping[str, int]
    """Kind to the bytes that each of its operators needs while it runs."""
    scratch_of_operator: Mapping[str, int]
    """Operator name to the bytes that it needs while it runs, in addition to those of its kind."""
    data: Mapping[str, object]
    """The content of the file, as read."""
    kernels: str = ""
    """The name of the kernels whose scratch is added per operator, for formats whose runtimes are built with
    kernels of choice; empty for those of the format, if it has any."""
    string_bytes: int = STRING_BYTES
    """Bytes that each string counts."""
    unknown_scratch: tuple[str, ...] = ()
    """Operators of which it is not known what their kernels need; they count as if that were nothing."""
    floor: int = 0
    """Bytes that the memory has at least, whatever runs: for tensors that no operator uses."""

    def with_floor(self, needed: int) -> Target:
        """Return the target with the bytes that a model needs at least; those of the target may be more."""
        floor = max(self.floor, needed)
        return replace(self, floor=floor, data={**self.data, "floor": floor}) if floor else self

    def with_scratch(self, needed: Mapping[str, int | None]) -> Target:
        """Return the target with what the kernels of a model's operators need, by name; None for unknown.

        What the target says of an operator itself replaces that.
        """
        own = self.scratch_of_operator
        known = {name: size for name, size in needed.items() if size is not None}
        unknown = tuple(name for name, size in needed.items() if size is None and name not in own)
        scratch = {**_table(self.data.get("scratch", {}), "scratch"), "operators": {**known, **own}}
        scratch |= {"unknown": [*unknown]} if unknown else {}
        data = {**self.data, "kernels": self.kernels, "scratch": scratch}
        return replace(self, scratch_of_operator={**known, **own}, unknown_scratch=unknown, data=data)


def kind_name(kind: str, domain: str) -> str:
    """Return an operator type as targets write it: a kind of the standard domain, or domain:kind."""
    return kind if domain in STANDARD_DOMAINS else f"{domain}:{kind}"


def target_names() -> tuple[str, ...]:
    """Return the names of the targets that are shipped, the default first."""
    shipped = sorted(path.stem for path in _FOLDER.glob("*.toml"))
    return tuple(sorted(shipped, key=lambda name: name != "default"))


def load_target(name_or_path: str | Path) -> Target:
    """Return the shipped target of a name, or the target in a TOML file.

    Raises:
        TargetError: there is neither, or the file breaks a rule; names file and key.
    """
    name = str(name_or_path)
    if name in target_names():
        return _read(name, _FOLDER / f"{name}.toml")
    path = Path(name_or_path)
    # Unlike Path.is_file, os.path.isfile does not fail for names that are too long for a file.
    if path.suffix != ".toml" and not os.path.isfile(path):  # noqa: PTH113
        known = target_names()
        raise UnknownTargetError(
            f"no target is called {name!r}; there are {', '.join(known)}, or a FILE.toml.{meant(name, known)}"
        )
    return _read(name, path)


def _read(name: str, path: Path) -> Target:
    return _parsed(name, toml_in(path, "a target", TargetError), str(path))


def target_called(target: str | PathLike[str] | Target) -> Target:
    """Return a target: itself, the shipped one of this name, or the one in a TOML file.

    Raises:
        TargetError: there is no target of this name, its file is wrong, or it has the name of a shipped
            target but other rules.
    """
    if isinstance(target, Target):
        check_name(target)
        return target
    return _shipped(str(target)) if target in _names() else load_target(os.fspath(target))


@cache
def _names() -> frozenset[str]:
    return frozenset(target_names())


@cache
def _shipped(name: str) -> Target:
    """Return a shipped target; it is read only once, since callers may ask for it thousands of times."""
    return load_target(name)


def check_name(target: Target) -> None:
    """Check that a target with the name of a shipped one has the same rules.

    The kernels may be chosen, and the scratch per operator of the target tflm is computed for each model.

    Raises:
        TargetError: a rule differs; names the first such rule.
    """
    if target.name not in target_names():
        return
    shipped = _shipped(target.name)
    for rule in fields(Target):
        if rule.name in ("data", "kernels") or (target.name == _PER_MODEL and rule.name in _OF_KERNELS):
            continue
        if getattr(target, rule.name) != getattr(shipped, rule.name):
            raise TargetError(
                f"hmcos ships a target called {target.name!r}, whose {rule.name} differs from this one's; "
                "give this one a name of its own"
            )


def parse_target(name: str, data: Mapping[str, object], file: str) -> Target:
    """Return the target that the content of a TOML file describes; errors name it `file`.

    Raises:
        TargetError: a key is unknown, a value is of the wrong type, or the name is that of a shipped target
            with other rules; names file and key.
    """
    target = _parsed(name, data, file)
    try:
        check_name(target)
    except TargetError as error:
        raise TargetError(f"{file}: {error}") from None
    return target


def _parsed(name: str, data: Mapping[str, object], file: str) -> Target:
    try:
        _check_keys(data, _TARGET_KEYS, "")
        views = frozenset(_texts(data.get("views", []), "views"))
        overwrite = _overwrite(data.get("overwrite", []))
        for kind in sorted(views & overwrite.keys()):
            raise TargetError(f"views and overwrite both list kind {kind!r}; a view never overwrites")
        scratch = _table(data.get("scratch", {}), "scratch")
        _check_keys(scratch, _SCRATCH_KEYS, "scratch.")
        return Target(
            name=name,
            alignment=_integer(data.get("alignment", 1), "alignment", 1),
            overwrite_inputs=_flag(data.get("overwrite_inputs", True), "overwrite_inputs"),
            views=views,
            overwrite=overwrite,
            scratch_of_kind=_bytes(scratch.get("kinds", {}), "scratch.kinds"),
            scratch_of_operator=_bytes(scratch.get("operators", {}), "scratch.operators"),
            data=data,
            string_bytes=_integer(data.get("string_bytes", STRING_BYTES), "string_bytes", 1),
            kernels=_text(data.get("kernels", ""), "kernels"),
            unknown_scratch=tuple(_texts(scratch.get("unknown", []), "scratch.unknown")),
            floor=_integer(data.get("floor", 0), "floor", 0),
        )
    except TargetError as error:
        raise TargetError(f"{file}: {error}") from None


def _overwrite(value: object) -> dict[str, Overwrite]:
    if not isinstance(value, list):
        raise TargetError("overwrite must be a list of tables, written [[overwrite]]")
    rules: dict[str, Overwrite] = {}
    for number, item in enumerate(cast(list[object], value)):
        key = f"overwrite[{number}]"
        table = _table(item, key)
        _check_keys(table, _RULE_KEYS, f"{key}.")
        if "kinds" not in table:
            raise TargetError(f"{key}.kinds is missing")
        rule = _rule(table, key)
        for kind in _texts(table["kinds"], f"{key}.kinds"):
            if kind in rules:
                raise TargetError(f"{key}.kinds lists {kind!r}, which already has a rule")
            rules[kind] = rule
    return rules


def _rule(table: Mapping[str, object], key: str) -> Overwrite:
    inputs, condition = table.get("inputs", "any"), table.get("condition", "same-shape")
    if condition not in tuple(Condition):
        raise TargetError(f"{key}.condition must be one of {', '.join(Condition)}, not {condition!r}")
    positions: tuple[int, ...] | None = None
    if isinstance(inputs, list):
        listed = cast(list[object], inputs)
        positions = tuple(_integer(item, f"{key}.inputs", 0) for item in listed)
    elif inputs not in ("any", "first"):
        raise TargetError(f'{key}.inputs must be "any", "first" or a list of positions, not {inputs!r}')
    return Overwrite(positions, inputs == "first", Condition(cast(str, condition)))


def _check_keys(table: Mapping[str, object], known: Iterable[str], prefix: str) -> None:
    for key in table:
        if key not in known:
            raise TargetError(f"unknown key {prefix + key!r}; there are {', '.join(known)}")


def _table(value: object, key: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise TargetError(f"{key} must be a table, not {value!r}")
    return cast(dict[str, object], value)


def _text(value: object, key: str) -> str:
    if not isinstance(value, str):
        raise TargetError(f"{key} must be a name, not {value!r}")
    return value


def _texts(value: object, key: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in cast(list[object], value)):
        raise TargetError(f"{key} must be a list of operator kinds, not {value!r}")
    return tuple(cast(list[str], value))


def _integer(value: object, key: str, least: int) -> int:
    if type(value) is not int or not least <= value < LARGEST:
        raise TargetError(f"{key} must be an integer of at least {least}, not {value!r}")
    return value


def _flag(value: object, key: str) -> bool:
    if not isinstance(value, bool):
        raise TargetError(f"{key} must be true or false, not {value!r}")
    return value


def _bytes(value: object, key: str) -> dict[str, int]:
    table = _table(value, key)
    return {name: _integer(size, f"{key}.{name}", 0) for name, size in table.items()}
