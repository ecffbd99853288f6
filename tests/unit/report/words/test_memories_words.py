"""What is said of several memories: a proof only where there is one."""

from __future__ import annotations

from dataclasses import replace

import hmcos
from hmcos.limits import Status
from hmcos.plan.memory_blocks import MemoryBlock, MemoryPlacement, MemoryPlan
from hmcos.plan.plan import Plan
from hmcos.report.words.memories_words import memories_lines
from networks import FORK

PLACEMENT = MemoryPlacement(
    blocks=(MemoryBlock("dtcm", 60), MemoryBlock("sram", 100), MemoryBlock("psram", None)),
    memory=(0, 1, 2),
    offsets=(0, 0, 0),
    sizes=(60, 100, 10),
    traffic=(500, 90, 30),
    lower_bounds=(100, 30),
    status=Status.STATE_LIMIT,
    alignment=1,
    states=9,
    seconds=0.0,
)
MEMORIES = MemoryPlan(PLACEMENT, whole=120, whole_lower_bound=120, orders=3)
PLAN: Plan = hmcos.schedule(FORK)


def said(**changes: object) -> list[str]:
    return memories_lines(PLAN, replace(MEMORIES, placement=replace(PLACEMENT, **changes)))


def test_a_gap_is_said_for_each_level() -> None:
    above = "at most 20.0 % above the least of this order, in a short search"
    assert memories_lines(PLAN, MEMORIES) == [
        "everything fits dtcm: no, proved: any order needs at least 120 B",
        f"read and written outside dtcm: 120 B, {above}",
        "of these outside dtcm and sram: 30 B, least traffic of this order, proved",
        "the order is the best of 3 that were compared",
    ]


def test_without_a_bound_nothing_is_proved() -> None:
    lines = said(lower_bounds=(0, 0), status=Status.TIME_LIMIT)
    assert "the least that was found in the time given; no bound was proved" in lines[1]


def test_an_order_with_a_higher_peak_is_said_to_be_one() -> None:
    higher = replace(PLAN, schedule=replace(PLAN.schedule, peak=PLAN.lower_bound + 1))
    assert memories_lines(higher, MEMORIES)[-1].endswith("compared, though its peak is not the least")


def test_the_first_memory_holds_everything_or_why_not() -> None:
    assert said(sizes=(60, 0, 0), traffic=(620, 0, 0), lower_bounds=(0, 0)) == ["everything fits dtcm: yes"]
    roomy = (MemoryBlock("dtcm", 120), *PLACEMENT.blocks[1:])
    assert said(blocks=roomy)[0].endswith("no, proved: in this order some buffers have to leave it")
    unknown = "everything fits dtcm: not known; the smallest arena found has 120 B"
    assert said(blocks=roomy, lower_bounds=(0, 0))[0] == unknown
    larger = replace(MEMORIES, placement=replace(PLACEMENT, blocks=roomy), whole=130, whole_lower_bound=125)
    assert memories_lines(PLAN, larger)[0].endswith("no, proved: this order needs at least 125 B")


def test_what_has_no_room_is_proved_or_not() -> None:
    gone = {"memory": (), "offsets": (), "sizes": (), "traffic": ()}
    assert said(**gone, status=Status.DOES_NOT_FIT)[1].startswith("does not fit: proved")
    assert said(**gone)[1] == "undecided: no place was found for all buffers in a short search"
