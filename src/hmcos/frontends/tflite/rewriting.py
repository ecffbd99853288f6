"""From a model and a rewrite of its main graph to a file, and back to a Model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any, cast

import numpy as np

from hmcos.errors import ModelError
from hmcos.frontends.model import Model
from hmcos.frontends.tflite.facts import RANK, Facts
from hmcos.frontends.tflite.offsets import set_offsets
from hmcos.frontends.tflite.operator_codes import code_for
from hmcos.frontends.tflite.reading import model_in, parse
from hmcos.frontends.tflite.schema import integers, schema, text
from hmcos.frontends.tflite.tensors_added import Added
from hmcos.frontends.tflite.windows import AXES, windows_in
from hmcos.frontends.tflite.writing import packed_as
from hmcos.graph.rewrite import ConcatStep, OperatorStep, PadStep, Rewrite, SliceStep, Step, made_by
from hmcos.graph.windows import Pads, Spatial, Window, same_pads

NO_PADS = ((0, 0), (0, 0))
LEFT_OUT = -1
"""An optional input that an operator does not have."""
CONTROL = "model_control_dependencies"
"""Of the metadata that says by number which operators wait for which; the order of the steps keeps to it."""


def rewritten(model: Model, rewrite: Rewrite) -> Model:
    """Return a model changed by a rewrite of its main graph, its operators numbered by the steps.

    Tensors that nobody makes any more are gone, and so are offsets: they were for another graph. Buffers and
    bodies are what they were.

    Raises:
        ModelError: the file cannot express a step, or the steps do not make a graph that can run.
        OutputError: the schema cannot express the file again, or it would be too large.
    """
    content = cast(bytes, model.proto)
    source: Any = parse(content)
    writing = _Writing(model, source, rewrite)
    source.subgraphs[0].operators = [writing.operator(step) for step in rewrite.steps]
    writing.replace_ports()
    writing.drop_tensors()
    set_offsets(source, None)
    source.metadata = _without_operators(source.metadata)
    return model_in(packed_as(source, content), model.path)


class _Writing:
    """The steps of a rewrite, as operators of a file in memory."""

    def __init__(self, model: Model, source: Any, rewrite: Rewrite) -> None:
        self.graph, self.source, self.rewrite = model.graph, source, rewrite
        self.subgraph: Any = source.subgraphs[0]
        self.operators: list[Any] = list(self.subgraph.operators or [])
        self.facts, self.windows = Facts(model.graph, source), windows_in(model.graph, source)
        self.added = Added(model.graph, source)
        for part in rewrite.parts:
            self.added.part(part)

    def operator(self, step: Step) -> Any:
        """Return the operator that a step becomes."""
        match step:
            case OperatorStep():
                return self.of_source(step)
            case SliceStep():
                return self.cut(step)
            case PadStep():
                return self.pad(step)
            case ConcatStep():
                options = schema().ConcatenationOptionsT(axis=step.axis)
                return self.new("CONCATENATION", step.reads, step.makes, "ConcatenationOptions", options)

    def of_source(self, step: OperatorStep) -> Any:
        """Return an operator of the source with other tensors; a tile has other sizes and pads too."""
        made = copy(self.operators[step.number])
        inputs = [LEFT_OUT if t is None else t for t in step.inputs]
        if step.pads is not None:
            made.builtinOptions = copy(made.builtinOptions)
            kind = self.graph.operators[step.number].kind
            tell = _OF_TILES.get(kind)
            if tell is not None:
                tell(self, step, made.builtinOptions, inputs)
            elif step.pads != NO_PADS:
                raise self.unpadded(step)
        made.inputs, made.outputs = inputs, [t for t in step.outputs if t is not None]
        return made

    def new(self, kind: str, reads: Sequence[int], makes: int, union: str, options: object) -> Any:
        """Return an operator that the source does not have."""
        element = self.added.element(makes)
        return schema().OperatorT(
            opcodeIndex=code_for(self.source, kind, element),
            inputs=list(reads),
            outputs=[makes],
            builtinOptionsType=getattr(schema().BuiltinOptions, union),
            builtinOptions=options,
        )

    def cut(self, step: SliceStep) -> Any:
        """Return a SLICE; the axes that are not cut stay as long as they are at run time."""
        rank = len(self.added.shape(step.reads))
        begin, size = [0] * rank, [-1] * rank
        for axis, interval in zip(step.axes, step.box, strict=True):
            begin[axis], size[axis] = interval.begin, interval.length
        reads = (step.reads, self.added.numbers(begin), self.added.numbers(size))
        return self.new("SLICE", reads, step.makes, "SliceOptions", schema().SliceOptionsT())

    def pad(self, step: PadStep) -> Any:
        """Return a PAD, which fills with the zero of the type, or a PADV2 with a value of its own."""
        pads = np.zeros((len(self.added.shape(step.reads)), 2), "<i4")
        for axis, pair in zip(step.axes, step.pads, strict=True):
            pads[axis] = pair
        reads = (step.reads, self.added.constant(pads))
        if step.fill is None:
            return self.new("PAD", reads, step.makes, "PadOptions", schema().PadOptionsT())
        fill = self.added.constant(np.array([step.fill], self.added.element(step.makes)), like=step.makes)
        return self.new("PADV2", (*reads, fill), step.makes, "PadV2Options", schema().PadV2OptionsT())

    def unpadded(self, step: OperatorStep) -> ModelError:
        """Return the error of a tile whose padding the operator cannot be told."""
        name = self.graph.operators[step.number].name
        return ModelError(f"{name}: cannot be told of the padding {step.pads} of a tile")

    def named_tensors(self) -> list[Any]:
        """Return the entries of signatures that name a tensor of the main graph."""
        found: list[Any] = []
        for signature in cast("list[Any]", self.source.signatureDefs or []):
            if signature.subgraphIndex == 0:
                found += [*(signature.inputs or []), *(signature.outputs or [])]
        return found

    def replace_ports(self) -> None:
        """Give the graph, and the signatures that name its tensors, the inputs and outputs of the rewrite."""
        graph, rewrite = self.subgraph, self.rewrite
        graph.inputs = [*rewrite.ports(integers(graph.inputs))]
        graph.outputs = [*rewrite.ports(integers(graph.outputs))]
        for entry in self.named_tensors():
            (entry.tensorIndex,) = rewrite.ports([entry.tensorIndex])

    def drop_tensors(self) -> None:
        """Take out what operators of the source read or made and nobody reads or makes now; renumber."""
        before = {t for op in self.operators for t in _ports(op)}
        kept = {t for op in self.subgraph.operators for t in _ports(op)}
        kept |= {*integers(self.subgraph.inputs), *integers(self.subgraph.outputs)}
        named = self.named_tensors()
        kept |= {entry.tensorIndex for entry in named}
        tensors: list[Any] = self.subgraph.tensors
        left = [
            t for t in range(len(tensors)) if t in kept or (t not in before and t not in self.added.parts)
        ]
        number = {LEFT_OUT: LEFT_OUT} | {t: i for i, t in enumerate(left)}
        self.subgraph.tensors = [tensors[t] for t in left]
        for operator in self.subgraph.operators:
            if operator.intermediates is not None:
                operator.intermediates = [number[t] for t in integers(operator.intermediates)]
        for owner in (*self.subgraph.operators, self.subgraph):
            owner.inputs = [number[t] for t in integers(owner.inputs)]
            owner.outputs = [number[t] for t in integers(owner.outputs)]
        for entry in named:
            entry.tensorIndex = number[entry.tensorIndex]
        _renumber_scales(self.subgraph.tensors, number)


def _renumber_scales(tensors: Sequence[Any], number: Mapping[int, int]) -> None:
    """Give tensors that are quantized in blocks the new numbers of those that hold their scales."""
    quantized = [tensor.quantization for tensor in tensors if tensor.quantization is not None]
    blocks = [each.details for each in quantized if hasattr(each.details, "scales")]
    for block in {id(block): block for block in blocks}.values():  # tensors may share them
        block.scales = number.get(block.scales, block.scales)
        block.zeroPoints = number.get(block.zeroPoints, block.zeroPoints)


def _ports(operator: Any) -> set[int]:
    inner = integers(operator.intermediates)
    return {*integers(operator.inputs), *integers(operator.outputs), *inner} - {LEFT_OUT}


def _without_operators(entries: Any) -> Any:
    """Return metadata without what names operators of the main graph by number."""
    return None if entries is None else [entry for entry in entries if text(entry.name) != CONTROL]


def _say_padding(writing: _Writing, step: OperatorStep, options: Any, inputs: list[int]) -> None:
    """Say the padding of a tile in one word: VALID for none, SAME where that means the same."""
    found, shape = writing.windows[step.number], writing.added.shape(inputs[0])
    maps = found.inputs[0] if isinstance(found, Spatial) else None
    if not isinstance(found, Spatial) or maps is None or step.pads is None:
        raise writing.unpadded(step)
    if found.pads is Pads.NONE:  # what the operator pads is cut off
        return
    options.padding = schema().Padding.VALID if step.pads == NO_PADS else schema().Padding.SAME
    for axis, along, pads in zip(found.axes, maps, step.pads, strict=True):
        is_same = isinstance(along, Window) and same_pads(shape[axis], along) == pads
        if step.pads != NO_PADS and not is_same:
            raise writing.unpadded(step)


def _say_pads(writing: _Writing, step: OperatorStep, options: Any, inputs: list[int]) -> None:
    """Give a PAD of a tile paddings of its own; those of other axes stay."""
    del options
    facts, found = writing.facts, writing.windows[step.number]
    pads = facts.numbers(writing.graph.operators[step.number], 1)
    if pads is None or step.pads is None or not isinstance(found, Spatial):
        raise writing.unpadded(step)
    for axis, pair in zip(found.axes, step.pads, strict=True):
        pads[2 * axis : 2 * axis + 2] = pair
    inputs[1] = writing.added.constant(np.array(pads, "<i4").reshape(-1, 2))


def _say_size(writing: _Writing, step: OperatorStep, options: Any, inputs: list[int]) -> None:
    """Give a resize of a tile a size of its own."""
    del options
    inputs[1] = writing.added.numbers(writing.added.shape(made_by(step)[0])[1:3])


def _say_shape(writing: _Writing, step: OperatorStep, options: Any, inputs: list[int]) -> None:
    """Let a transposed convolution make all that the inputs of a tile reach."""
    options.padding = schema().Padding.VALID
    inputs[0] = writing.added.numbers(writing.added.shape(made_by(step)[0]))


def _say_cut(writing: _Writing, step: OperatorStep, options: Any, inputs: list[int]) -> None:
    """Let a cut through the channels take all rows and columns that there are."""
    op = writing.graph.operators[step.number]
    if op.kind == "STRIDED_SLICE":
        for axis in AXES:
            options.endMask |= 1 << axis
        return
    size = writing.facts.numbers(op, 2) or [-1] * RANK
    inputs[2] = writing.added.numbers([-1 if axis in AXES else n for axis, n in enumerate(size)])


_OF_TILES: dict[str, Callable[[_Writing, OperatorStep, Any, list[int]], None]] = {
    "AVERAGE_POOL_2D": _say_padding,
    "CONV_2D": _say_padding,
    "DEPTHWISE_CONV_2D": _say_padding,
    "MAX_POOL_2D": _say_padding,
    "PAD": _say_pads,
    "PADV2": _say_pads,
    "RESIZE_BILINEAR": _say_size,
    "RESIZE_NEAREST_NEIGHBOR": _say_size,
    "SLICE": _say_cut,
    "STRIDED_SLICE": _say_cut,
    "TRANSPOSE_CONV": _say_shape,
}
"""Kinds of which a tile differs from the operator of the source, and what has to be changed."""
