from __future__ import annotations

import pytest

from hmcos.errors import OptionError
from hmcos.memory.problem import Problem
from hmcos.memory.profile import Profile, peak, profile

# x is read by wide and by narrow; join reads both and is the output.
FORK = Problem(
    names=("wide", "shrink", "narrow", "join"),
    sizes=(4, 100, 2, 4, 6),
    inputs=(0,),
    kept=(4,),
    reads=((0,), (1,), (0,), (2, 3)),
    makes=((1,), (2,), (3,), (4,)),
    may_overwrite=((), (1,), (0,), ()),
    scratch=(0, 0, 0, 50),
)


def test_memory_step_by_step() -> None:
    # narrow is last to read x and may overwrite it, shrink writes over wide's output.
    assert profile(FORK, (0, 1, 2, 3)) == Profile(
        order=(0, 1, 2, 3), start=4, running=(104, 104, 6, 62), stable=(104, 6, 6, 6)
    )
    # narrow runs while wide still wants x.
    assert profile(FORK, (2, 0, 1, 3)).running == (8, 108, 104, 62)


def test_the_peak_and_its_first_step() -> None:
    assert peak(FORK, (0, 1, 2, 3)) == 104
    assert profile(FORK, (0, 1, 2, 3)).peak_step == 0
    assert profile(FORK, (2, 0, 1, 3)).peak_step == 1


def test_without_operators_the_inputs_are_the_peak() -> None:
    found = profile(Problem((), (3, 4), (0, 1), (), (), (), (), ()), ())
    assert (found.peak, found.peak_step) == (7, -1)


def test_a_graph_output_that_is_read_stays() -> None:
    problem = Problem(("a", "b"), (5, 6), (), (0,), ((), (0,)), ((0,), (1,)), ((), (0,)), (0, 0))
    assert profile(problem, (0, 1)).running == (5, 11)
    assert profile(problem, (0, 1)).stable == (5, 5)


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 1, 2, 2), (0, 1, 2, 4), (0, 1, 2, 3, 3)])
def test_an_order_lists_every_operator_once(order: tuple[int, ...]) -> None:
    with pytest.raises(OptionError, match="each of the 4 operators exactly once"):
        profile(FORK, order)


def test_an_order_respects_who_needs_whom() -> None:
    with pytest.raises(OptionError, match=r"operator 1 \('shrink'\) runs before what it reads is made"):
        profile(FORK, (1, 0, 2, 3))
