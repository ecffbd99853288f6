from __future__ import annotations

from hmcos.memory.lifetimes import Life, lifetimes
from hmcos.memory.problem import Problem


def join(sizes: tuple[int, int, int], may_overwrite: tuple[int, ...], kept: tuple[int, ...] = ()) -> Problem:
    """One operator that reads the inputs 0 and 1 and makes buffer 2."""
    return Problem(("add",), sizes, (0, 1), kept, ((0, 1),), ((2,),), (may_overwrite,), (0,))


def test_lives_of_a_chain() -> None:
    problem = Problem(
        names=("a", "b"),
        sizes=(1, 2, 3),
        inputs=(0,),
        kept=(2,),
        reads=((0,), (1,)),
        makes=((1,), (2,)),
        may_overwrite=((), ()),
        scratch=(0, 9),
    )
    assert lifetimes(problem, (0, 1)) == (
        Life(0, 1, 1, 0),
        Life(0, 2, 2, 1),
        Life(1, 2, 3, 2),
        Life(1, 2, 9, None, operator=1),
    )


def test_what_is_taken_over_ends_where_its_heir_begins() -> None:
    problem = Problem(
        names=("relu", "conv"),
        sizes=(4, 3, 1),
        inputs=(0,),
        kept=(),
        reads=((0,), (1,)),
        makes=((1,), (2,)),
        may_overwrite=((0,), ()),
        scratch=(0, 0),
    )
    assert lifetimes(problem, (0, 1)) == (
        Life(0, 1, 4, 0),
        Life(1, 2, 3, 1, takes_over=0),
        Life(1, 2, 1, 2),
    )


def test_the_life_of_an_output_in_place_at_the_last_step_is_empty() -> None:
    assert lifetimes(join((4, 4, 4), (1,), kept=(2,)), (0,))[-1] == Life(1, 1, 4, 2, takes_over=1)


def test_equal_size_comes_first_then_the_largest_then_the_lowest_number() -> None:
    def taken(sizes: tuple[int, int, int], may_overwrite: tuple[int, ...]) -> int | None:
        return lifetimes(join(sizes, may_overwrite), (0,))[-1].takes_over

    assert taken((9, 4, 4), (0, 1)) == 1
    assert taken((5, 9, 4), (0, 1)) == 1
    assert taken((4, 4, 4), (1, 0)) == 0
    assert taken((9, 3, 4), (0, 1)) == 0
    assert taken((3, 3, 4), (0, 1)) is None


def test_a_kept_input_is_not_taken_over() -> None:
    assert lifetimes(join((4, 4, 4), (0,), kept=(0,)), (0,))[-1] == Life(0, 1, 4, 2)


def test_only_the_last_reader_takes_over() -> None:
    problem = Problem(
        names=("relu", "conv"),
        sizes=(4, 4, 4),
        inputs=(0,),
        kept=(),
        reads=((0,), (0,)),
        makes=((1,), (2,)),
        may_overwrite=((0,), ()),
        scratch=(0, 0),
    )
    assert [life.takes_over for life in lifetimes(problem, (0, 1))] == [None, None, None]
    assert [life.takes_over for life in lifetimes(problem, (1, 0))] == [None, None, 0]


def test_unread_inputs_live_on_and_unread_outputs_for_one_step() -> None:
    problem = Problem(("a", "b"), (1, 2, 3), (0,), (), ((), ()), ((1,), (2,)), ((), ()), (0, 0))
    assert lifetimes(problem, (1, 0)) == (Life(0, 2, 1, 0), Life(0, 1, 3, 2), Life(1, 2, 2, 1))


def test_zero_bytes_have_no_life() -> None:
    problem = Problem(("a",), (0, 0), (0,), (1,), ((0,),), ((1,),), ((),), (0,))
    assert lifetimes(problem, (0,)) == ()


def test_a_network_without_operators_holds_its_inputs_for_a_moment() -> None:
    assert lifetimes(Problem((), (5,), (0,), (), (), (), (), ()), ()) == (Life(0, 1, 5, 0),)
