"""Offsets in a model: planted overlaps are found."""

from __future__ import annotations

import pytest

from hmcos.errors import VerifyError
from hmcos.graph.builder import GraphBuilder
from hmcos.graph.model import Graph, Operator, Tensor
from hmcos.verify.offsets import check_model_offsets


def chain() -> Graph:
    """Return x -> a -> b -> y, where y also reads x; 20 bytes each."""
    builder = GraphBuilder()
    x = builder.add_input(Tensor("x", "int8", 8, (20,)))
    a, b, y = (builder.add_tensor(Tensor(name, "int8", 8, (20,))) for name in "aby")
    for number, (reads, makes) in enumerate((((x,), a), ((a,), b), ((b, x), y))):
        builder.add_operator(Operator(number, "", "ADD", "", reads, (makes,)))
    builder.add_output(y)
    return builder.build()


ORDER = (0, 1, 2)


def test_tensors_that_are_not_live_together_may_share() -> None:
    assert check_model_offsets(chain(), ORDER, (0, 32, 64, 32), 16) == (0, 96)


@pytest.mark.parametrize(
    ("offsets", "message"),
    [
        ((0, 16, 64, 32), r"step 0: tensor 1 \('a'\) at 16 to 48 overlaps tensor 0 \('x'\) at 0 to 32"),
        ((0, 32, 0, 64), r"step 1: tensor 2 \('b'\) at 0 to 32 overlaps tensor 0 \('x'\)"),
        ((0, 32, 32, 64), r"step 1: tensor 2 \('b'\) at 32 to 64 overlaps tensor 1 \('a'\)"),
        ((0, 32, 64, 80), r"step 2: tensor 3 \('y'\) at 80 to 112 overlaps tensor 2 \('b'\)"),
        ((0, 40, 96, 32), "offset 40 is not a multiple of 16"),
    ],
)
def test_planted_overlaps_are_found(offsets: tuple[int, ...], message: str) -> None:
    with pytest.raises(VerifyError, match=message):
        check_model_offsets(chain(), ORDER, offsets, 16)


def test_what_the_runtime_plans_itself_is_left_out() -> None:
    assert check_model_offsets(chain(), ORDER, (0, -1, -1, 32), 16) == (0, 64)


def test_bodies_take_their_bytes_while_their_operator_runs() -> None:
    offsets = (0, 32, 64, 32)
    assert check_model_offsets(chain(), ORDER, offsets, 16, {1: (96, 160)}) == (0, 160)
    assert check_model_offsets(chain(), ORDER, offsets, 16, {0: (64, 160)}) == (0, 160)
    with pytest.raises(VerifyError, match=r"step 1: tensor 2 .* overlaps|the bodies of operator 1 at 80"):
        check_model_offsets(chain(), ORDER, offsets, 16, {1: (80, 160)})
