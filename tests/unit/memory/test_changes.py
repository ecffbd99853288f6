from hmcos.memory.changes import without_external
from hmcos.memory.problem import Problem
from hmcos.memory.profile import peak

# a -> b in place -> c in place, which is kept; b may go over the input a.
CHAIN = Problem(
    names=("first", "second"),
    sizes=(8, 8, 8),
    inputs=(0,),
    kept=(2,),
    reads=((0,), (1,)),
    makes=((1,), (2,)),
    may_overwrite=((0,), (1,)),
    scratch=(0, 3),
)


def test_what_the_caller_supplies_costs_nothing_and_is_never_shared() -> None:
    inner = without_external(CHAIN)
    assert inner.sizes == (0, 8, 0)
    assert inner.may_overwrite == ((), ())
    assert peak(CHAIN, (0, 1)) == 8 + 3
    assert peak(inner, (0, 1)) == 8 + 3


def test_everything_else_stays() -> None:
    inner = without_external(CHAIN)
    assert (inner.reads, inner.makes, inner.inputs, inner.kept) == (
        CHAIN.reads,
        CHAIN.makes,
        CHAIN.inputs,
        CHAIN.kept,
    )
    assert inner.scratch == CHAIN.scratch
