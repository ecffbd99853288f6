"""The ONNX format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hmcos.frontends.format import Format, Loadable
from hmcos.frontends.indices import Range
from hmcos.frontends.model import Model
from hmcos.frontends.outline import Outline
from hmcos.frontends.prepared import Prepared
from hmcos.graph.graph import Tensor
from hmcos.graph.spelling import Spelling
from hmcos.memory.target import Target

if TYPE_CHECKING:
    from hmcos.frontends.spans import Span
    from hmcos.graph.rewrite import Rewrite
    from hmcos.graph.windows import Windows

# Each method imports what it needs: onnx alone takes 100 ms, and few commands need all of this.
# ruff: noqa: PLC0415


class Onnx(Format):
    """Open Neural Network Exchange. Node numbers count the nodes of the (inlined) main graph."""

    name = "onnx"
    spelling = Spelling()
    float_ends = ("QuantizeLinear", "DequantizeLinear")

    def load(self, source: Loadable, bind: Mapping[str, int] | None) -> Model:
        """Return the model in a file or in memory; see `Format.load`."""
        from hmcos.frontends.onnx.reading import load

        return load(source, bind)

    def borrowed(self, source: Loadable, bind: Mapping[str, int] | None) -> Model:
        """Return the model in a file or in memory, without a copy of an object; see `Format.borrowed`."""
        from hmcos.frontends.onnx.reading import load

        return load(source, bind, borrow=True)

    def question(self, source: Loadable, bind: Mapping[str, int] | None) -> bytes | None:
        """Return a light model of which every inner tensor is an output; see `Format.question`."""
        from hmcos.frontends.onnx.question import question
        from hmcos.frontends.onnx.reading import parsed

        return question(parsed(source), bind or {})

    def told(
        self, source: Loadable, bind: Mapping[str, int] | None, sizes: Mapping[str, Tensor], by: str
    ) -> Model:
        """Return the model, with sizes that a runtime told; see `Format.told`."""
        from hmcos.frontends.onnx.reading import load

        return load(source, bind, sizes, told_by=by)

    def reordered(
        self, model: Model, orders: Mapping[str, Sequence[int]], offsets: Mapping[int, int] | None = None
    ) -> bytes:
        """Return the source with its nodes permuted; ONNX holds no offsets. See `Format.reordered`."""
        from hmcos.frontends.onnx.writing import serialised

        return serialised(model, orders)

    def windows(self, model: Model, target: Target | None = None) -> Windows:
        """Return what tiling has to know of each operator; see `Format.windows`."""
        from hmcos.frontends.onnx.windows import windows

        del target
        return windows(model)

    def prepared(self, model: Model) -> Prepared:
        """Return the model that a tiling begins with; see `Format.prepared`."""
        from hmcos.frontends.onnx.preparing import prepared

        return prepared(model)

    def rewritten(self, model: Model, rewrite: Rewrite) -> Model:
        """Return a model changed by a rewrite; see `Format.rewritten`."""
        from hmcos.frontends.onnx.rewriting import rewritten

        return rewritten(model, rewrite)

    def ranges(self, model: Model) -> dict[int, Range]:
        """Return the ranges of small parameters; see `Format.ranges`."""
        from hmcos.frontends.onnx.ranges import parameter_ranges

        return parameter_ranges(model)

    def float_spans(self, model: Model, ends: Sequence[int]) -> dict[int, Span]:
        """Return the floats that are quantized without clipping; see `Format.float_spans`."""
        from hmcos.frontends.onnx.spans import float_spans

        return float_spans(model, ends)

    def outline(self, source: Loadable, bind: Mapping[str, int]) -> Outline:
        """Return what is known while sizes are unknown; see `Format.outline`."""
        from hmcos.frontends.onnx.outline import outline

        return outline(source, bind)


ONNX = Onnx()
