"""Explanations: what is told adds up, belongs to the plan, and refuses what does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import hmcos
from hmcos.errors import PlanError
from hmcos.limits import Status
from hmcos.report.records.explanation_record import explanation_record
from hmcos.report.tables.explanation_tables import explanation_tables, spark
from hmcos.report.words.advice_words import advice_words, proof_words, reproduction, verdict
from hmcos.tasks.explain.advice import Kind
from networks import FORK

NASNET = "zoo:darts-imagenet"


def test_what_is_live_adds_up_to_the_peak() -> None:
    for model in (FORK, NASNET):
        found = hmcos.explain(model, time_limit=5)
        assert sum(found.lives[i].size for i in found.live) == found.plan.peak
        told = [(found.name(found.lives[i]), found.lives[i].size) for i in found.live]
        assert sorted(told) == sorted((t.name, t.size) for t in found.plan.crest.tensors)


def test_the_advice_on_a_fork() -> None:
    found = hmcos.explain(FORK)
    told = [(one.change.kind, found.advised.saved(one)) for one in found.advised.best]
    # The peak is the first small result beside the second branch's large and small ones: 10 + 100 + 10.
    assert found.plan.peak == 120
    assert told == [(Kind.GONE, 10), (Kind.GONE, 10), (Kind.HALVED, 5)]
    outside = next(one for one in found.advised.advice if one.change.kind is Kind.EXTERNAL)
    assert found.advised.saved(outside) == 0


def test_a_forced_peak_names_the_operator() -> None:
    chain = replace(FORK, reads=((0,), (0,), (1, 2), (2,), (3, 4)))
    found = hmcos.explain(chain)
    assert found.is_forced
    assert "operator 'shrink a' forces the peak" in proof_words(found)
    assert found.forced[0].bytes == found.plan.peak


def test_an_unforced_peak_blames_nobody() -> None:
    found = hmcos.explain("zoo:nasnet-cifar", time_limit=0.0)
    assert not found.is_forced
    assert "no single operator" in proof_words(found).lower()


def test_without_time_there_is_no_advice_but_all_else() -> None:
    plan = hmcos.schedule(NASNET)
    found = hmcos.explain(NASNET, plan, time_limit=0.0)
    assert found.advised.advice == ()
    assert found.advised.possible > 5
    assert found.cells
    assert max(cell.bytes for cell in found.cells) <= plan.peak


def test_the_least_peak_without_a_tensor_is_known_only_when_proved() -> None:
    found = hmcos.explain(FORK)
    live = found.lives[found.live[0]]
    one = next(a for a in found.advised.advice if a.change.life == live and a.change.kind is Kind.GONE)
    assert found.least(live, Kind.GONE) == one.peak
    assert found.least(found.lives[-1], Kind.GONE) is None  # dead at the peak: nobody asked
    doubted = replace(found.advised, advice=(replace(one, proved=False),))
    assert replace(found, advised=doubted).least(live, Kind.GONE) is None


def test_extra_kinds_in_place_are_tried() -> None:
    found = hmcos.explain(NASNET)
    kinds = {a.change.operators for a in found.advised.advice if a.change.kind is Kind.IN_PLACE}
    assert "Conv" in kinds
    assert "Relu" not in kinds  # it may already
    best = explanation_record(found)["advice"]
    assert isinstance(best, list)
    assert best


def test_a_plan_of_another_model_is_refused() -> None:
    with pytest.raises(PlanError, match="made for another model"):
        hmcos.explain("zoo:darts-cifar", hmcos.schedule(NASNET))


def test_a_plan_that_was_tampered_with_is_refused() -> None:
    plan = hmcos.schedule(FORK)
    wrong = replace(plan, memory=replace(plan.memory, running=(1, *plan.memory.running[1:])))
    with pytest.raises(PlanError, match="not that of its order"):
        hmcos.explain(FORK, wrong)


def test_the_verdict_says_what_is_proved() -> None:
    plan = hmcos.schedule(FORK)
    assert "proved that no order needs less" in verdict(plan)
    short = replace(plan, schedule=replace(plan.schedule, lower_bound=100, status=Status.TIME_LIMIT))
    assert "at most 20 B above the least possible (time limit)" in verdict(short)


def test_the_command_makes_the_plan_again(tmp_path: Path) -> None:
    plan = hmcos.schedule(NASNET, target="hmcos", external_io=True, output=tmp_path / "a b")
    assert reproduction(plan) == (
        f"hmcos schedule zoo:darts-imagenet --target hmcos --alignment 1 --external-io -o '{tmp_path}/a b'"
    )
    assert reproduction(hmcos.schedule(FORK)) == ""


def test_every_change_has_words() -> None:
    for model in (FORK, NASNET):
        found = hmcos.explain(model)
        for one in found.advised.advice:
            what, how = advice_words(found, one.change)
            assert what
            assert how


def test_a_record_tells_what_the_tables_tell() -> None:
    found = hmcos.explain(FORK)
    record = explanation_record(found)
    assert record["peak"] == 120
    assert record["memory"] == list(found.plan.memory.running)
    assert explanation_tables(found)


@pytest.mark.parametrize(
    ("heights", "top", "line"), [((), 0, ""), ((0, 7, 8), 8, "▁██"), ((1, 1, 8, 1), 8, "▂█")]
)
def test_a_spark_line_keeps_peaks(heights: tuple[int, ...], top: int, line: str) -> None:
    assert spark(heights, top, wide=3 if len(heights) == 3 else 2) == line


def test_half_is_rounded_up_to_the_alignment() -> None:
    found = hmcos.explain(FORK, alignment=16)
    halves = [a.change for a in found.advised.advice if a.change.kind is Kind.HALVED]
    assert all(size % 16 == 0 for change in halves for size in change.build().sizes)
