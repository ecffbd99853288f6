"""TensorFlow Lite for Microcontrollers: what it says of its arena is what we predict."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from flatbuffers import flexbuffers

from hmcos.errors import NotRunError
from hmcos.frontends.loading import load
from hmcos.frontends.model import Model
from hmcos.frontends.tflite.kernels.asking import model_scratch
from hmcos.frontends.tflite.writing import rewritten
from hmcos.graph.graph import Graph
from hmcos.plan.whole_arena import WholeArena
from hmcos.runtimes.tflite.litert import random_inputs, run
from hmcos.runtimes.tflite.tflm import arena_in, measured_arenas, room, tflm_arena
from tflite_models import NUMPY, S, Sketch, branches

pytestmark = pytest.mark.slow

pytest.importorskip("tflite_micro")


def read(content: bytes, folder: Path) -> Graph:
    return model_of(content, folder).graph


def model_of(content: bytes, folder: Path) -> Model:
    path = folder / "m.tflite"
    path.write_bytes(content)
    return load(path)


def aligned(size: int) -> int:
    return -(-size // 16) * 16


def quantized(scale: float = 0.5, channels: int = 1, axis: int = 0) -> Any:
    return S.QuantizationParametersT(
        scale=[scale] * channels, zeroPoint=[0] * channels, quantizedDimension=axis
    )


def options(sketch: Sketch, name: str, **values: Any) -> None:
    """Give the last operator its options."""
    operator = sketch.model.subgraphs[0].operators[-1]
    operator.builtinOptionsType = getattr(S.BuiltinOptions, name)
    operator.builtinOptions = getattr(S, f"{name}T")(**values)


def reduction(kind: str, element: str, *more: int) -> Sketch:
    sketch = Sketch()
    sketch.subgraph()
    fed = sketch.tensor([*more, 1, 4, 4, 24], element, quantization=quantized())
    axes = sketch.tensor([2], "INT32", data=NUMPY.array([1, 2], "int32"))
    left = [1, 24] if not more else [*more, 4, 24]
    made = sketch.tensor(left, element, quantization=quantized(0.25))
    sketch.operator(kind, [fed, axes], [made])
    options(sketch, "ReducerOptions", keepDims=False)
    sketch.ports([fed], [made])
    return sketch


def transposed_convolution(element: str) -> Sketch:
    sketch = Sketch()
    sketch.subgraph()
    shape = sketch.tensor([4], "INT32", data=NUMPY.array([1, 8, 8, 4], "int32"))
    width = "float32" if element == "FLOAT32" else "int8"
    weights = sketch.tensor(
        [4, 2, 2, 4], width.upper(), data=NUMPY.ones((4, 2, 2, 4), width), quantization=quantized(0.5, 4)
    )
    fed = sketch.tensor([1, 4, 4, 4], element, quantization=quantized())
    made = sketch.tensor([1, 8, 8, 4], element, quantization=quantized())
    sketch.operator("TRANSPOSE_CONV", [shape, weights, fed], [made], strideH=2, strideW=2, padding=1)
    sketch.ports([fed], [made])
    return sketch


def packed_weights() -> Sketch:
    sketch = Sketch()
    sketch.subgraph()
    fed, made = sketch.tensor([1, 64]), sketch.tensor([1, 32])
    weights = sketch.tensor([32, 64], "INT4", data=NUMPY.zeros(1024, "int8"), quantization=quantized())
    sketch.operator("FULLY_CONNECTED", [fed, weights, -1], [made])
    sketch.ports([fed], [made])
    return sketch


def sum_of_many() -> Sketch:
    sketch = Sketch()
    sketch.subgraph()
    fed = [sketch.tensor([1, 100]) for _ in range(3)]
    made = sketch.tensor([1, 100])
    sketch.operator("ADD_N", fed, [made])
    options(sketch, "AddNOptions")
    sketch.ports(fed, [made])
    return sketch


def filters(number: int) -> Sketch:
    """Return an SVDF, which keeps a variable of 8 bytes per filter."""
    sketch = Sketch()
    sketch.subgraph()
    fed, made = sketch.tensor([1, 8]), sketch.tensor([1, number])
    feature = sketch.tensor([number, 8], data=NUMPY.ones((number, 8), "int8"))
    time = sketch.tensor(
        [number, 4], "INT16", data=NUMPY.ones((number, 4), "int16"), quantization=quantized(0.1)
    )
    bias = sketch.tensor([number], "INT32", data=NUMPY.zeros(number, "int32"), quantization=quantized(0.01))
    state = sketch.tensor([1, 4 * number], "INT16", isVariable=True, quantization=quantized(0.1))
    sketch.operator(
        "SVDF",
        [fed, feature, time, bias, state],
        [made],
        rank=1,
        asymmetricQuantizeInputs=False,
        fusedActivationFunction=1,
    )
    sketch.ports([fed], [made])
    return sketch


def float_filters(number: int) -> Sketch:
    sketch = Sketch()
    sketch.subgraph()

    def parameter(*shape: int) -> int:
        return sketch.tensor([*shape], "FLOAT32", NUMPY.full(shape, 0.1, "float32"))

    fed, made = sketch.tensor([2, 8], "FLOAT32"), sketch.tensor([2, number // 2], "FLOAT32")
    state = sketch.tensor([2, 4 * number], "FLOAT32", isVariable=True)
    read = [fed, parameter(number, 8), parameter(number, 4), parameter(number // 2), state]
    sketch.operator("SVDF", read, [made], rank=2, asymmetricQuantizeInputs=False, fusedActivationFunction=1)
    sketch.ports([fed], [made])
    return sketch


def mirrored() -> Sketch:
    sketch = Sketch()
    sketch.subgraph()
    fed, made = sketch.tensor([1, 4, 4, 3]), sketch.tensor([1, 6, 6, 3])
    pads = sketch.tensor([4, 2], "INT32", data=NUMPY.array([[0, 0], [1, 1], [1, 1], [0, 0]], "int32"))
    sketch.operator("MIRROR_PAD", [fed, pads], [made])
    options(sketch, "MirrorPadOptions", mode=0)
    sketch.ports([fed], [made])
    return sketch


def all_true() -> Sketch:
    sketch = Sketch()
    sketch.subgraph()
    fed, made = sketch.tensor([1, 4, 4, 24], "BOOL"), sketch.tensor([1, 24], "BOOL")
    axes = sketch.tensor([2], "INT32", data=NUMPY.array([1, 2], "int32"))
    sketch.operator("REDUCE_ALL", [fed, axes], [made])
    options(sketch, "ReducerOptions", keepDims=False)
    sketch.ports([fed], [made])
    return sketch


def custom(sketch: Sketch, name: str, ports: tuple[list[int], list[int]], settings: dict[str, Any]) -> Sketch:
    """Return a sketch with a custom operator that has settings."""
    sketch.operator(name, *ports)
    sketch.model.subgraphs[0].operators[-1].customOptions = list(cast(Any, flexbuffers).Dumps(settings))
    sketch.ports(*ports)
    return sketch


def spectrum() -> Sketch:
    sketch = Sketch()
    sketch.subgraph()
    fed, made = sketch.tensor([1, 480], "INT16"), sketch.tensor([1, 514], "INT16")
    return custom(sketch, "SignalRfft", ([fed], [made]), {"T": 7, "fft_length": 512})


def detections() -> Sketch:
    sketch = Sketch()
    sketch.subgraph()
    fed = [sketch.tensor([1, 6, 4], "FLOAT32"), sketch.tensor([1, 6, 4], "FLOAT32")]
    anchors = sketch.tensor([6, 4], "FLOAT32", NUMPY.ones((6, 4), "float32"))
    made = [sketch.tensor(shape, "FLOAT32") for shape in ([1, 3, 4], [1, 3], [1, 3], [1])]
    settings = {"max_detections": 3, "max_classes_per_detection": 1, "num_classes": 3}
    settings |= dict.fromkeys(("y_scale", "x_scale", "h_scale", "w_scale"), 10.0)
    settings |= {"nms_score_threshold": 0.0, "nms_iou_threshold": 0.5}
    found = custom(sketch, "TFLite_Detection_PostProcess", ([*fed, anchors], made), settings)
    found.ports(fed, made)
    return found


def cells(number: int) -> Sketch:
    """Return an LSTM of three steps, on floats."""
    sketch = Sketch()
    sketch.subgraph()
    fed, made = sketch.tensor([1, 3, 8], "FLOAT32"), sketch.tensor([1, 3, number], "FLOAT32")

    def parameter(*shape: int) -> int:
        return sketch.tensor([*shape], "FLOAT32", NUMPY.full(shape, 0.1, "float32"))

    weights = [parameter(number, width) for width in (8, number) for _ in range(4)]
    biases = [parameter(number) for _ in range(4)]
    states = [sketch.tensor([1, number], "FLOAT32", isVariable=True) for _ in range(2)]
    inputs = [fed, *weights, -1, -1, -1, *biases, -1, -1, *states, -1, -1, -1, -1]
    sketch.operator("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, [made])
    options(sketch, "UnidirectionalSequenceLSTMOptions", fusedActivationFunction=4)
    sketch.ports([fed], [made])
    return sketch


SKETCHES = {
    "mean int8": reduction("MEAN", "INT8"),
    "sum int16": reduction("SUM", "INT16"),
    "mean float": reduction("MEAN", "FLOAT32"),
    "maximum": reduction("REDUCE_MAX", "INT8"),
    "transposed int8": transposed_convolution("INT8"),
    "transposed int16": transposed_convolution("INT16"),
    "transposed float": transposed_convolution("FLOAT32"),
    "int4": packed_weights(),
    "add_n": sum_of_many(),
    "svdf": filters(24),
    "svdf float": float_filters(26),
    "mirrored": mirrored(),
    "spectrum": spectrum(),
    "detections": detections(),
    "all": all_true(),
    "maximum of five": reduction("REDUCE_MAX", "INT8", 2),
    "lstm": cells(13),
}


@pytest.mark.parametrize("name", SKETCHES)
def test_scratch_is_what_the_kernel_asks_for(name: str, tmp_path: Path) -> None:
    content = SKETCHES[name].bytes()
    model = model_of(content, tmp_path)
    graph = model.graph
    tensors = sum(aligned(graph.tensors[t].size) for t in {*graph.inputs, *graph.outputs})
    needed = model_scratch("reference", model).get(graph.operators[0].name, 0)
    assert needed is not None
    assert tflm_arena(content, graph).head == tensors + needed


def test_variables_are_in_the_tail(tmp_path: Path) -> None:
    few, many = (filters(number) for number in (16, 64))
    arenas = [tflm_arena(s.bytes(), read(s.bytes(), tmp_path)) for s in (few, many)]
    assert arenas[1].tail - arenas[0].tail >= 8 * (64 - 16)


def test_offsets_decide_where_tensors_are(tmp_path: Path) -> None:
    content = branches().bytes()
    graph = read(content, tmp_path)
    assert tflm_arena(content, graph).head == 16 + 3 * 256
    assert tflm_arena(rewritten(content, {}, {1: 4096}), graph).head == 4096 + 256


def test_reordering_alone_takes_less_and_computes_the_same(tmp_path: Path) -> None:
    content = branches().bytes()
    graph = read(content, tmp_path)
    reordered = rewritten(content, {"": (0, 3, 1, 4, 2, 5, 6)})
    assert tflm_arena(reordered, graph).head < 16 + 2 * 256
    fed = random_inputs(graph, 3)
    for engine in ("tflm", "litert"):
        made = [run(engine, c, fed, room(c, graph)).outputs[0] for c in (content, reordered)]
        assert made[0].shape == (1, 3)
        assert made[0].tobytes() == made[1].tobytes()


def test_a_runtime_that_ends_itself_is_an_error(tmp_path: Path) -> None:
    content = branches().bytes()
    with pytest.raises(NotRunError, match=r"tflm: refuses the model \(exit code 1\)"):
        run("tflm", content, arena=512)
    with pytest.raises(NotRunError, match="tflm: refuses the model"):
        run("tflm", content[:200], arena=1 << 20)


def test_a_log_without_an_arena_is_an_error() -> None:
    with pytest.raises(NotRunError, match="did not say how large"):
        arena_in("Arena allocation head 12 bytes")


@pytest.mark.parametrize("width", range(60, 64))
def test_two_ways_to_ask_give_one_total(width: int, tmp_path: Path) -> None:
    """TFLM counts what it loses of an arena that ends between multiples of 16, so none is given to it."""
    content = branches(width).bytes()
    graph = read(content, tmp_path)
    (known,) = measured_arenas([(content, graph)])
    assert isinstance(known, WholeArena)
    assert room(content, graph) % 16 == 0
    found = tflm_arena(content, graph)
    assert (found.head, found.tail, found.total) == (known.head, known.tail, known.total)
