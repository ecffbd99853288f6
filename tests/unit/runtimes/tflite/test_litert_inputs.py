"""Random inputs of TensorFlow Lite models are such that runtimes take them."""

from __future__ import annotations

from typing import Any

from hmcos.graph.builder import GraphBuilder
from hmcos.graph.graph import Operator, Tensor
from hmcos.runtimes.tflite.litert import random_inputs


def fed(kind: str, reads: list[tuple[str, int, tuple[int, ...]]], made: tuple[int, ...]) -> list[Any]:
    """Return the inputs of an operator, given the element, bits and shape of each."""
    builder = GraphBuilder()
    inputs = tuple(
        builder.add_input(Tensor(f"x{place}", element, bits, shape))
        for place, (element, bits, shape) in enumerate(reads)
    )
    y = builder.add_tensor(Tensor("y", reads[0][0], reads[0][1], made))
    builder.add_operator(Operator(0, "", kind, "", inputs, (y,)))
    builder.add_output(y)
    return random_inputs(builder.build(), 0)


def test_nothing_is_divided_by_zero() -> None:
    for kind in ("DIV", "FLOOR_DIV", "FLOOR_MOD"):
        _, divisor = fed(kind, [("int32", 32, (100,))] * 2, (100,))
        assert set(divisor) == set(range(1, 8))


def test_places_in_the_result_are_within_it() -> None:
    places, _ = fed("SCATTER_ND", [("int32", 32, (50, 1)), ("float32", 32, (50, 4))], (6, 4))
    assert set(places.ravel()) == {0, 1, 2, 3}


def test_roots_are_of_positive_numbers() -> None:
    for element, bits, least in (("int8", 8, 63), ("int16", 16, 16383)):
        (values,) = fed("RSQRT", [(element, bits, (1000,))], (1000,))
        assert least <= values.min() < values.max() <= 2 * least + 1


def test_shapes_are_those_that_are_made() -> None:
    _, shape = fed("RESHAPE", [("float32", 32, (2, 6)), ("int32", 32, (2,))], (3, 4))
    assert (shape.dtype.name, shape.tolist()) == ("int32", [3, 4])
