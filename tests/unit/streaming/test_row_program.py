"""Networks of a few operators, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from hmcos.errors import ModelError
from hmcos.frontends.model import Model
from hmcos.frontends.onnx.format import ONNX
from hmcos.frontends.tflite.reading import model_in
from hmcos.graph.windows import Window
from hmcos.limits import Limits, Status, Watch
from hmcos.network.streaming import program_of
from hmcos.plan.row_parts import Role
from hmcos.streaming.program import Feeding, RowProgram, Rows
from onnx_models import chain
from tflite_models import S, Sketch, conditional, one_operator

VALID, SAME = S.Padding.VALID, S.Padding.SAME


def started() -> Sketch:
    sketch = Sketch()
    sketch.subgraph()
    return sketch


def model(sketch: Sketch, inputs: list[int], outputs: list[int]) -> Model:
    sketch.ports(inputs, outputs)
    return model_in(sketch.bytes(), Path("m.tflite"))


def program(known: Model, feeding: Feeding = Feeding.WHOLE) -> RowProgram:
    return program_of(known, Rows(feeding), Limits(), Watch())


def convolution(sketch: Sketch, x: int, y: int, kernel: int = 3, padding: int = VALID) -> None:
    channels = sketch.model.subgraphs[0].tensors[x].shape[3]
    filters = sketch.tensor(
        [1, kernel, kernel, channels], data=np.ones((1, kernel, kernel, channels), np.int8)
    )
    bias = sketch.tensor([1], "INT32", np.zeros(1, np.int32))
    options = {"padding": padding, "strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
    sketch.operator("CONV_2D", [x, filters, bias], [y], **options)


def integers(sketch: Sketch, values: Sequence[object]) -> int:
    data = np.array(values, np.int32)
    return sketch.tensor([*data.shape], "INT32", data)


def test_padding_becomes_a_part_of_the_convolution_that_reads_it() -> None:
    sketch = started()
    x, padded, y = (sketch.tensor([1, n, n, 1]) for n in (4, 6, 4))
    sketch.operator("PAD", [x, integers(sketch, [[0, 0], [1, 1], [1, 1], [0, 0]])], [padded])
    convolution(sketch, padded, y)
    (operator,) = program(model(sketch, [x], [y])).operators
    assert (operator.number, operator.folded, operator.inputs[0].tensor) == (1, (0,), x)
    assert operator.rows == operator.columns == Window(kernel=3, pad=1)
    assert operator.inputs[0].needs == ((0, 1), (0, 1, 2), (1, 2, 3), (2, 3))


def test_padding_that_others_read_too_runs_for_them() -> None:
    sketch = started()
    x, padded, y, z = (sketch.tensor([1, n, n, 1]) for n in (4, 6, 4, 6))
    sketch.operator("PAD", [x, integers(sketch, [[0, 0], [1, 1], [1, 1], [0, 0]])], [padded])
    convolution(sketch, padded, y)
    sketch.operator("RELU", [padded], [z])
    found = program(model(sketch, [x], [y, z]))
    assert [op.kind for op in found.operators] == ["PAD", "CONV_2D", "RELU"]
    assert found.operators[0].inputs[0].needs[0] == ()
    assert found.operators[1].inputs[0].tensor == x


def test_a_global_mean_adds_up_rows_in_16_bits() -> None:
    sketch = started()
    x, wide, y = sketch.tensor([1, 16, 16, 2]), sketch.tensor([1, 16, 16, 2]), sketch.tensor([1, 2])
    sketch.operator("RELU", [x], [wide])
    sketch.operator("MEAN", [wide, integers(sketch, [1, 2])], [y], keepDims=False)
    mean = program(model(sketch, [x], [y])).operators[-1]
    assert mean.role is Role.SUM
    assert (mean.steps, mean.axes) == (16, (1, 2))
    assert mean.accumulator is not None
    assert (mean.accumulator.elements, mean.accumulator.width) == (2, 2)


def test_a_global_mean_of_more_than_256_pixels_needs_32_bits() -> None:
    sketch = started()
    x, y = sketch.tensor([1, 16, 17, 2]), sketch.tensor([1, 2])
    sketch.operator("MEAN", [x, integers(sketch, [1, 2])], [y], keepDims=False)
    accumulator = program(model(sketch, [x], [y])).operators[0].accumulator
    assert accumulator is not None
    assert accumulator.width == 4
    assert accumulator.offset % 4 == 0


def test_transposing_before_a_mean_only_renames_axes() -> None:
    sketch = started()
    x, turned, y = sketch.tensor([1, 4, 5, 3]), sketch.tensor([1, 3, 4, 5]), sketch.tensor([1, 3])
    sketch.operator("TRANSPOSE", [x, integers(sketch, [0, 3, 1, 2])], [turned])
    sketch.operator("MEAN", [turned, integers(sketch, [2, 3])], [y], keepDims=False)
    (mean,) = program(model(sketch, [x], [y])).operators
    assert (mean.kind, mean.axes, mean.folded, mean.steps) == ("MEAN", (1, 2), (0,), 4)


def test_a_dense_layer_adds_up_the_rows_of_the_image_that_was_flattened() -> None:
    sketch = started()
    x, flat, y = sketch.tensor([1, 4, 4, 2]), sketch.tensor([1, 32]), sketch.tensor([1, 3])
    weights = sketch.tensor([3, 32], data=np.ones((3, 32), np.int8))
    sketch.operator("RESHAPE", [x, integers(sketch, [1, 32])], [flat], newShape=[1, 32])
    sketch.operator("FULLY_CONNECTED", [flat, weights, -1], [y])
    found = program(model(sketch, [x], [y]))
    (dense,) = found.operators
    assert (dense.role, dense.steps, dense.folded) == (Role.SUM, 4, (0,))
    assert found.peak == 32 + 12


def test_rows_put_together_and_split_are_never_moved() -> None:
    sketch = started()
    x, a, b, both = (sketch.tensor([1, n, 2, 1]) for n in (4, 2, 2, 4))
    y = sketch.tensor([1, 4, 2, 1])
    sketch.operator("SPLIT", [integers(sketch, [1]), x], [a, b], numSplits=2)
    sketch.operator("CONCATENATION", [b, a], [both], axis=1)
    sketch.operator("RELU", [both], [y])
    found = program(model(sketch, [x], [y]))
    assert [op.kind for op in found.operators] == ["RELU"]
    given = found.tensor(x).offsets
    assert found.tensor(both).offsets == (given[2], given[3], given[0], given[1])


def test_an_output_is_contiguous_even_if_rows_are_put_together() -> None:
    sketch = started()
    x, y = sketch.tensor([1, 2, 2, 1]), sketch.tensor([1, 4, 2, 1])
    sketch.operator("CONCATENATION", [x, x], [y], axis=1)
    found = program(model(sketch, [x], [y]))
    offsets = found.tensor(y).offsets
    assert [offset - offsets[0] for offset in offsets] == [0, 2, 4, 6]


def test_rows_that_nobody_needs_are_not_made() -> None:
    sketch = started()
    x, wide, y = sketch.tensor([1, 5, 1, 1]), sketch.tensor([1, 5, 1, 1]), sketch.tensor([1, 3, 1, 1])
    sketch.operator("RELU", [x], [wide])
    window = {"filterHeight": 1, "filterWidth": 1, "strideH": 2, "strideW": 1, "padding": VALID}
    sketch.operator("MAX_POOL_2D", [wide], [y], **window)
    found = program(model(sketch, [x], [y]))
    assert [offset >= 0 for offset in found.tensor(wide).offsets] == [True, False, True, False, True]
    assert len(found.steps) == 6


def test_an_input_by_rows_is_never_there_as_a_whole() -> None:
    sketch = started()
    x, y = sketch.tensor([1, 64, 8, 1]), sketch.tensor([1, 8])
    sketch.operator("MEAN", [x, integers(sketch, [1, 3])], [y], keepDims=False)
    known = model(sketch, [x], [y])
    whole, fed = program(known), program(known, Feeding.ROWS)
    assert whole.peak == 64 * 8 + 16
    assert (fed.peak, fed.arena, fed.status) == (8 + 16, 8 + 16, Status.OPTIMAL)


def test_only_a_single_input_can_come_by_rows() -> None:
    sketch = started()
    a, b, y = (sketch.tensor([1, 4, 2, 1]) for _ in range(3))
    sketch.operator("ADD", [a, b], [y])
    known = model(sketch, [a, b], [y])
    assert program(known).peak == 18
    words = (
        r"^m\.tflite: the network has 2 inputs \('t0', 't1'\); only a single one can come by rows: take them"
    )
    with pytest.raises(ModelError, match=words):
        program(known, Feeding.ROWS)


def test_a_refusal_names_the_first_of_many_inputs() -> None:
    sketch = started()
    given, y = [sketch.tensor([1, 4, 2, 1]) for _ in range(9)], sketch.tensor([1, 4, 2, 9])
    sketch.operator("CONCATENATION", given, [y], axis=3)
    with pytest.raises(ModelError, match=r"has 9 inputs \('t0', 't1', 't2', 't3', \.\.\.\); only"):
        program(model(sketch, given, [y]), Feeding.ROWS)


def split_and_joined() -> Model:
    """Return three inputs that are joined and split again into four outputs."""
    sketch = started()
    given = [sketch.tensor([1, 8, 8, n]) for n in (3, 1, 2)]
    joined = sketch.tensor([1, 8, 8, 6])
    sketch.operator("CONCATENATION", given, [joined], axis=3)
    parts = [sketch.tensor([1, 8, 8, 1]) for _ in range(6)]
    sketch.operator("SPLIT", [integers(sketch, [3]), joined], parts, numSplits=6)
    last = sketch.tensor([1, 8, 8, 2])
    sketch.operator("CONCATENATION", [parts[3], parts[5]], [last], axis=3)
    return model(sketch, given, [parts[0], parts[2], parts[4], parts[1], last])


@pytest.mark.parametrize("alignment", [1, 4, 16])
def test_inputs_and_outputs_need_not_lie_together(alignment: int) -> None:
    known = split_and_joined()
    found = program_of(known, Rows(Feeding.WHOLE, alignment), Limits(), Watch())
    assert found.peak == 432
    assert found.arena <= 544  # 636 with all inputs in one block and all outputs in another
    for t in (*found.inputs, *found.outputs):
        tensor = found.tensor(t)
        assert tensor.offsets[0] % alignment == 0
        assert tensor.offsets == tuple(tensor.offsets[0] + row * tensor.size for row in range(8))


@pytest.mark.parametrize("alignment", [4, 16])
def test_an_input_behind_one_of_odd_size_is_aligned(alignment: int) -> None:
    sketch = started()
    odd, even = sketch.tensor([1, 3, 3, 1]), sketch.tensor([1, 3, 4, 1])
    first, second = sketch.tensor([1, 3, 3, 1]), sketch.tensor([1, 3, 4, 1])
    sketch.operator("RELU", [odd], [first])
    sketch.operator("RELU", [even], [second])
    mean, y = sketch.tensor([1, 1, 1, 1]), sketch.tensor([1, 3, 4, 1])
    sketch.operator("MEAN", [first, integers(sketch, [1, 2, 3])], [mean], keepDims=True)
    sketch.operator("ADD", [second, mean], [y])
    known = model(sketch, [odd, even], [y])
    found = program_of(known, Rows(Feeding.WHOLE, alignment), Limits(), Watch())
    assert found.tensor(even).offsets[0] % alignment == 0
    for t in (first, second):
        assert all(offset % alignment == 0 for offset in found.tensor(t).offsets)


def test_what_cannot_be_run_is_named_with_the_reason() -> None:
    refused = (
        (
            one_operator("ADD", "FLOAT32"),
            r"operator 0 \(ADD 'ADD 0'\) computes on float32; only models quan",
        ),
        (one_operator("ADD", "INT16"), "computes on int16"),
        (
            one_operator("SEGMENT_SUM"),
            r"SEGMENT_SUM.* is of a kind that cannot be run row by row yet; cut it",
        ),
        (one_operator("MadeUp"), r"MadeUp.* is of a kind that cannot be run row by row yet; cut it"),
        (conditional(), "runs other graphs of the file"),
    )
    for sketch, words in refused:
        with pytest.raises(ModelError, match=words) as caught:
            program(model_in(sketch.bytes(), Path("m.tflite")))
        assert "\n" not in str(caught.value)


def test_weights_that_are_computed_are_refused() -> None:
    sketch = started()
    x, weights, y = sketch.tensor([1, 4]), sketch.tensor([3, 4]), sketch.tensor([1, 3])
    sketch.operator("FULLY_CONNECTED", [x, weights, -1], [y])
    with pytest.raises(ModelError, match="reads weights or numbers that are computed"):
        program(model(sketch, [x, weights], [y]))


def test_a_batch_of_images_is_refused() -> None:
    sketch = started()
    x, y = sketch.tensor([2, 4, 4, 1]), sketch.tensor([2, 2, 2, 1])
    convolution(sketch, x, y)
    with pytest.raises(ModelError, match="does not work on one image"):
        program(model(sketch, [x], [y]))


def test_other_formats_are_refused(tmp_path: Path) -> None:
    del tmp_path
    known = ONNX.load(chain(), None)
    with pytest.raises(ModelError, match=r"onnx cannot run row by row; only \.tflite models can"):
        program(known)


def test_rows_of_a_fed_input_that_nobody_reads_pass_by() -> None:
    sketch = started()
    x, y = sketch.tensor([1, 5, 1, 2]), sketch.tensor([1, 2, 1, 2])
    options = {"padding": VALID, "strideH": 2, "strideW": 1, "filterHeight": 2, "filterWidth": 1}
    sketch.operator("MAX_POOL_2D", [x], [y], **options)
    found = program(model(sketch, [x], [y]), Feeding.ROWS)
    taken = [step.step for step in found.steps if found.operators[step.operator].role is Role.FEED]
    assert taken == [0, 1, 2, 3, 4]
    assert found.tensor(x).offsets[4] == -1


def test_an_output_lies_where_rows_of_the_inputs_have_died() -> None:
    sketch = started()
    x, y, z = (sketch.tensor([1, 8, 2, 3]) for _ in range(3))
    sketch.operator("ADD", [x, y], [z])
    found = program(model(sketch, [x, y], [z]))
    assert found.arena == found.peak == 2 * 48 + 6


def test_a_row_in_place_of_one_of_the_input_keeps_the_output_away() -> None:
    sketch = started()
    x, y, z = sketch.tensor([1, 4, 2, 3]), sketch.tensor([1, 4, 2, 3]), sketch.tensor([1, 4, 2, 3])
    sketch.operator("RELU", [x], [y])
    sketch.operator("RESIZE_NEAREST_NEIGHBOR", [y, integers(sketch, [4, 2])], [z])
    sketch.operator("MEAN", [y, integers(sketch, [1])], [mean := sketch.tensor([1, 1, 2, 3])], keepDims=True)
    sketch.operator("MUL", [z, mean], [made := sketch.tensor([1, 4, 2, 3])])
    found = program(model(sketch, [x], [made]))
    assert found.tensor(y).offsets == found.tensor(x).offsets
    assert found.peak == 36 <= found.arena


def test_shapes_are_known_and_never_computed() -> None:
    sketch = started()
    x, shape, batch, wanted = (
        sketch.tensor([1, 4, 2, 3]),
        sketch.tensor([4], "INT32"),
        sketch.tensor([1], "INT32"),
        sketch.tensor([2], "INT32"),
    )
    flat, y = sketch.tensor([1, 24]), sketch.tensor([1, 24])
    sketch.operator("SHAPE", [x], [shape])
    cuts = [integers(sketch, [n]) for n in (0, 1, 1)]
    sketch.operator("STRIDED_SLICE", [shape, *cuts], [batch])
    sketch.operator("CONCATENATION", [batch, integers(sketch, [24])], [wanted], axis=0)
    sketch.operator("RESHAPE", [x, wanted], [flat])
    sketch.operator("RELU", [flat], [y])
    assert {op.kind for op in program(model(sketch, [x], [y])).operators} <= {"RESHAPE", "RELU"}


def test_what_is_told_by_shapes_what_to_do_is_refused() -> None:
    sketch = started()
    x, shape, y = sketch.tensor([1, 4, 2, 3]), sketch.tensor([4], "INT32"), sketch.tensor([1, 4, 2, 3])
    sketch.operator("SHAPE", [x], [shape])
    sketch.operator("SLICE", [x, integers(sketch, [0, 0, 0, 0]), shape], [y])
    with pytest.raises(ModelError, match=r"SLICE.* reads numbers computed from shapes; export"):
        program(model(sketch, [x], [y]))


def test_a_network_without_operators_is_refused() -> None:
    sketch = started()
    x = sketch.tensor([1, 4, 2, 3])
    with pytest.raises(ModelError, match="nothing to compile"):
        program(model(sketch, [x], [x]))
