"""Laws of plan files: every plan agrees with itself, and no changed field goes unnoticed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import ModelProto, parser

import hmcos
from hmcos.allocation.planner_table import names as allocator_names
from hmcos.memory.problem import Problem
from hmcos.memory.target import Target, parse_target, target_names
from hmcos.network.opening import open_source
from hmcos.plan.agreement import disagreements
from hmcos.plan.file.plan_file import plan_text, read_plan
from hmcos.schedulers.scheduler_table import names as scheduler_names
from hmcos.tasks.schedule.recheck import checks_at_rest
from property.changed_plans import Place, as_read, drawn_place, told, value_at, with_change
from property.model_strategies import models
from property.strategies import generators, problems, random_problem
from unit.verify.faults import HEAD

BODY = """net (bool go, float[4] x) => (float[4] y)
{
  a = Relu(x)
  b = Exp(x)
  c = If (go) <
    then_branch = yes () => (float[4] t) { s = Add(a, b) r = Sqrt(s) t = Add(r, s) },
    else_branch = no () => (float[4] e) { e = Mul(a, b) }
  >
  y = Neg(c)
}"""

REPEATED: tuple[Place, ...] = (
    ("source", "name"),
    ("scheduler",),
    ("states",),
    ("search_seconds",),
    ("seconds",),
    ("outputs",),
    ("arena", "allocator"),
    ("arena_seconds",),
)
"""Fields that are only told again: nothing about memory follows from them (docs/verify.md)."""
BELIEVED: tuple[Place, ...] = (
    ("lower_bound",),
    ("arena", "lower_bound"),
    ("largest_first_arena",),
    ("budget",),
)
"""Figures that only a search can prove. Where one of them settles a status, it cannot be changed alone."""
UNDECIDED = {"feasible", "time limit", "state limit", "interrupted"}
"""Statuses that prove nothing: they tell why the search ended."""


@given(
    problem=problems(),
    options=st.fixed_dictionaries(
        {
            "scheduler": st.sampled_from(scheduler_names()),
            "budget": st.none() | st.integers(0, 60),
            "allocator": st.sampled_from((None, *allocator_names())),
            "minimize": st.sampled_from(("peak", "arena")),
            "state_limit": st.none() | st.integers(1, 10),
            "external_io": st.booleans(),
            "alignment": st.sampled_from((None, 4)),
        }
    ),
)
def test_every_plan_agrees_with_itself_and_its_source(problem: Problem, options: dict[str, Any]) -> None:
    plan = hmcos.schedule(problem, **options)
    with TemporaryDirectory() as folder:
        (Path(folder) / "plan.json").write_text(plan_text(plan))
        assert plan_text(read_plan(Path(folder) / "plan.json")) == plan_text(plan)
    assert list(disagreements(plan)) == []
    assert all(check.held for check in checks_at_rest(open_source(problem), plan))


@pytest.mark.slow
def test_an_order_that_fits_is_not_given_away_for_a_smaller_arena() -> None:
    """A plan said that it fits, though the peak of its order was above the budget."""
    rng = Random(163)
    problem = random_problem(rng, rng.randint(20, 40))
    budget = hmcos.schedule(problem).peak
    plan = hmcos.schedule(problem, budget=budget, allocator="auto", minimize="arena", seed=163)
    assert list(disagreements(plan)) == []
    assert (plan.status, plan.peak <= budget) == ("fits", True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plans")


@pytest.mark.slow
@settings(max_examples=60)
@given(
    model=models() | st.just(parser.parse_model(HEAD + BODY)),
    target=st.sampled_from(("default", "none", "onnxruntime")),
    scheduler=st.sampled_from(("optimal", "given")),
    alignment=st.sampled_from((None, 16)),
    rng=generators(),
)
def test_no_changed_field_goes_unnoticed(
    folder: Path, model: ModelProto, target: str, scheduler: str, alignment: int | None, rng: Random
) -> None:
    plan = hmcos.schedule(model, target=target, scheduler=scheduler, alignment=alignment)
    record = cast("dict[str, Any]", json.loads(plan_text(plan)))
    assert told(folder, model, record) == ""
    for _ in range(5):
        place = drawn_place(record, rng)
        changed = with_change(record, place, rng)
        if changed == record:
            continue
        words = told(folder, model, changed)
        assert words or is_harmless(folder, place, (record, changed)), (place, value_at(changed, place))
        assert not words or names(words, place, record), (place, words)


def is_harmless(folder: Path, place: Place, pair: tuple[Mapping[str, Any], Mapping[str, Any]]) -> bool:
    """Return whether a plan with this change claims nothing that is wrong, or nothing that can be checked."""
    record, changed = pair
    key, last = place[0], place[-1]
    if as_read(folder, record) == as_read(folder, changed):
        return True
    if key == "target":
        # A name of one's own for rules that are written down, or rules that make no difference here.
        own = changed["target"]["name"] not in target_names()
        same = rules_of(record) == rules_of(changed)
        return own or (same and ("data" in place or "arena" not in record))
    return (
        any(place[: len(told_again)] == told_again for told_again in REPEATED)
        or (place in BELIEVED and (place != ("lower_bound",) or changed["status"] != "optimal"))
        or (last == "status" and {value_at(record, place), value_at(changed, place)} <= UNDECIDED)
        or (key == "bodies" and last == "lower_bound" and changed["status"] != "optimal")
        # Another place, where a buffer meets nobody either; or a wider alignment, which all have.
        or (key == "buffers" and last == "offset")
        or place == ("arena", "alignment")
        # The same rows in another order that is as good.
        or (place in (("crest", "tensors"), ("bodies",)) and same_rows(place, record, changed))
    )


def rules_of(record: Mapping[str, Any]) -> Target:
    """Return what the target of a plan allows, however it is written."""
    return replace(parse_target("any", record["target"]["data"], "plan"), data={})


def same_rows(place: Place, record: Mapping[str, Any], changed: Mapping[str, Any]) -> bool:
    one, other = (sorted(map(json.dumps, value_at(r, place))) for r in (record, changed))
    return one == other


def names(words: str, place: Place, record: Mapping[str, Any]) -> bool:
    """Return whether words say which field is wrong: its key, or the step, operator or buffer it is of."""
    keys = [str(key) for key in place if isinstance(key, str)]
    said = {
        "lower_bound": "lower bound",
        "order": "operator",
        "scheduled_order": "order",
        "operators": "operator",
        "memory": "step",
        "crest": "peak",
        "peak": "peak",
        "bodies": "node ",
        "buffers": "arena",
        "tensors": "place",
        "source": "made for",
        "budget": "budget",
        "target": "claims",
    }
    hints = [said[key] for key in keys if key in said]
    if place[0] == "buffers":
        hints += ["life", "overlap", "in its place", "there is no buffer"]
    if place[0] == "buffers" and len(place) > 1:
        hints += [repr(record["buffers"][place[1]]["name"])]
    return any(hint in words for hint in (*keys, *hints))
