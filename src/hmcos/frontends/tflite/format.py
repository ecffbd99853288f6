"""The TensorFlow Lite format."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, cast

from hmcos.errors import ModelError, OptionError
from hmcos.frontends.format import Format, Loadable, OffsetsInFiles, OwnOffsets, Place, Written
from hmcos.frontends.indices import Range
from hmcos.frontends.kernel_table import DEFAULT
from hmcos.frontends.model import Model
from hmcos.frontends.outline import Outline
from hmcos.graph.graph import Graph, Tensor, body_path
from hmcos.graph.spelling import Spelling
from hmcos.memory.target import Target, load_target, target_names

if TYPE_CHECKING:
    from hmcos.frontends.spans import Span
    from hmcos.graph.rewrite import Rewrite
    from hmcos.graph.rowwise import RowRules
    from hmcos.graph.upkeep import Upkeep
    from hmcos.graph.windows import KernelScratch, Windows
    from hmcos.plan.whole_arena import WholeArena

# Each method imports what it needs: few commands need all of this.
# ruff: noqa: PLC0415

TARGET = "tflm"
"""The target of TensorFlow Lite models if the user names none."""


class _Offsets(OffsetsInFiles):
    """Offsets as TensorFlow Lite for Microcontrollers reads them from a file."""

    alignment = 16
    largest_arena = 2**31 - 1
    """The runtime adds offsets and sizes in int32."""

    def places(self, model: Model) -> list[Place]:
        """Return the places of the main graph and all bodies; see `OffsetsInFiles.places`."""
        from collections import Counter

        from hmcos.frontends.tflite.calls import paths
        from hmcos.frontends.tflite.reading import parse

        file = parse(self.source(model))
        subgraph_of = dict(paths(file))
        uses = Counter(subgraph_of.values())
        first = [0]
        for subgraph in file.subgraphs or []:
            first.append(first[-1] + len(subgraph.tensors or []))
        return [
            Place(path, graph, subgraph_of[path], first[subgraph_of[path]], uses[subgraph_of[path]] > 1)
            for path, graph in _graphs(model.graph)
        ]

    def kept(self, model: Model) -> frozenset[int]:
        """Return the variables; see `OffsetsInFiles.kept`."""
        from hmcos.frontends.tflite.offsets import variables
        from hmcos.frontends.tflite.reading import parse

        return variables(parse(self.source(model)))

    def own(self, model: Model) -> OwnOffsets | None:
        """Return the offsets of a source; see `OffsetsInFiles.own`."""
        from hmcos.frontends.tflite.own_offsets import own_offsets
        from hmcos.frontends.tflite.reading import parse

        return own_offsets(parse(self.source(model)), model.graph)

    def unused(self, model: Model) -> Mapping[int, int]:
        """Return the tensors that nothing uses; see `OffsetsInFiles.unused`."""
        from hmcos.frontends.tflite.reading import parse
        from hmcos.frontends.tflite.unused import unused

        return unused(parse(self.source(model)))

    def source(self, model: Model) -> bytes:
        """Return the bytes of a model's source."""
        return cast(bytes, model.proto)

    def without(self, content: bytes, orders: Mapping[str, Sequence[int]]) -> bytes:
        """Return the bytes of a file with its operators permuted and without offsets."""
        from hmcos.frontends.tflite.writing import rewritten

        return rewritten(content, orders)

    def showing(self, content: bytes, tensors: Sequence[int]) -> bytes:
        """Return the bytes of a file with more outputs; see `OffsetsInFiles.showing`."""
        from hmcos.frontends.tflite.writing import showing

        return showing(content, tensors)

    def whole_arena(self, content: bytes, kernels: str, pointer_bytes: int) -> WholeArena:
        """Return the whole arena that TFLM takes for a file; see `OffsetsInFiles.whole_arena`."""
        from hmcos.frontends.tflite.arena.prediction import predicted_arena

        return predicted_arena(content, pointer_bytes, kernels)

    def read(self, path: Path) -> bytes:
        """Return the bytes of a written model; see `OffsetsInFiles.read`."""
        from hmcos.frontends.tflite.written_file import read

        return read(path)

    def written(self, source: bytes, result: bytes) -> Written:
        """Return how a model differs from its source; see `OffsetsInFiles.written`."""
        from hmcos.frontends.tflite.written_file import written

        return written(source, result)


class Tflite(Format):
    """TensorFlow Lite. Node numbers count the operators of a subgraph; the main one is the first."""

    name = "tflite"
    runs_by_rows = True
    offsets = _Offsets()
    spelling = Spelling("SLICE", "PAD", "PADV2", "CONCATENATION", most_parts=10)
    """TensorFlow Lite for Microcontrollers puts at most ten tensors together."""
    float_ends = ("QUANTIZE", "DEQUANTIZE")

    def windows(self, model: Model, target: Target | None = None) -> Windows:
        """Return which part of its inputs a part of an operator's outputs needs; see `Format.windows`."""
        from hmcos.frontends.tflite.windows import windows

        _check_fixed(model)
        return windows(model, micro=target is None or target.name in (TARGET, "default"))

    def kernel(self, target: Target, model: Model) -> KernelScratch | None:
        """Return the scratch of a target's kernels; see `Format.kernel`."""
        kernels = _kernels_of(target)
        if not kernels:
            return None
        from hmcos.frontends.tflite.kernels.asking import scratch_within

        return scratch_within(kernels, model)

    def upkeep(self, target: Target, model: Model, pointer_bytes: int) -> Upkeep | None:
        """Return what TFLM keeps for each operator; see `Format.upkeep`."""
        kernels = _kernels_of(target)
        if not kernels:
            return None
        from hmcos.frontends.tflite.arena.upkeep import upkeep

        return upkeep(cast(bytes, model.proto), pointer_bytes, kernels)

    def rows(self, model: Model) -> RowRules:
        """Return how operators can run row by row; see `Format.rows`."""
        from hmcos.frontends.tflite.rows import row_rules

        _check_fixed(model)
        return row_rules(model)

    def rewritten(self, model: Model, rewrite: Rewrite) -> Model:
        """Return a model changed by a rewrite of its main graph; see `Format.rewritten`."""
        from hmcos.frontends.tflite.rewriting import rewritten

        return rewritten(model, rewrite)

    def load(self, source: Loadable, bind: Mapping[str, int] | None) -> Model:
        """Return the model in a file; see `Format.load`."""
        from hmcos.frontends.tflite.resized import load

        return load(_file(source), bind)

    def offsets_for(self, model: Model) -> OffsetsInFiles | None:
        """Return how the file of a model holds offsets; see `Format.offsets_for`."""
        from hmcos.frontends.tflite.behind import is_behind_in

        varying = model.graph.is_bounded or model.graph.has_strings
        return None if varying or is_behind_in(cast(bytes, model.proto)) else self.offsets

    def question(self, source: Loadable, bind: Mapping[str, int] | None) -> bytes | None:
        """Return the model with the sizes of its inputs; see `Format.question`."""
        from hmcos.frontends.tflite.resized import question

        return question(_file(source), bind)

    def complete(
        self,
        source: Loadable,
        bind: Mapping[str, int] | None,
        sizes: Mapping[str, Tensor],
        ask: Callable[[bytes], Mapping[str, Tensor]],
    ) -> Mapping[str, Tensor]:
        """Return what a runtime told, with bounds; see `Format.complete`."""
        from hmcos.frontends.tflite.resized import complete

        return complete(_file(source), bind, sizes, ask)

    def told(
        self, source: Loadable, bind: Mapping[str, int] | None, sizes: Mapping[str, Tensor], by: str
    ) -> Model:
        """Return the model of `load`, with sizes that a runtime told; see `Format.told`."""
        from hmcos.frontends.tflite.resized import load

        return load(_file(source), bind, sizes, told_by=by)

    def outline(self, source: Loadable, bind: Mapping[str, int]) -> Outline:
        """Return what is known while sizes are unknown; see `Format.outline`."""
        from hmcos.frontends.tflite.resized import outline

        return outline(_file(source), bind)

    def reordered(
        self, model: Model, orders: Mapping[str, Sequence[int]], offsets: Mapping[int, int] | None = None
    ) -> bytes:
        """Return the source with its operators permuted, and offsets if any; see `Format.reordered`."""
        from hmcos.frontends.tflite.writing import serialised

        return serialised(model, orders, offsets)

    def ranges(self, model: Model) -> dict[int, Range]:
        """Return the ranges of small parameters; see `Format.ranges`."""
        from hmcos.frontends.tflite.ranges import parameter_ranges

        return parameter_ranges(model)

    def float_spans(self, model: Model, ends: Sequence[int]) -> dict[int, Span]:
        """Return the floats that are quantized without clipping; see `Format.float_spans`."""
        from hmcos.frontends.tflite.spans import float_spans

        return float_spans(model, ends)

    def target(self, target: Target, model: Model) -> Target:
        """Return tflm instead of the default, with the scratch that the model's kernels need."""
        kernels = _kernels_of(target)
        if not kernels:
            return target
        chosen = load_target(TARGET) if target.name == "default" else target
        if chosen.name != TARGET and chosen.name in target_names():
            raise OptionError(
                f"the target {chosen.name!r} has no kernels to choose; --kernels is for {TARGET}, or for a "
                "target of your own"
            )
        scratch = self.kernel_scratch(model, kernels)
        return replace(chosen, kernels=kernels).with_scratch(scratch).with_floor(self.floor(model))

    def kernel_scratch(self, model: Model, kernels: str = "") -> Mapping[str, int | None]:
        """Return the bytes of scratch that TFLM's kernels need per operator; see `Format.kernel_scratch`."""
        from hmcos.frontends.tflite.kernels.asking import model_scratch

        return model_scratch(kernels or DEFAULT, model)


def _file(source: Loadable) -> str | PathLike[str]:
    assert isinstance(source, str | PathLike), "only models of ONNX are read from memory"
    return source


def _check_fixed(model: Model) -> None:
    """Check that no size depends on data.

    Raises:
        ModelError: one does.
    """
    if model.graph.is_bounded:
        raise ModelError("has sizes that depend on data; only models of fixed sizes run in pieces or by rows")


def _kernels_of(target: Target) -> str:
    """Return the name of the kernels of a target; empty for a runtime that has none."""
    return target.kernels or (DEFAULT if target.name in (TARGET, "default") else "")


def _graphs(graph: Graph) -> Iterator[tuple[str, Graph]]:
    """Yield the graph and all bodies in it with their paths, outer ones first."""
    open_graphs = [("", graph)]
    while open_graphs:
        path, here = open_graphs.pop()
        yield path, here
        for op in here.operators:
            open_graphs += [(body_path(path, op.number, body.attribute), body.graph) for body in op.bodies]


TFLITE = Tflite()
