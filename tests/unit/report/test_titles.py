"""Results are called what is known of them: nothing is called optimal that was not proved to be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

import hmcos
from hmcos.limits import Status
from hmcos.plan.arena import Arena
from hmcos.plan.plan import Plan
from hmcos.report.page.data import page_data
from hmcos.report.pictures.dot import dot_text
from hmcos.report.pictures.graph_plot import hierarchy, schedule
from hmcos.report.pictures.memory_plot import memory
from hmcos.report.tables.arena_table import allocation_table
from hmcos.report.tables.explanation_tables import explanation_tables
from hmcos.report.tables.result_tables import comparison_table, experiment_table, plan_tables
from hmcos.tasks.compare.experiment import Experiment, OrderTrial
from hmcos.tasks.compare.published import Published
from hmcos.tasks.place_lives import Allocation
from networks import FORK
from unit.report.pictures.scenes import scene

OPEN = [status for status in Status if status is not Status.OPTIMAL]
CALLED = {Status.FITS: "fits", Status.AT_MOST: "at most"}
"""What results are called that are not just the best found."""


def ended(status: Status) -> Plan:
    """The plan of a search that ended so, in peak and in arena."""
    plan = hmcos.schedule(FORK)
    assert plan.arena is not None
    found = replace(plan.schedule, lower_bound=plan.peak - 1, status=status)
    return replace(plan, schedule=found, arena=exact(plan.arena, status))


def exact(arena: Arena, status: Status) -> Arena:
    return replace(arena, allocator="exact", lower_bound=arena.size - 1, status=status)


def text(shown: RenderableType) -> str:
    console = Console(width=120, highlight=False)
    with console.capture() as captured:
        console.print(shown)
    return captured.get()


def everything(plan: Plan) -> Iterator[str]:
    """All that is said of a plan, its lives and its order."""
    assert plan.arena is not None
    yield text(plan_tables(plan))
    yield repr(plan)
    yield getattr(plan, "_repr_html_")()  # noqa: B009 (notebooks ask for it by this name)
    explained = hmcos.explain(FORK, hmcos.schedule(FORK))
    told = replace(explained, solved=replace(explained.solved, plan=plan))
    yield text(explanation_tables(told))
    yield str(page_data(told)["called"])
    compared = hmcos.compare(FORK)
    others = tuple(replace(one, status=Status.FEASIBLE) for one in compared.schedules[1:])
    yield text(comparison_table(replace(compared, schedules=(plan.schedule, *others))))
    drawn = replace(scene(FORK), schedules=(plan.schedule,), arena=plan.arena)
    yield memory(drawn, "svg").decode()
    yield dot_text(schedule(drawn))
    yield dot_text(hierarchy(drawn))


@pytest.mark.slow
@pytest.mark.parametrize("status", OPEN)
def test_nothing_is_called_optimal_without_a_proof(status: Status) -> None:
    name = CALLED.get(status, "best found")
    plan = ended(status)
    for words in everything(plan):
        assert not re.search(r"\boptimal\b", words, re.IGNORECASE), words
    assert plan.schedule.title == name
    assert re.search(rf"│ {name} +│", text(plan_tables(plan)))
    assert "│ exact" not in text(plan_tables(plan))


def test_what_was_proved_is_called_optimal() -> None:
    plan = hmcos.schedule(FORK)
    assert all(re.search(r"\boptimal\b", words) for words in everything(plan))


def test_other_schedulers_keep_their_names() -> None:
    for name in ("given", "rpo", "greedy", "hmcos"):
        assert hmcos.schedule(FORK, scheduler=name).schedule.title == name


def test_a_search_that_was_cut_short_is_not_the_best_beside_a_better_one() -> None:
    plan = ended(Status.TIME_LIMIT)
    compared = hmcos.compare(FORK)
    better = replace(compared.schedules[1], peak=plan.peak - 1)
    shown = text(comparison_table(replace(compared, schedules=(plan.schedule, better))))
    assert "│ cut short" in shown
    assert "best found" not in shown


def test_the_experiment_names_its_rows_by_what_is_proved(tmp_path: Path) -> None:
    hmcos.export_instance(FORK, tmp_path / "fork.json")
    found = hmcos.experiment([str(tmp_path / "fork.json")])
    assert "  optimal" in text(experiment_table(found))
    row = found.rows[0]
    *others, last = row.trials
    open_one = replace(last, schedule=replace(last.schedule, status=Status.TIME_LIMIT, lower_bound=1))
    shown = text(experiment_table(Experiment(found.target, (replace(row, trials=(*others, open_one)),))))
    assert "  optimal" not in shown
    assert "  best found" in shown


def test_the_published_lines_call_nothing_optimal_that_is_not() -> None:
    plan = hmcos.schedule(FORK)
    assert plan.arena is not None
    trial = OrderTrial(plan.schedule, (("tflite_arena", plan.arena),))

    def lines(one: Plan) -> list[str]:
        return [line.split(":")[0] for line in Published(trial, trial, trial, one).lines[4:]]

    assert lines(plan) == ["Optimal Peak", "Optimal Arena Size"]
    wide = replace(plan, arena=replace(plan.arena, size=plan.peak + 8, lower_bound=plan.peak + 8))
    assert lines(wide) == ["Optimal Peak", "Best Found Arena Size"]
    assert lines(ended(Status.TIME_LIMIT)) == [
        "Best Found Peak", "Best Found Arena Size", "Optimal Peak At Least",
    ]  # fmt: skip


@pytest.mark.parametrize("status", OPEN)
def test_a_planner_that_proves_lends_its_name_to_proofs_only(status: Status, tmp_path: Path) -> None:
    (tmp_path / "lives.csv").write_text("id,lower,upper,size\na,0,2,3\nb,1,3,4\n", encoding="utf-8")
    found: Allocation = hmcos.allocate(tmp_path / "lives.csv", allocator="exact")
    assert "│ exact" in text(allocation_table(found))
    shown = text(allocation_table(replace(found, arena=exact(found.arena, status))))
    assert "│ exact" not in shown
    assert "optimal" not in shown
