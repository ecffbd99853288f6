"""What is in a TensorFlow Lite file after its main graph was rewritten."""

from __future__ import annotations

from io import BytesIO
from struct import pack, unpack
from typing import Any, cast
from zipfile import ZipFile

import pytest

from hmcos.errors import ModelError
from hmcos.frontends.model import Model
from hmcos.frontends.tflite.attached import attached
from hmcos.frontends.tflite.offsets import NAME, offsets_in
from hmcos.frontends.tflite.reading import model_in, parse
from hmcos.frontends.tflite.rewriting import CONTROL, rewritten
from hmcos.frontends.tflite.schema import content_of, integers, text, words
from hmcos.graph.rewrite import Box, ConcatStep, OperatorStep, PadStep, Part, Rewrite, SliceStep
from hmcos.graph.windows import Interval
from tflite_models import NUMPY, S, Sketch, conditional

NO_PADS = ((0, 0), (0, 0))
AXES = (1, 2)


def rows(begin: int, end: int, width: int = 6) -> Box:
    return Interval(begin, end), Interval(0, width)


def chain(element: str = "INT8") -> Sketch:
    """Return two RELUs on an image of 8 rows and 6 columns."""
    sketch = Sketch()
    sketch.subgraph()
    x, inner, y = (sketch.tensor([1, 8, 6, 2], element) for _ in range(3))
    sketch.operator("RELU", [x], [inner])
    sketch.operator("RELU", [inner], [y])
    sketch.ports([x], [y])
    return sketch


def halves() -> Rewrite:
    """Return both operators of the chain, upper half first; its tensors are x, inner and y."""
    parts = [Part(t, box, AXES) for box in (rows(0, 4), rows(4, 8)) for t in (0, 1, 2)]
    steps: list[Any] = []
    for number, box in enumerate((rows(0, 4), rows(4, 8))):
        cut, inner, made = (3 + 3 * number + i for i in range(3))
        steps += [
            SliceStep(0, cut, box, AXES),
            OperatorStep(0, (cut,), (inner,), NO_PADS),
            OperatorStep(1, (inner,), (made,), NO_PADS),
        ]
    return Rewrite((*steps, ConcatStep((5, 8), 2, 1)), tuple(parts))


def file_of(model: Model) -> Any:
    return parse(cast(bytes, model.proto))


def kinds(model: Model) -> list[str]:
    return [op.kind for op in model.graph.operators]


def test_pieces_are_operators_between_slices_and_a_concatenation() -> None:
    made = rewritten(model_in(chain().bytes(), None), halves())
    assert kinds(made) == ["SLICE", "RELU", "RELU"] * 2 + ["CONCATENATION"]
    graph, file = made.graph, file_of(made)
    cut = graph.operators[3]
    assert [graph.tensors[t].shape for t in (*cut.inputs, *cut.outputs) if t is not None] == [
        (1, 8, 6, 2),
        (4,),
        (4,),
        (1, 4, 6, 2),
    ]
    numbers = [content_of(file.buffers[file.subgraphs[0].tensors[t].buffer]) for t in cut.inputs[1:]]
    assert [unpack("<4i", content) for content in numbers] == [(0, 4, 0, 0), (-1, 4, 6, -1)]
    assert file.subgraphs[0].operators[-1].builtinOptions.axis == 1
    assert graph.operators[0].inputs[2] == cut.inputs[2]  # equal constants are one


def test_what_nobody_makes_any_more_is_gone() -> None:
    made = rewritten(model_in(chain().bytes(), None), halves())
    names = [tensor.name for tensor in made.graph.tensors]
    assert "t1" not in names
    assert names[:3] == ["t0", "t2", "t0[0:4,0:6]"]
    assert (made.graph.inputs, made.graph.outputs) == ((0,), (1,))


def test_a_tensor_that_nobody_ever_used_stays() -> None:
    sketch = chain()
    sketch.tensor([7], name="idle")
    made = rewritten(model_in(sketch.bytes(), None), shifted(halves(), 1))
    assert "idle" in [tensor.name for tensor in made.graph.tensors]


def shifted(rewrite: Rewrite, by: int) -> Rewrite:
    """Return a rewrite of the chain for a graph with more tensors."""

    def new(t: int | None) -> int:
        assert t is not None
        return t if t < 3 else t + by

    steps: list[Any] = []
    for step in rewrite.steps:
        match step:
            case SliceStep():
                steps.append(SliceStep(new(step.reads), new(step.makes), step.box, AXES))
            case OperatorStep():
                inputs, outputs = tuple(map(new, step.inputs)), tuple(map(new, step.outputs))
                steps.append(OperatorStep(step.number, inputs, outputs, step.pads))
            case ConcatStep():
                steps.append(ConcatStep(tuple(map(new, step.reads)), new(step.makes), step.axis))
            case PadStep():
                raise AssertionError("the chain has none")
    return Rewrite(tuple(steps), rewrite.parts)


def test_names_are_unique() -> None:
    sketch = chain()
    sketch.model.subgraphs[0].tensors[1].name = "t0[0:4,0:6]"
    made = rewritten(model_in(sketch.bytes(), None), halves())
    names = [tensor.name for tensor in made.graph.tensors]
    assert len(set(names)) == len(names)
    assert "t0[0:4,0:6] 2" in names


@pytest.mark.parametrize(
    ("element", "cut", "concat"), [("FLOAT32", 1, 1), ("INT8", 2, 2), ("INT16", 4, 3), ("UINT8", 1, 1)]
)
def test_codes_are_of_the_version_that_knows_the_type(element: str, cut: int, concat: int) -> None:
    made = file_of(rewritten(model_in(chain(element).bytes(), None), halves()))
    found = {words("BuiltinOperator")[code.builtinCode]: code.version for code in made.operatorCodes}
    assert found == {"RELU": 1, "SLICE": cut, "CONCATENATION": concat}


def test_codes_that_are_there_are_used_again() -> None:
    sketch = chain()
    number = sketch.code("SLICE")
    sketch.model.operatorCodes[number].version = 5
    made = file_of(rewritten(model_in(sketch.bytes(), None), halves()))
    assert [code.builtinCode for code in made.operatorCodes].count(S.BuiltinOperator.SLICE) == 1
    assert made.subgraphs[0].operators[0].opcodeIndex == number


def test_offsets_and_numbers_of_operators_are_removed_and_the_rest_stays() -> None:
    sketch = chain()
    sketch.model.buffers += [S.BufferT(list(pack("<6i", 1, 0, 3, 0, 96, 0))), S.BufferT([7])]
    last = len(sketch.model.buffers) - 1
    sketch.model.metadata = [S.MetadataT(NAME, last - 1), S.MetadataT(CONTROL, last), S.MetadataT("a", last)]
    stream = BytesIO(sketch.bytes())
    with ZipFile(stream, "a") as archive:
        archive.writestr("labels.txt", "cat\n")
    made = rewritten(model_in(stream.getvalue(), None), halves())
    file = file_of(made)
    assert offsets_in(file) is None
    assert [text(entry.name) for entry in file.metadata] == ["a"]
    assert content_of(file.buffers[last]) == b"\x07"
    assert b"cat" in attached(cast(bytes, made.proto))


def test_signatures_name_the_tensors_that_they_named() -> None:
    sketch = chain()
    entries = [S.TensorMapT(name=f"port {t}", tensorIndex=t) for t in (0, 2)]
    signature = S.SignatureDefT(inputs=entries[:1], outputs=entries[1:], signatureKey="serve")
    sketch.model.signatureDefs = [signature]
    file = file_of(rewritten(model_in(sketch.bytes(), None), halves()))
    found = file.signatureDefs[0].outputs[0].tensorIndex
    assert text(file.subgraphs[0].tensors[found].name) == "t2"


def test_an_open_batch_stays_open() -> None:
    sketch = chain()
    for tensor in sketch.model.subgraphs[0].tensors:
        tensor.shapeSignature = [-1, 8, 6, 2]
    file = file_of(rewritten(model_in(sketch.bytes(), None), halves()))
    part = next(t for t in file.subgraphs[0].tensors if text(t.name) == "t1[4:8,0:6]")
    assert integers(part.shapeSignature) == [-1, 4, 6, 2]


def test_bodies_are_left_as_they_are() -> None:
    model = model_in(conditional().bytes(), None)
    made = rewritten(model, Rewrite((OperatorStep(0, (0, 1), (2,)),)))
    assert made.graph == model.graph


def test_a_filled_first_buffer_is_not_taken_for_an_empty_one() -> None:
    sketch = chain()
    sketch.model.buffers[0].data = [1, 2, 3]
    sketch.model.buffers.append(S.BufferT())
    for tensor in sketch.model.subgraphs[0].tensors:
        tensor.buffer = 1
    made = rewritten(model_in(sketch.bytes(), None), halves())
    assert sum(tensor.is_parameter for tensor in made.graph.tensors) == 3


def pooled(element: str) -> Sketch:
    """Return the maximum over 3 x 3 pixels, as large as the image."""
    sketch = Sketch()
    sketch.subgraph()
    x, y = sketch.tensor([1, 8, 6, 2], element), sketch.tensor([1, 8, 6, 2], element)
    options = {"padding": S.Padding.SAME, "strideH": 1, "strideW": 1, "filterHeight": 3, "filterWidth": 3}
    sketch.operator("MAX_POOL_2D", [x], [y], **options)
    sketch.ports([x], [y])
    return sketch


def lower_half(pads: tuple[tuple[int, int], tuple[int, int]]) -> Rewrite:
    """Return rows 3 to 8 cut out, padded around by an operator of its own, and pooled in VALID."""
    wide = Interval(3, 9), Interval(-1, 7)
    parts = (Part(0, rows(3, 8), AXES), Part(0, wide, AXES), Part(1, rows(4, 8), AXES))
    steps = (
        SliceStep(0, 2, rows(3, 8), AXES),
        PadStep(2, 3, ((0, 1), (1, 1)), AXES, float("-inf")),
        OperatorStep(0, (3,), (4,), pads),
        OperatorStep(0, (0,), (1,)),
    )
    return Rewrite(steps, parts)


def test_a_maximum_is_padded_with_less_than_anything() -> None:
    file = file_of(rewritten(model_in(pooled("FLOAT32").bytes(), None), lower_half(NO_PADS)))
    graph = file.subgraphs[0]
    padding, whole = (graph.operators[k].builtinOptions.padding for k in (2, 3))
    assert (padding, whole) == (S.Padding.VALID, S.Padding.SAME)
    pads, fill = (file.buffers[graph.tensors[t].buffer] for t in graph.operators[1].inputs[1:])
    assert NUMPY.frombuffer(content_of(pads), "int32").tolist() == [0, 0, 0, 1, 1, 1, 0, 0]
    assert NUMPY.frombuffer(content_of(fill), "float32").tolist() == [float("-inf")]


def test_the_value_of_padding_is_quantized_as_what_it_pads() -> None:
    rewrite = lower_half(NO_PADS)
    pad = cast(PadStep, rewrite.steps[1])
    least = PadStep(pad.reads, pad.makes, pad.pads, pad.axes, -128.0)
    steps = (*rewrite.steps[:1], least, *rewrite.steps[2:])
    file = file_of(rewritten(model_in(pooled("INT8").bytes(), None), Rewrite(steps, rewrite.parts)))
    fill = file.subgraphs[0].tensors[file.subgraphs[0].operators[1].inputs[2]]
    assert content_of(file.buffers[fill.buffer]) == b"\x80"
    assert (list(fill.quantization.scale), list(fill.quantization.zeroPoint)) == ([0.5], [0])


@pytest.mark.parametrize("pads", [((0, 1), (1, 1)), ((1, 1), (0, 0))])
def test_padding_that_no_word_says_is_refused(pads: tuple[tuple[int, int], tuple[int, int]]) -> None:
    model = model_in(pooled("FLOAT32").bytes(), None)
    with pytest.raises(ModelError, match="MAX_POOL_2D 0: cannot be told of the padding"):
        rewritten(model, lower_half(pads))
    with pytest.raises(ModelError, match="RELU 0: cannot be told of the padding"):
        step = OperatorStep(0, (0,), (1,), pads)
        rewritten(model_in(chain().bytes(), None), Rewrite((step, OperatorStep(1, (1,), (2,)))))
