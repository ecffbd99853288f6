"""Laws of row plans: the plan of every network holds, and no changed field goes unnoticed."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import hmcos
from hmcos.backends.c.naming import Naming
from hmcos.errors import HmcosError, PlanError
from hmcos.frontends.loading import format_called
from hmcos.frontends.tflite.reading import model_in
from hmcos.limits import Limits, Watch
from hmcos.network.streaming import program_of
from hmcos.plan.file.row_file import read_row_plan
from hmcos.plan.plan import Source
from hmcos.streaming.program import Feeding, Rows
from hmcos.tasks.compile.row_planning import program_of_plan, row_plan_of
from hmcos.verify.rows.row_checks import check_row_plan
from int8_networks import random_network
from row_networks import compiled, record_of

Place = tuple[str | int, ...]
"""Keys and indices that lead to a value in a plan file."""

REPEATED: tuple[Place, ...] = (
    ("source", "name"),
    ("source", "absolute"),
    ("source", "relative"),
    ("seconds",),
    ("outputs",),
    ("drive",),
    ("cuts",),
    ("rounded_to",),
)
"""Fields on which nothing depends (docs/verify.md)."""
BELIEVED: tuple[Place, ...] = (("lower_bound",), ("arena_lower_bound",), ("whole",), ("status",))
"""Figures that only a search can prove."""
VALUES: tuple[object, ...] = (
    *(None, True, 1.5, -1, 0, 1, 2, 2**31, 2**70, 10**400, "x", "\0", "rows", "sum", "optimal"),
    *(list[int](), [0], [[0, 1, 0]], [[1, 0, 1, 1, 1]], dict[str, int](), {"x": 1}),
)
"""What may stand in place of any value."""


@pytest.mark.slow
@settings(max_examples=60)
@given(seed=st.integers(0, 10**6), feeding=st.sampled_from(Feeding), alignment=st.sampled_from((1, 1, 4)))
@example(seed=247, feeding=Feeding.WHOLE, alignment=1)  # sums of which no step runs
def test_the_plan_of_every_network_holds(seed: int, feeding: Feeding, alignment: int) -> None:
    model = model_in(random_network(Random(seed), 7), Path("net.tflite"))
    try:
        program = program_of(model, Rows(feeding, alignment), Limits(states=2_000), Watch())
    except HmcosError as error:
        assert "only a single one can come by rows" in str(error)
        return
    plan = row_plan_of(program, Source("net.tflite", "tflite"), model.graph, Naming("net"))
    checks = check_row_plan(model.graph, format_called(model.format).rows(model), plan)
    assert [check.words for check in checks if not check.held] == []
    again = program_of_plan(model, plan)
    assert (again.operators, again.steps, again.tensors) == (
        program.operators,
        program.steps,
        program.tensors,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("rows")
    for seed in (0, 6, 13):
        for feeding in Feeding:
            compiled(place / f"{seed}{feeding}", seed, feeding)
    return place


@pytest.mark.slow
@settings(max_examples=150)
@given(
    network=st.sampled_from((0, 6, 13)),
    feeding=st.sampled_from(Feeding),
    rng=st.randoms(use_true_random=False),
)
def test_no_changed_field_goes_unnoticed(folder: Path, network: int, feeding: Feeding, rng: Random) -> None:
    place = folder / f"{network}{feeding}"
    plan = read_row_plan(place / "net.plan.json")
    record = record_of(plan)
    where = drawn_place(record, rng)
    changed = with_change(record, where, rng)
    if json.dumps(changed) == json.dumps(record):
        return
    other = place / "changed.json"
    other.write_text(json.dumps(changed))
    try:
        read = read_row_plan(other)
    except PlanError as error:
        assert str(error).startswith(f"{other}: "), error
        assert "\n" not in str(error)
        return
    # Without a compiler, all that can be counted is.
    found = hmcos.verify(place / "net.tflite", read, cc="no-such-compiler")
    faults = [check for check in found.checks if not check.held and check.name != "compiler"]
    is_same = replace(read, files=plan.files) == plan  # other words for the same, such as other runs
    is_told_again = any(where[: len(one)] == one for one in (*REPEATED, *BELIEVED))
    assert faults or is_same or is_told_again, (where, found)


def drawn_place(record: object, rng: Random) -> Place:
    """Return the place of a value, as likely near the top as deep down."""
    found: list[str | int] = []
    here = record
    while isinstance(here, dict | list) and here:
        if found and rng.random() < 0.15:
            break
        known = cast("dict[str, object] | list[object]", here)
        key: Any = rng.choice(list(known) if isinstance(known, dict) else range(len(known)))
        found.append(key)
        here = cast("Any", known)[key]
    return tuple(found)


def with_change(record: dict[str, Any], where: Place, rng: Random) -> dict[str, Any]:
    """Return a record with another value at a place: near the old one, of any kind, or none."""
    changed = copy.deepcopy(record)
    inside: Any = changed
    for key in where[:-1]:
        inside = inside[key]
    key: Any = where[-1]
    old = inside[key]
    choice = rng.randrange(4)
    if choice == 0 and isinstance(inside, list):
        cast("list[object]", inside).insert(key, copy.deepcopy(old))
    elif choice == 0:
        del inside[key]
    elif choice <= 2 and isinstance(old, int) and not isinstance(old, bool):
        inside[key] = old + rng.choice((-64, -2, -1, 1, 2, 16, 64))
    elif choice <= 2 and isinstance(old, list):
        rng.shuffle(cast("list[object]", old))
    else:
        inside[key] = rng.choice(VALUES)
    return changed
