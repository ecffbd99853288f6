"""Plan files with one value changed, and what is said against them."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from math import inf, nan
from pathlib import Path
from random import Random
from typing import Any, cast

from onnx import ModelProto

from hmcos.errors import PlanError
from hmcos.network.opening import open_source
from hmcos.plan.file.plan_file import read_claims, read_plan
from hmcos.plan.plan import Plan
from hmcos.tasks.schedule.recheck import checks_at_rest
from hmcos.verify.checks import Check
from hmcos.verify.plan_checks import check_source

Place = tuple[str | int, ...]
"""Keys and indices that lead to a value in a plan file."""

TYPES: tuple[object, ...] = (
    *(None, True, 1.5, -1, 2**70, 10**400, inf, nan, "x", "\0", "\ud800"),
    *(list[int](), [0], [[0]], dict[str, int](), {"x": 1}),
)
"""What may stand in place of any value."""
WORDS = ("y", "t1", "none", "default", "optimal", "feasible", "fits", "does not fit", "time limit")


def told(folder: Path, model: ModelProto, record: Mapping[str, object]) -> str:
    """Return what is said against a plan file, empty when everything that needs no running holds."""
    path = folder / "plan.json"
    path.write_text(json.dumps(record))
    try:
        plan = read_claims(path)
    except PlanError as error:
        return str(error)
    words = next((check.words for check in at_rest(model, plan) if not check.held), "")
    try:
        read_plan(path)
    except PlanError:
        assert words, "read_plan must not refuse what verify accepts"
    return words


def as_read(folder: Path, record: Mapping[str, object]) -> Plan:
    path = folder / "plan.json"
    path.write_text(json.dumps(record))
    return read_claims(path)


def at_rest(model: ModelProto, plan: Plan) -> list[Check]:
    opened = open_source(model)
    source = check_source(opened.source, plan)
    return [source, *checks_at_rest(opened, plan)] if source.held else [source]


def drawn_place(record: Mapping[str, Any], rng: Random) -> Place:
    """Return the place of a value, containers included; every key of the file is equally likely."""
    place: list[str | int] = [rng.choice(list(record))]
    value: object = record[cast(str, place[0])]
    while isinstance(value, dict | list) and value and rng.random() < 0.9:
        inner = cast("dict[str, Any] | list[Any]", value)
        place.append(rng.choice(list(inner)) if isinstance(inner, dict) else rng.randrange(len(inner)))
        value = cast(Any, inner)[place[-1]]
    return tuple(place)


def value_at(record: Any, place: Place) -> Any:
    for key in place:
        record = record[key]
    return record


def with_change(record: dict[str, Any], place: Place, rng: Random) -> dict[str, Any]:
    """Return the record with one value changed: in its type, in its size, or in what it holds."""
    changed = copy.deepcopy(record)
    holder = value_at(changed, place[:-1])
    holder[place[-1]] = _changed(holder[place[-1]], rng)
    return changed


def _changed(value: Any, rng: Random) -> Any:
    if rng.random() < 0.3:
        return rng.choice(TYPES)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return max(0, value + rng.choice((-64, -16, -1, 1, 16, 64, value)))
    if isinstance(value, list) and len(cast("list[Any]", value)) > 1:
        listed = cast("list[Any]", value)
        i, j = sorted(rng.sample(range(len(listed)), 2))
        return rng.choice(
            (
                listed[:-1],
                [*listed, listed[i]],
                [*listed[:i], listed[j], *listed[i + 1 : j], listed[i], *listed[j + 1 :]],
            )
        )
    if isinstance(value, dict) and value:
        fields = cast("dict[str, Any]", value)
        gone = rng.choice(list(fields))
        return {key: fields[key] for key in fields if key != gone}
    return rng.choice(WORDS)
