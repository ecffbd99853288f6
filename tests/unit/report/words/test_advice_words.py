"""What is told of advice is what was tried, and no more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.console import Console

import hmcos
from hmcos.limits import Limits, Watch
from hmcos.report.records.explanation_record import explanation_record
from hmcos.report.tables.explanation_tables import explanation_tables
from hmcos.report.words.advice_words import tried_words
from hmcos.tasks.explain.advice import Advice, advise, changes_of_tensors
from hmcos.tasks.explain.explanation import Explanation
from networks import FORK


def told(explanation: Explanation, *advice: Advice, proved: bool = True) -> Explanation:
    """The explanation, had only this advice come of the time there was."""
    return replace(explanation, advised=replace(explanation.advised, advice=advice, proved=proved))


@pytest.fixture(scope="module")
def complete() -> Explanation:
    return hmcos.explain(FORK)


def useless(complete: Explanation) -> Advice:
    return next(one for one in complete.advised.advice if complete.advised.saved(one) <= 0)


def test_nothing_tried_is_not_tried_yet(complete: Explanation) -> None:
    possible = complete.advised.possible
    words = tried_words(told(complete))
    assert words == f"No change is tried yet: the same without a time limit tries all {possible}."


def test_one_useless_change_says_nothing_of_the_others(complete: Explanation) -> None:
    possible = complete.advised.possible
    words = tried_words(told(complete, useless(complete)))
    assert "None of the 1 that were settled makes the least peak smaller" in words
    assert f"{possible - 1} are not tried yet" in words


def test_a_search_that_was_cut_short_decides_nothing(complete: Explanation) -> None:
    words = tried_words(told(complete, replace(useless(complete), proved=False)))
    assert "None" not in words
    assert "the search of 1 was cut short" in words


def test_all_useless_changes_are_told_as_such(complete: Explanation) -> None:
    count = complete.advised.possible
    words = tried_words(told(complete, *[useless(complete)] * count))
    assert "None of them makes the least peak smaller by itself." in words
    assert "not tried" not in words


def test_advice_on_an_order_that_is_not_the_best_says_so(complete: Explanation) -> None:
    helpful = complete.advised.best[0]
    assert "not proved to be the best" in tried_words(told(complete, helpful, proved=False))
    assert "not proved" not in tried_words(told(complete, helpful))


def test_a_page_beside_its_plan_names_the_command(complete: Explanation) -> None:
    outputs = replace(complete.plan.outputs, plan="my out/plan.json")
    words = tried_words(
        told(replace(complete, solved=replace(complete.solved, plan=replace(complete.plan, outputs=outputs))))
    )
    assert "hmcos report 'my out/plan.json' tries all" in words


def test_tables_and_records_tell_the_same(complete: Explanation) -> None:
    short = told(complete, useless(complete))
    console = Console(width=400, highlight=False)
    with console.capture() as captured:
        console.print(explanation_tables(short))
    assert tried_words(short) in captured.get()
    assert explanation_record(short)["advice_note"] == tried_words(short)
    assert "makes the least peak smaller" not in captured.get().replace(tried_words(short), "")


def calls(allowed: int) -> Callable[[], bool]:
    """An interruption that happens after so many questions, whatever the speed of the machine."""
    asked = 0

    def interrupted() -> bool:
        nonlocal asked
        asked += 1
        return asked > allowed

    return interrupted


@pytest.mark.parametrize("allowed", [0, 1, 2, 5, 20, 100, 10_000])
def test_whatever_ends_the_search_its_advice_adds_up(allowed: int) -> None:
    plan = hmcos.schedule(FORK)
    lives = hmcos.explain(FORK, plan).lives
    changes = changes_of_tensors(FORK, lives, 1)
    full = {one.change: one for one in advise(FORK, changes, plan.schedule, Limits(), Watch()).advice}
    found = advise(FORK, changes, plan.schedule, Limits(), Watch(interrupted=calls(allowed)))
    assert found.untried + len(found.advice) == found.possible == len(changes)
    assert found.proved
    for one in found.advice:
        least = full[one.change].peak
        assert one.peak >= least
        # What is neither proved nor a gain is open: nothing may be said of it.
        assert one.proved <= (one.peak == least)
    assert found.undecided == sum(not one.proved and one.peak >= found.peak for one in found.advice)
