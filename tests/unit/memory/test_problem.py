from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from hmcos.errors import InstanceError
from hmcos.memory.problem import Problem

PROBLEM = Problem(
    names=("split", "relu", "join"),
    sizes=(8, 4, 4, 4, 0, 6),
    inputs=(0, 5),
    kept=(4,),
    reads=((0,), (1,), (2, 3, 0)),
    makes=((1, 2), (3,), (4,)),
    may_overwrite=((), (1,), ()),
    scratch=(0, 0, 7),
)


def test_who_needs_whom() -> None:
    assert PROBLEM.operators == 3
    assert PROBLEM.producer == (-1, 0, 0, 1, 2, -1)
    assert PROBLEM.readers == ((0, 2), (1,), (2,), (2,), (), ())
    assert PROBLEM.predecessors == ((), (0,), (0, 1))
    assert PROBLEM.successors == ((1, 2), (2,), ())


def test_an_unread_input_is_held_like_a_kept_buffer() -> None:
    assert PROBLEM.held == {4, 5}


def test_only_what_is_free_and_large_enough_is_overwritable() -> None:
    assert PROBLEM.overwritable == (frozenset(), frozenset({1}), frozenset())
    assert replace(PROBLEM, kept=(1, 4)).overwritable[1] == frozenset()
    assert replace(PROBLEM, sizes=(8, 3, 4, 4, 0, 6)).overwritable[1] == frozenset()


def test_a_problem_is_a_frozen_value_that_travels() -> None:
    assert pickle.loads(pickle.dumps(PROBLEM)) == PROBLEM
    field = "kept"
    with pytest.raises(FrozenInstanceError):
        setattr(PROBLEM, field, ())


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"scratch": (0, 0)}, "2 entries in scratch, but 3 operators"),
        ({"kept": (6,)}, "kept: buffer 6 does not exist"),
        ({"kept": (4, 4)}, "kept: a buffer is listed twice"),
        ({"makes": ((1, 2), (3,), (4, 1))}, "'join'.*makes buffer 1, which is an input or already made"),
        ({"reads": ((0,), (3,), (2, 3, 0)), "may_overwrite": ((), (), ())}, "'relu'.*reads buffer 3 before"),
        ({"sizes": (8, 4, 4, 4, 0, 6, 1)}, "buffer 6: neither an input nor made"),
        ({"may_overwrite": ((), (2,), ())}, "'relu'.*lists a buffer that it does not read"),
        ({"may_overwrite": ((0,), (), ())}, "'split'.*exactly one output of non-zero size"),
        ({"may_overwrite": ((), (), (2,))}, "'join'.*exactly one output of non-zero size"),
    ],
)
def test_broken_rules_are_named(broken: dict[str, Any], message: str) -> None:
    with pytest.raises(InstanceError, match=message):
        replace(PROBLEM, **broken)
