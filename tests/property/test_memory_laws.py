"""Laws of several memories: the least traffic is the least, and plans say what is true of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import ModelProto

import hmcos
from hmcos.allocation.exact.constraint import Effort
from hmcos.allocation.memories.model import Aim, assignment
from hmcos.allocation.memories.question import question
from hmcos.allocation.memories.rules import ALL_RULES
from hmcos.allocation.memories.solver import assign
from hmcos.allocation.memories.spreading import spread, traffic_bound
from hmcos.limits import Limits, Status, Watch
from hmcos.memory.lifetimes import Life, lifetimes
from hmcos.memory.problem import Problem
from hmcos.memory.traffic import traffic
from hmcos.network.opening import open_source
from hmcos.plan.agreement import disagreements
from hmcos.plan.file.plan_file import plan_text, read_plan
from hmcos.plan.memory_blocks import MemoryBlock
from hmcos.tasks.schedule.recheck import checks_at_rest
from property.changed_plans import Place, drawn_place, told, with_change
from property.memory_trials import RULES, drawn_question, faults_of, least_traffic, moved
from property.model_strategies import models
from property.strategies import generators, problems

BLOCK = 2 * len(RULES)


@pytest.mark.parametrize("first", [0, BLOCK])
def test_the_least_traffic_is_found_and_proved(first: int) -> None:
    wrong = {number: found for number in range(first, first + BLOCK) if (found := faults_of(number))}
    assert wrong == {}


@pytest.mark.slow
@pytest.mark.parametrize("first", range(2 * BLOCK, 16 * BLOCK, BLOCK))
def test_the_least_traffic_is_found_and_proved_in_more_cases(first: int) -> None:
    test_the_least_traffic_is_found_and_proved(first)


def blocks() -> st.SearchStrategy[list[MemoryBlock]]:
    def build(first: list[int], last: int | None) -> list[MemoryBlock]:
        return [MemoryBlock(f"memory {k}", size) for k, size in enumerate([*first, last])]

    return st.builds(build, st.lists(st.integers(0, 60), max_size=2), st.none() | st.integers(0, 200))


@given(
    problem=problems(),
    memories=blocks(),
    options=st.fixed_dictionaries(
        {
            "scheduler": st.sampled_from(("optimal", "given", "rpo")),
            "external_io": st.booleans(),
            "alignment": st.sampled_from((None, 4)),
        }
    ),
)
def test_every_plan_agrees_with_itself_and_its_source(
    problem: Problem, memories: list[MemoryBlock], options: dict[str, Any]
) -> None:
    plan = hmcos.schedule(problem, memories=memories, **options)
    with TemporaryDirectory() as folder:
        (Path(folder) / "plan.json").write_text(plan_text(plan))
        assert plan_text(read_plan(Path(folder) / "plan.json")) == plan_text(plan)
    assert list(disagreements(plan)) == []
    assert [check.words for check in checks_at_rest(open_source(problem), plan) if not check.held] == []


@pytest.mark.slow
@settings(max_examples=60)
@given(
    model=models(),
    memories=blocks(),
    target=st.sampled_from(("default", "none", "onnxruntime", "hmcos")),
    external_io=st.booleans(),
)
def test_what_moves_is_counted_the_same_in_models(
    model: ModelProto, memories: list[MemoryBlock], target: str, external_io: bool
) -> None:
    plan = hmcos.schedule(model, target=target, memories=memories, external_io=external_io)
    assert [check.words for check in checks_at_rest(open_source(model), plan) if not check.held] == []


@given(problem=problems(), rng=generators())
def test_traffic_is_what_operators_and_the_caller_write_and_read(problem: Problem, rng: Random) -> None:
    order = range(problem.operators)
    lives = lifetimes(problem, order)
    written = dict.fromkeys(range(len(problem.sizes)), 0)
    read = dict(written)
    for b in problem.inputs:
        written[b] += 1
    for op in order:
        made = problem.makes[op]
        for b in made:
            written[b] += 1
        if not made or any(problem.sizes[b] for b in made) or set(made) & set(problem.kept):
            for b in problem.reads[op]:
                read[b] += 1
    for b in problem.kept:
        read[b] += 1
    for life, moves in zip(lives, traffic(problem, lives), strict=True):
        times = 2 if life.buffer is None else written[life.buffer] + read[life.buffer]
        assert moves == life.size * times


@given(rng=generators())
def test_a_larger_memory_never_means_more_traffic(rng: Random) -> None:
    asked = drawn_question(rng, most=5)
    first = asked.blocks[0]
    if first.capacity is None or any(
        asked.lives.demand(i).offset is not None for i in range(len(asked.traffic))
    ):
        return
    larger = replace(first, capacity=first.capacity + rng.randint(1, 4))
    wider = question(
        asked.lives.lives,
        asked.traffic,
        (larger, *asked.blocks[1:]),
        asked.lives.alignment,
        asked.lives.demands,
    )
    before, after = (spread(each, Limits(), Watch()) for each in (asked, wider))
    if before.fits:
        assert after.fits and after.slower <= before.slower


@given(rng=generators())
def test_a_bound_without_a_search_is_a_bound(rng: Random) -> None:
    asked = drawn_question(rng, most=5)
    least = least_traffic(asked)
    if least:
        assert traffic_bound(asked) <= least[0]


@given(rng=generators())
def test_a_search_gives_the_same_answer_twice(rng: Random) -> None:
    asked, limits = drawn_question(rng), Limits(states=rng.choice((0, 150, 10_000)))
    one, other = (replace(spread(asked, limits, Watch()), seconds=0.0) for _ in range(2))
    assert one == other
    assert one.status is not Status.OPTIMAL or one.lower_bounds == moved(one)


@pytest.mark.slow
@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    work=st.sampled_from((1e-9, 1e-4, 1e-3)),
    near=st.none() | st.integers(0, 999),
)
def test_the_bound_of_a_solver_that_was_stopped_is_a_bound(seed: int, work: float, near: int | None) -> None:
    rng = Random(seed)
    spans = [(birth := rng.randrange(40), birth + rng.randint(1, 25)) for _ in range(rng.randint(20, 80))]
    lives = [Life(birth, death, rng.randint(1, 1000), None) for birth, death in spans]
    load = max(sum(life.size for life in lives if life.birth <= t < life.death) for t in range(65))
    memories = [MemoryBlock("fast", load // rng.choice((2, 3, 4))), MemoryBlock("slow", None)]
    asked = question(lives, [life.size * rng.randint(2, 6) for life in lives], memories)
    model = assignment(asked, range(len(asked.items)))
    closed = assign(model, [], Aim([], None), ALL_RULES, Effort(5.0, 600.0))
    least, below = closed.bound, None if near is None else closed.bound + near
    stopped = assign(model, [], Aim([], below), ALL_RULES, Effort(work, 600.0))
    if below == least:
        assert stopped.memory is None
    else:
        assert not stopped.infeasible
        assert stopped.bound <= least


BELIEVED: tuple[Place, ...] = (
    ("memories", "states"),
    ("memories", "orders"),
    ("memories", "whole"),
    ("memories", "whole_lower_bound"),
    ("memories", "traffic_bounds"),
    ("memories", "alignment"),
    ("memories_seconds",),
)
"""Told again, or figures that only a search can prove (docs/verify.md)."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plans")


@pytest.mark.slow
@settings(max_examples=60)
@given(model=models(), part=st.sampled_from((0.3, 0.6, 0.9)), rng=generators())
def test_no_changed_place_goes_unnoticed(folder: Path, model: ModelProto, part: float, rng: Random) -> None:
    peak = hmcos.schedule(model, target="none").peak
    memories = [MemoryBlock("fast", int(part * peak)), MemoryBlock("slow", None)]
    plan = hmcos.schedule(model, target="none", memories=memories)
    record = cast("dict[str, Any]", json.loads(plan_text(plan)))
    assert told(folder, model, record) == ""
    keys = {key: record[key] for key in ("memories", "buffers", "memories_seconds")}
    for _ in range(8):
        place = drawn_place(keys, rng)
        changed = with_change(record, place, rng)
        if changed == record or told(folder, model, changed):
            continue
        assert is_harmless(place, record, changed), (place, record, changed)


def is_harmless(place: Place, record: dict[str, Any], changed: dict[str, Any]) -> bool:
    """Return whether a plan with this change claims nothing that is wrong, or nothing that can be checked."""
    last = place[-1]
    if any(place[: len(told_again)] == told_again for told_again in BELIEVED):
        return True
    if place[0] == "buffers":
        # Another place where a buffer meets nobody either; a tensor is where the numbers say.
        return last == "offset"
    undecided = {"feasible", "time limit", "state limit", "interrupted"}
    if last == "status":
        return {record["memories"]["status"], changed["memories"]["status"]} <= undecided
    # A name is told again; a memory may be larger than what is used of it, or have no limit.
    return last in ("name", "capacity")
