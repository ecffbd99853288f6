from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from hmcos.memory.bounds import must_live, must_live_bound
from hmcos.memory.problem import Problem


def chain(sizes: tuple[int, ...], kept: tuple[int, ...] = ()) -> Problem:
    """Operator k reads buffer k and makes buffer k + 1; buffer 0 is an input."""
    n = len(sizes) - 1
    return Problem(
        names=("",) * n,
        sizes=sizes,
        inputs=(0,),
        kept=kept,
        reads=tuple((k,) for k in range(n)),
        makes=tuple((k + 1,) for k in range(n)),
        may_overwrite=((),) * n,
        scratch=(0,) * n,
    )


def test_on_a_chain_the_bound_is_the_peak() -> None:
    problem = chain((3, 5, 1, 7))
    assert must_live(problem) == (8, 6, 8)
    assert must_live_bound(problem) == 8


def test_kept_buffers_live_on() -> None:
    assert must_live(chain((3, 5, 1, 7), kept=(1, 3))) == (8, 6, 13)


def test_what_runs_beside_an_operator_does_not_count() -> None:
    problem = Problem(
        names=("a", "b", "join"),
        sizes=(1, 10, 20, 2),
        inputs=(0,),
        kept=(3,),
        reads=((0,), (0,), (1, 2)),
        makes=((1,), (2,), (3,)),
        may_overwrite=((), (), ()),
        scratch=(0, 100, 0),
    )
    assert must_live(problem) == (11, 121, 32)


def test_an_output_that_could_overwrite_an_input_costs_nothing() -> None:
    def bound(may_overwrite: tuple[int, ...], later_reads: tuple[int, ...]) -> tuple[int, ...]:
        return must_live(
            Problem(
                names=("relu", "last"),
                sizes=(4, 4, 1),
                inputs=(0,),
                kept=(),
                reads=((0,), later_reads),
                makes=((1,), (2,)),
                may_overwrite=(may_overwrite, ()),
                scratch=(0, 0),
            )
        )

    assert bound((), (1,)) == (8, 5)
    assert bound((0,), (1,)) == (4, 5)
    # The last operator follows the first and still reads its input.
    assert bound((0,), (1, 0)) == (8, 9)


class Counted(tuple[int, ...]):
    """Readers that count how often one of them is looked at."""

    looks = 0

    def __iter__(self) -> Iterator[int]:
        for reader in super().__iter__():
            Counted.looks += 1
            yield reader


def test_what_hundreds_may_overwrite_is_asked_for_once_and_not_by_each() -> None:
    n = 300
    problem = Problem(
        names=("",) * n,
        sizes=(4,) * (n + 1),
        inputs=(0,),
        kept=(),
        reads=((0,),) * n,
        makes=tuple((k + 1,) for k in range(n)),
        may_overwrite=((0,),) * n,
        scratch=(0,) * n,
    )
    problem.__dict__["readers"] = tuple(map(Counted, problem.readers))
    Counted.looks = 0
    assert must_live(problem) == (4,) * n
    assert 0 < Counted.looks <= 10 * n


def test_the_first_and_the_last_moment_count() -> None:
    no_operators = Problem((), (3, 4), (0, 1), (), (), (), (), ())
    assert must_live(no_operators) == () and must_live_bound(no_operators) == 7
    sources = Problem(("a", "b"), (3, 4), (), (0, 1), ((), ()), ((0,), (1,)), ((), ()), (0, 0))
    assert must_live(sources) == (3, 4) and must_live_bound(sources) == 7


def test_sizes_may_be_huge() -> None:
    huge = 2**63 - 1
    assert must_live(chain((huge, huge, 0))) == (2 * huge, huge)


def test_twenty_thousand_operators_are_bounded_in_moments() -> None:
    sizes = tuple(1 + k * 7919 % 1_000_003 for k in range(20_001))
    expected = tuple(a + b for a, b in pairwise(sizes))
    assert must_live(chain(sizes)) == expected
