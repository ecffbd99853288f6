from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import hmcos
from hmcos.errors import OptionError, VerifyError
from hmcos.limits import Status
from hmcos.memory.problem import Problem
from hmcos.network.opening import Opened, open_source
from hmcos.plan.arena import PlacedBuffer
from hmcos.plan.plan import Plan
from hmcos.tasks.schedule.recheck import recheck
from hmcos.zoo.catalogue import build
from networks import FORK


@pytest.fixture(scope="module")
def small() -> Opened:
    return open_source(build("nasnet", cells=1, filters=4))


@pytest.fixture(scope="module")
def plan(small: Opened) -> Plan:
    return hmcos.schedule(small.content)


def test_the_arena_of_a_plan_is_its_peak_and_says_where_every_tensor_is(small: Opened, plan: Plan) -> None:
    assert plan.arena is not None
    assert plan.arena.size == plan.peak == plan.arena.lower_bound
    assert plan.arena.status is Status.OPTIMAL
    assert plan.largest_first_arena is not None and plan.largest_first_arena >= plan.peak
    placed = {
        t: name for buffer in plan.buffers for t, name in zip(buffer.tensors, buffer.names, strict=True)
    }
    assert small.model is not None
    tensors = enumerate(small.model.graph.tensors)
    assert placed == {i: t.name for i, t in tensors if not t.is_parameter and t.size}
    for buffer in plan.buffers:
        if buffer.takes_over is not None:
            assert buffer.offset == plan.buffers[buffer.takes_over].offset
    assert any(buffer.takes_over is not None for buffer in plan.buffers)


def test_scratch_has_a_place_of_its_own() -> None:
    plan = hmcos.schedule(FORK)
    scratch = [buffer for buffer in plan.buffers if buffer.operator is not None]
    assert [(b.name, b.size, b.operator) for b in scratch] == [("scratch of join", 7, 4)]


def test_a_budget_gets_no_arena_unless_a_planner_is_named() -> None:
    assert hmcos.schedule(FORK, budget=120).arena is None
    plan = hmcos.schedule(FORK, budget=130, allocator="largest_first")
    assert plan.arena is not None
    assert (plan.arena.status, plan.arena.size <= 130) == (Status.FITS, True)


def test_external_inputs_and_outputs_have_no_place_and_cost_nothing() -> None:
    chain = replace(
        FORK,
        names=("first", "last"),
        sizes=(10, 4, 20),
        kept=(2,),
        reads=((0,), (1,)),
        makes=((1,), (2,)),
        may_overwrite=((), ()),
        scratch=(0, 0),
    )
    assert hmcos.schedule(chain).peak == 24
    plan = hmcos.schedule(chain, external_io=True)
    assert plan.target.external_io
    assert plan.arena is not None
    assert plan.peak == plan.arena.size == 4
    assert [(buffer.name, buffer.offset) for buffer in plan.buffers] == [("buffer 1", 0)]


def test_alignment_holds_for_every_offset() -> None:
    plan = hmcos.schedule(FORK, alignment=16)
    assert plan.arena is not None
    assert plan.arena.alignment == 16
    assert all(buffer.offset % 16 == 0 for buffer in plan.buffers)


def test_an_order_that_was_asked_for_stays_and_gets_its_arena() -> None:
    plan = hmcos.schedule(FORK, scheduler="given", allocator="birth_order")
    assert plan.schedule.order == (0, 1, 2, 3, 4)
    assert plan.arena is not None
    assert plan.arena.size >= plan.peak == 210


def test_a_limit_that_is_reached_still_gives_an_arena(monkeypatch: pytest.MonkeyPatch) -> None:
    def prove(*_: object) -> None:
        pytest.fail("the limit is reached, but a proof is begun")

    monkeypatch.setattr("hmcos.allocation.auto.prove", prove)
    for limited in (
        hmcos.schedule("zoo:nasnet-cifar", time_limit=0),
        hmcos.schedule("zoo:nasnet-cifar", interrupted=lambda: True),
    ):
        assert limited.arena is not None
        assert limited.arena.size >= limited.peak


def test_wrong_wishes_are_named() -> None:
    with pytest.raises(OptionError, match="no allocator is called 'best'"):
        hmcos.schedule(FORK, allocator="best")
    with pytest.raises(OptionError, match="'time' cannot be minimized"):
        hmcos.schedule(FORK, minimize="time")
    with pytest.raises(OptionError, match="'rust'"):
        hmcos.schedule(FORK, emit="rust")
    with pytest.raises(OptionError, match="output folder"):
        hmcos.schedule(FORK, emit="c")


def changed(plan: Plan, index: int, **fields: Any) -> Plan:
    """The plan with one buffer changed, in the arena as well."""
    buffers = list(plan.buffers)
    buffers[index] = replace(buffers[index], **fields)
    assert plan.arena is not None
    arena = replace(plan.arena, offsets=tuple(buffer.offset for buffer in buffers))
    return replace(plan, buffers=tuple(buffers), arena=arena)


def index_of(plan: Plan, wanted: str) -> int:
    def fits(buffer: PlacedBuffer) -> bool:
        last = buffer.death < len(plan.scheduled)
        return {
            "in place": buffer.takes_over is not None and last,
            "new": buffer.takes_over is None
            and buffer.birth > 0
            and buffer.death > buffer.birth + 1
            and last,
        }[wanted]

    return next(i for i, buffer in enumerate(plan.buffers) if fits(buffer))


@pytest.mark.parametrize(
    ("wanted", "fields", "message"),
    [
        ("new", {"size": 1}, "has 1 bytes in the arena, but needs"),
        ("new", {"birth": 0}, "is needed in"),
        ("new", {"death": 10_000}, "is needed in"),
        ("new", {"name": "nobody"}, r"'nobody' in the arena: tensor \d+ is "),
        ("new", {"tensors": ()}, "the plan only names its tensors"),
        ("new", {"tensors": (10_000,)}, "there is no such buffer: no place is for tensor 10000"),
        ("new", {"names": ("nobody",)}, "other names to the tensors in its place"),
        ("new", {"takes_over": 0}, "may not write it over|which is still needed"),
        ("new", {"operator": 3}, "has a place in the arena, but|has no place there"),
        ("new", {"offset": 10**9}, r"arena\.size: is \d+, but the last buffer ends at 1000"),
        ("in place", {"takes_over": None}, "is needed in"),
    ],
)
def test_a_planted_fault_in_the_buffers_is_found(
    small: Opened, plan: Plan, wanted: str, fields: dict[str, object], message: str
) -> None:
    recheck(small, plan)
    with pytest.raises(VerifyError, match=message):
        recheck(small, changed(plan, index_of(plan, wanted), **fields))


def test_an_offset_on_top_of_another_is_found(small: Opened, plan: Plan) -> None:
    crowded = [i for i, b in enumerate(plan.buffers) if b.birth <= plan.crest.step < b.death]
    other = plan.buffers[crowded[0]].offset
    with pytest.raises(VerifyError, match=r"overlap|is not that of life"):
        recheck(small, changed(plan, crowded[1], offset=other))


def test_a_missing_or_double_buffer_is_found(small: Opened, plan: Plan) -> None:
    assert plan.arena is not None
    with pytest.raises(VerifyError, match="has no place there"):
        recheck(small, replace(plan, buffers=plan.buffers[:-1]))
    with pytest.raises(VerifyError, match="two places"):
        recheck(small, replace(plan, buffers=(*plan.buffers, plan.buffers[0])))
    moved = (plan.arena.offsets[0] + 1, *plan.arena.offsets[1:])
    with pytest.raises(VerifyError, match="but the arena says"):
        recheck(small, replace(plan, arena=replace(plan.arena, offsets=moved)))


FRAGMENTED = Problem(
    names=tuple("abcdefghijkl"),
    sizes=(12, 7, 9, 11, 3, 12, 2, 8, 5, 12, 4, 10, 6),
    inputs=(0,),
    kept=(12,),
    reads=tuple((k, k - 3) if k % 3 == 0 and k else (k,) for k in range(12)),
    makes=tuple((k + 1,) for k in range(12)),
    may_overwrite=((),) * 12,
    scratch=(0,) * 12,
)


def test_every_problem_is_verified_with_its_arena() -> None:
    for external in (False, True):
        plan = hmcos.schedule(FRAGMENTED, external_io=external)
        assert plan.arena is not None
        recheck(open_source(FRAGMENTED), plan)
        assert plan.lower_bound <= plan.peak <= plan.arena.lower_bound <= plan.arena.size


@pytest.mark.slow
@pytest.mark.parametrize("allocator", ["auto", "exact"])
@pytest.mark.parametrize("minimize", ["peak", "arena"])
def test_out_of_time_the_arena_is_never_above_that_of_largest_first(allocator: str, minimize: str) -> None:
    """On this order the largest area first, which is asked before, is worse."""
    plan = hmcos.schedule("zoo:randwire-s1", time_limit=0, allocator=allocator, minimize=minimize)
    assert plan.arena is not None and plan.largest_first_arena is not None
    assert plan.arena.size <= plan.largest_first_arena


@pytest.mark.slow
def test_the_arena_of_many_lives_is_improved_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hmcos.tasks.schedule.placement.SEARCHED", 0)
    arena = hmcos.schedule("zoo:amoebanet-cifar").arena
    assert arena is not None
    assert (arena.status, arena.allocator) == (Status.OPTIMAL, "exact")
