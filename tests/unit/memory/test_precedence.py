from __future__ import annotations

from hmcos.memory.precedence import ancestors, descendants, with_ancestors
from hmcos.memory.problem import Problem

DIAMOND = Problem(
    names=("top", "left", "right", "bottom"),
    sizes=(1, 1, 1, 1, 1),
    inputs=(0,),
    kept=(4,),
    reads=((0,), (1,), (1,), (2, 3)),
    makes=((1,), (2,), (3,), (4,)),
    may_overwrite=((), (), (), ()),
    scratch=(0, 0, 0, 0),
)


def test_ancestors_of_a_diamond_are_all_operators_above() -> None:
    assert ancestors(DIAMOND.predecessors) == [0b0000, 0b0001, 0b0001, 0b0111]


def test_descendants_of_a_diamond_are_all_operators_below() -> None:
    assert descendants(DIAMOND.successors) == [0b1110, 0b1000, 0b1000, 0b0000]


def test_one_set_at_a_time_says_the_same_as_all_together() -> None:
    upto = [before | 1 << op for op, before in enumerate(ancestors(DIAMOND.predecessors))]
    assert list(with_ancestors(DIAMOND.predecessors, DIAMOND.successors)) == upto
