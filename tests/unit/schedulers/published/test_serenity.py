"""The Serenity style: complete on every graph, and no worse than with its faults mended."""

from __future__ import annotations

from dataclasses import replace
from inspect import unwrap

import pytest

from hmcos.frontends.loading import load
from hmcos.limits import Limits, Status, Watch
from hmcos.memory.bounds import must_live_bound
from hmcos.memory.problem import Problem
from hmcos.memory.profile import peak
from hmcos.memory.sharing import lower
from hmcos.memory.target import load_target
from hmcos.schedulers.published.serenity import SerenityParams, serenity
from hmcos.schedulers.scheduler_table import scheduler
from hmcos.schedulers.simple.rpo import reverse_post_order
from hmcos.zoo.catalogue import build
from networks import problem_of
from oracle import peak_of
from unit.schedulers.corners import CORNERS


def zoo(name: str) -> Problem:
    return lower(load(build(name)).graph, load_target("hmcos")).problem


@pytest.fixture(scope="module")
def nasnet() -> Problem:
    return zoo("nasnet-cifar")


def test_it_is_in_the_table() -> None:
    assert unwrap(scheduler("serenity")) is serenity


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "mended"),
    [
        ("nasnet-cifar", 2_048_768),
        ("nasnet-imagenet", 4_336_096),
        ("amoebanet-cifar", 1_465_776),
        ("pnas-cifar", 1_778_304),
        ("darts-cifar", 1_401_408),
        ("darts-imagenet", 4_845_696),
    ],
)
@pytest.mark.parametrize("joined", [True, False])
def test_peaks_are_within_5_percent_of_the_published_style_mended(
    name: str, mended: int, joined: bool
) -> None:
    problem = zoo(name)
    found = serenity(problem, Limits(), Watch(), SerenityParams(joined=joined))
    assert found.peak == peak(problem, found.order)
    assert found.peak <= 1.05 * mended
    assert found.lower_bound == must_live_bound(problem)
    assert found.status == Status.FEASIBLE


def test_no_operator_of_a_random_wired_network_is_dropped() -> None:
    problem = zoo("randwire")
    found = serenity(problem, Limits(), Watch())
    assert found.peak == peak(problem, found.order)


@pytest.mark.parametrize("name", CORNERS)
@pytest.mark.parametrize("joined", [True, False])
def test_corners_are_scheduled_completely_and_truthfully(name: str, joined: bool) -> None:
    problem = CORNERS[name]
    for ends in (None, (), tuple(range(problem.operators))):
        found = serenity(problem, Limits(), Watch(), SerenityParams(ends=ends, joined=joined))
        assert found.peak == peak_of(problem, found.order)
        assert (found.status == Status.OPTIMAL) == (found.peak == found.lower_bound)


def swelling_branches() -> Problem:
    """One cell of branches that swell and shrink: what needs most has to run first, and stands last."""
    return problem_of(
        [[0], [1], [0], [3], [0], [5], [0], [7], [2, 4, 6, 8]],
        [0, 10, 9, 20, 6, 40, 3, 80, 1, 1],
        kept=[9],
    )


def test_the_dynamic_program_works_without_samples(nasnet: Problem) -> None:
    searched = serenity(nasnet, Limits(), Watch(), SerenityParams(samples=0)).peak
    assert searched == 2_048_768 < peak(nasnet, reverse_post_order(nasnet))


def test_the_dynamic_program_beats_one_sample_whatever_the_seed() -> None:
    net = swelling_branches()
    seeds = [Limits(seed=seed) for seed in range(5)]
    sampled = [serenity(net, limits, Watch(), SerenityParams(samples=1, patience=0)).peak for limits in seeds]
    searched = [serenity(net, limits, Watch(), SerenityParams(samples=1)).peak for limits in seeds]
    assert set(searched) == {81}
    assert max(sampled) > 81


def test_without_search_or_samples_it_is_reverse_post_order() -> None:
    net = swelling_branches()
    found = serenity(net, Limits(), Watch(), SerenityParams(samples=0, patience=0))
    assert found.peak == peak(net, reverse_post_order(net))


def test_samples_alone_help() -> None:
    net = swelling_branches()
    few = serenity(net, Limits(), Watch(), SerenityParams(samples=0, patience=0)).peak
    many = serenity(net, Limits(), Watch(), SerenityParams(samples=200, patience=0)).peak
    assert many < few


def test_equal_seeds_have_equal_schedules(nasnet: Problem) -> None:
    first = serenity(nasnet, Limits(seed=3), Watch())
    again = serenity(replace(nasnet), Limits(seed=3), Watch())
    assert (first.order, first.states) == (again.order, again.states)


def test_every_limit_leaves_a_complete_order(nasnet: Problem) -> None:
    stopped = {
        Status.STATE_LIMIT: Limits(states=10),
        Status.TIME_LIMIT: Limits(seconds=0.0),
        Status.INTERRUPTED: Limits(),
    }
    for status, limits in stopped.items():
        found = serenity(nasnet, limits, Watch(interrupted=lambda: status is Status.INTERRUPTED))  # noqa: B023 (called at once)
        assert found.status == status
        assert found.peak == peak(nasnet, found.order)


def test_a_budget_is_judged() -> None:
    net = swelling_branches()
    reached = serenity(net, Limits(), Watch()).peak
    assert serenity(net, Limits(budget=reached), Watch()).status == Status.FITS
    assert serenity(net, Limits(budget=1), Watch()).status == Status.DOES_NOT_FIT
