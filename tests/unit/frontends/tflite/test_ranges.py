"""The ranges of the small constants of a TensorFlow Lite model, which its indices must stay within."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmcos.frontends.indices import LARGEST, Range
from hmcos.frontends.loading import load
from hmcos.frontends.tflite.ranges import parameter_ranges
from tflite_models import NUMPY, Sketch

pytest.importorskip("ai_edge_litert")


def with_constant(data: object, element: str, shape: list[int]) -> tuple[Sketch, int]:
    """A model that adds a constant to its input, and the tensor of the constant."""
    sketch = Sketch()
    sketch.subgraph()
    fed = sketch.tensor(shape, element)
    constant = sketch.tensor(shape, element, data)
    made = sketch.tensor(shape, element)
    sketch.operator("ADD", [fed, constant], [made])
    sketch.ports([fed], [made])
    return sketch, constant


def ranges(sketch: Sketch) -> dict[int, object]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "net.tflite"
        path.write_bytes(sketch.bytes())
        return dict(parameter_ranges(load(path)))


@settings(max_examples=40)
@given(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=9))
def test_it_is_from_the_least_to_the_largest_element(numbers: list[int]) -> None:
    sketch, constant = with_constant(NUMPY.array(numbers, "int32"), "INT32", [len(numbers)])
    assert ranges(sketch) == {constant: Range(min(numbers), max(numbers))}


@pytest.mark.parametrize(("size", "known"), [(LARGEST, True), (LARGEST + 1, False)])
def test_only_small_constants_are_read(size: int, known: bool) -> None:
    sketch, constant = with_constant(NUMPY.arange(size, dtype="int32"), "INT32", [size])
    assert ranges(sketch) == ({constant: Range(0, size - 1)} if known else {})


def test_a_constant_whose_last_element_is_cut_off_has_no_range() -> None:
    sketch, _ = with_constant(b"", "INT32", [2])
    sketch.model.buffers[-1].data = [1, 0, 0, 0, 2]
    assert ranges(sketch) == {}
