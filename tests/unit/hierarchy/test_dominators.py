"""Dominator trees with any number of entries and exits."""

from __future__ import annotations

from hmcos.hierarchy.dominators import (
    ROOT,
    dominators,
    entries,
    exits,
    operator_dominators,
    operator_post_dominators,
)
from networks import problem_of, two_cells


def test_the_end_of_a_cell_stands_on_every_way() -> None:
    tree = operator_dominators(two_cells())
    assert tree.parent == (ROOT, 0, 0, 0, 3, 3, 0, 0)
    assert tree.children[0] == (1, 2, 3, 6, 7)
    assert tree.dominates(3, 4)
    assert tree.dominates(3, 3)
    assert not tree.dominates(3, 6)
    assert not tree.dominates(4, 3)
    assert tree.weight(3) == 3


def test_a_post_dominator_stands_on_every_way_out() -> None:
    tree = operator_post_dominators(two_cells())
    assert tree.parent == (7, 3, 3, 7, 6, 7, 7, ROOT)
    assert tree.weight(7) == 8


def test_several_inputs_and_outputs_hang_on_a_virtual_root() -> None:
    net = problem_of([[0], [1], [2, 3], [4], [4]], [1] * 7, inputs=2, kept=[5, 6])
    assert entries(net) == (0, 1)
    assert exits(net) == (3, 4)
    assert operator_dominators(net).parent == (ROOT, ROOT, ROOT, 2, 2)
    assert operator_post_dominators(net).parent == (2, 2, ROOT, ROOT, ROOT)


def test_reading_an_input_opens_a_way_around_and_keeping_a_buffer_a_way_out() -> None:
    net = problem_of([[0], [1], [2, 0]], [1] * 4, kept=[1, 3])
    assert entries(net) == (0, 2)
    assert exits(net) == (0, 2)
    assert operator_dominators(net).parent == (ROOT, 0, ROOT)
    assert operator_post_dominators(net).parent == (ROOT, 2, ROOT)


def test_a_tree_over_nothing_is_empty() -> None:
    assert dominators([], []).parent == ()


def test_a_long_chain_needs_no_recursion() -> None:
    tree = dominators([[v + 1] for v in range(19_999)] + [[]], [0])
    assert tree.parent == tuple(range(-1, 19_999))
    assert tree.dominates(0, 19_999)
