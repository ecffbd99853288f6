"""Offsets in a model: planted overlaps are found."""

from __future__ import annotations

import pytest

from hmcos.errors import VerifyError
from hmcos.graph.builder import GraphBuilder
from hmcos.graph.graph import Graph, Operator, Tensor
from hmcos.plan.arena import PlacedBuffer
from hmcos.verify.counted.offset_check import (
    Part,
    Span,
    check_model_offsets,
    check_planned_bodies,
    check_planned_offsets,
)


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


def span_of(graph: Graph, order: tuple[int, ...], offsets: tuple[int, ...]) -> Span:
    """Return the bytes of a model without bodies, after checking them."""
    return check_model_offsets(Part(graph, order, offsets), 16)[0]


def test_tensors_that_are_not_live_together_may_share() -> None:
    assert span_of(chain(), ORDER, (0, 32, 64, 32)) == (0, 96)


@pytest.mark.parametrize(
    ("offsets", "message"),
    [
        ((0, 16, 64, 32), r"step 0: tensor 1 \('a'\) at 16 to 48 overlaps tensor 0 \('x'\) at 0 to 32"),
        ((0, 32, 0, 64), r"step 1: tensor 2 \('b'\) at 0 to 32 overlaps tensor 0 \('x'\)"),
        ((0, 32, 32, 64), r"step 1: tensor 2 \('b'\) at 32 to 64 overlaps tensor 1 \('a'\)"),
        ((0, 32, 64, 80), r"step 2: tensor 3 \('y'\) at 80 to 112 overlaps tensor 2 \('b'\)"),
        ((0, 40, 96, 32), "offset 40 is not a multiple of 16"),
        ((0, -16, 64, 32), r"tensor 1 \('a'\): has the offset -16; only -1 leaves it to the runtime"),
        ((0, 32, -4096, 32), r"tensor 2 \('b'\): has the offset -4096; only -1"),
    ],
)
def test_planted_overlaps_are_found(offsets: tuple[int, ...], message: str) -> None:
    with pytest.raises(VerifyError, match=message):
        span_of(chain(), ORDER, offsets)


def test_what_the_runtime_plans_itself_is_left_out() -> None:
    assert span_of(chain(), ORDER, (0, -1, -1, 32)) == (0, 64)


def test_bodies_take_their_bytes_while_their_operator_runs() -> None:
    def spans(number: int, *inner: int) -> tuple[Span, dict[int, Span]]:
        body = Part(chain(), ORDER, inner)
        return check_model_offsets(Part(chain(), ORDER, (0, 32, 64, 32), {number: [body]}), 16)

    assert spans(1, 96, 128, 160, 128) == ((0, 192), {1: (96, 192)})
    assert spans(0, 64, 96, 128, 96) == ((0, 160), {0: (64, 160)})
    assert spans(1, -1, 96, -1, -1) == ((0, 128), {1: (96, 128)})
    with pytest.raises(VerifyError, match=r"step 3: node 1, tensor 1 .* at 64 to 96 overlaps tensor 2 "):
        spans(1, 96, 64, 128, 160)
    with pytest.raises(VerifyError, match=r"step 3: node 1, tensor 1 .* overlaps node 1, tensor 0"):
        spans(1, 96, 96, 128, 160)


def test_one_body_may_run_twice() -> None:
    body = Part(chain(), ORDER, (96, 128, 160, 128))
    twice = Part(chain(), ORDER, (0, 32, 64, 32), {0: [body], 2: [body]})
    assert check_model_offsets(twice, 16) == ((0, 192), {0: (96, 192), 2: (96, 192)})


def test_only_what_is_in_the_arena_has_an_offset() -> None:
    builder = GraphBuilder()
    x, w = (add(Tensor("t", "int8", 8, (20,))) for add in (builder.add_input, builder.add_parameter))
    folded, y, unused = (builder.add_tensor(Tensor(name, "int8", 8, (20,))) for name in "fyu")
    builder.add_operator(Operator(0, "", "DEQUANTIZE", "", (w,), (folded,)))
    builder.add_operator(Operator(1, "", "ADD", "", (x, folded), (y,)))
    builder.add_output(y)
    graph = builder.build()
    assert span_of(graph, (0, 1), (0, 0, 64, 32, -1)) == (0, 96)
    with pytest.raises(VerifyError, match=rf"tensor {unused} \('u'\): has the offset 96, but is live at no"):
        span_of(graph, (0, 1), (0, 0, 64, 32, 96))
    with pytest.raises(VerifyError, match=r"tensor 2 \('f'\) at 0 to 32 overlaps tensor 0"):
        span_of(graph, (0, 1), (0, 0, 0, 32, -1))


def placed(*offsets: int) -> tuple[PlacedBuffer, ...]:
    """Return what a plan says of the chain, and scratch of operator 1 at 96."""
    named = enumerate(zip("xaby", offsets, strict=True))
    tensors = (PlacedBuffer(name, offset, 32, 0, 1, tensors=(t,)) for t, (name, offset) in named)
    return (*tensors, PlacedBuffer("scratch of 1", 96, 64, 1, 2, operator=1))


def test_offsets_are_those_of_the_plan() -> None:
    buffers = placed(0, 32, 64, 32)
    check_planned_offsets(chain(), (0, 32, 64, 32), buffers)
    with pytest.raises(VerifyError, match=r"tensor 2 \('b'\) is at 128 in the file, but at 64 in the plan"):
        check_planned_offsets(chain(), (0, 32, 128, 32), buffers)
    with pytest.raises(
        VerifyError, match=r"tensor 2 \('b'\) is left to the runtime in the file, but at 64 in the plan"
    ):
        check_planned_offsets(chain(), (0, 32, -1, 32), buffers)
    with pytest.raises(
        VerifyError, match=r"tensor 3 \('y'\) is at 32 in the file, but left to the runtime in the plan"
    ):
        check_planned_offsets(chain(), (0, 32, 64, 32), buffers[:3])
    check_planned_offsets(chain(), (0, 32, -1, 32), buffers, [2])


def test_bodies_stay_in_the_scratch_of_the_plan() -> None:
    buffers = placed(0, 32, 64, 32)
    check_planned_bodies({1: (96, 160)}, buffers)
    for span in ((80, 112), (96, 176)):
        with pytest.raises(VerifyError, match=f"operator 1 are at {span[0]} to {span[1]} .* keeps 96 to 160"):
            check_planned_bodies({1: span}, buffers)
    with pytest.raises(VerifyError, match="operator 0 are at 0 to 16 in the file, but the plan keeps 0 to 0"):
        check_planned_bodies({0: (0, 16)}, buffers)
