"""Which cells are dissolved."""

from __future__ import annotations

import pytest

from hmcos.hierarchy.refinement import crowded_buffers, crowded_cells, dissolve
from hmcos.hierarchy.tree import grow_tree
from hmcos.memory.profile import Profile
from networks import problem_of, two_cells


def test_crowded_are_the_buffers_live_at_any_moment_of_the_peak() -> None:
    # Memory while running: 5, 4, 5; buffer 3 is made and dies at once at the last peak.
    net = problem_of([[0], [1], [2]], [3, 2, 2, 3])
    assert crowded_buffers(net, range(3)) == (0, 1, 2, 3)
    assert crowded_buffers(problem_of([[0], [1], [2]], [4, 2, 2, 3]), range(3)) == (0, 1)


def test_the_peak_of_a_long_order_is_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def peak(along: Profile) -> int:
        asked.append(max(along.running))
        return asked[-1]

    monkeypatch.setattr(Profile, "peak", property(peak))
    n = 200
    chain = problem_of([[k] for k in range(n)], [2] * (n + 1))
    assert crowded_buffers(chain, range(n)) == tuple(range(n + 1))
    assert len(asked) == 1


def test_an_input_live_at_the_peak_is_crowded() -> None:
    assert crowded_buffers(problem_of([[0]], [9, 1], kept=[1]), range(1)) == (0, 1)


def test_a_peak_before_the_first_step_is_made_by_the_inputs() -> None:
    net = problem_of([[0]], [9, 9], in_place=True, kept=[1])
    assert 0 in crowded_buffers(net, range(1))
    assert crowded_buffers(problem_of([], [9, 1], inputs=2), []) == (0, 1)


def test_cells_that_make_crowded_buffers_go_and_those_that_follow() -> None:
    tree = grow_tree(two_cells(), ends=[3, 7])
    # The peak is at the end of the first cell: buffers 1, 2, 3, 4 are live, made by the stem and cell 0.
    assert crowded_buffers(tree.problem, range(8)) == (1, 2, 3, 4)
    assert crowded_cells(tree, range(8)) == {0, 1, 2}


def test_cells_that_read_a_crowded_input_go() -> None:
    net = problem_of([[0], [0], [1, 2], [3], [3], [4, 5]], [50, 1, 1, 1, 1, 1, 1], kept=[6])
    tree = grow_tree(net, ends=[2, 5])
    assert [cell.sequences for cell in tree.cells] == [(0, 1, 2), (3, 4, 5)]
    assert crowded_cells(tree, range(6)) == {0, 1}


def test_cells_far_from_the_peak_stay() -> None:
    net = problem_of(
        [[0], [0], [1, 2], [3], [3], [4, 5], [6], [6], [7, 8]],
        [1, 9, 9, 1, 1, 1, 1, 1, 1, 1],
        kept=[9],
    )
    tree = grow_tree(net, ends=[2, 5, 8])
    assert crowded_cells(tree, range(9)) == {0, 1}


def test_dissolving_gives_a_new_tree() -> None:
    tree = grow_tree(two_cells(), ends=[3, 7])
    finer = dissolve(tree, {0})
    assert finer.blocks == ((0,), (1,), (2,), (3,), (4, 5), (6, 7))
    assert len(tree.cells) == 3, "the old one is as it was"
    assert finer.sequences is tree.sequences
