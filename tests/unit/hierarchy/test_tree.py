"""The tree of blocks, sequences and operators."""

from __future__ import annotations

from hmcos.hierarchy.tree import grow_tree
from networks import problem_of, two_cells


def test_the_top_level_holds_cells_and_what_is_in_none() -> None:
    tree = grow_tree(two_cells(), ends=[3, 7])
    assert tree.blocks == ((0,), (1, 2, 3), (4, 5), (6, 7))
    assert tree.cell_of == (None, 0, 0, 0, 1, 1, 2, 2)
    assert tree.block_of == (0, 1, 1, 1, 2, 2, 3, 3)
    assert tree.predecessors == ((), (0,), (1,), (0, 2))
    assert tree.successors == ((1, 3), (2,), (3,), ())


def test_sequences_are_joined_unless_told_otherwise() -> None:
    chain = problem_of([[0], [1]], [4, 4, 1], kept=[2])
    assert grow_tree(chain).blocks == ((0,),)
    assert grow_tree(chain, joined=False).blocks == ((0,), (1,))


def test_an_empty_problem_has_an_empty_tree() -> None:
    assert grow_tree(problem_of([], [5])).blocks == ()
