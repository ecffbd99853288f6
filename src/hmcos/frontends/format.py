"""The interface of a model format: one value that reads, writes and describes its files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from hmcos.errors import ModelError, OptionError
from hmcos.frontends.indices import Range
from hmcos.frontends.model import Model
from hmcos.frontends.outline import Outline
from hmcos.frontends.prepared import Prepared, unchanged
from hmcos.graph.graph import Graph, Tensor
from hmcos.graph.spelling import Spelling
from hmcos.memory.target import Target

if TYPE_CHECKING:
    from hmcos.frontends.spans import Span
    from hmcos.graph.rewrite import Rewrite
    from hmcos.graph.rowwise import RowRules
    from hmcos.graph.upkeep import Upkeep
    from hmcos.graph.windows import KernelScratch, Windows
    from hmcos.plan.whole_arena import WholeArena


@runtime_checkable
class Serializable(Protocol):
    """A model in memory, such as an onnx.ModelProto."""

    def SerializeToString(self) -> bytes:  # noqa: N802 (protobuf's spelling)
        """Return the model as the bytes of a file."""
        ...


class InMemory(Protocol):
    """A model in memory of a library whose format tells it by its class: an ExportedProgram of PyTorch."""

    @property
    def graph_module(self) -> object:
        """The graph."""
        ...

    @property
    def graph_signature(self) -> object:
        """What the inputs and outputs of the graph are."""
        ...


Loadable = str | PathLike[str] | Serializable | InMemory
"""What formats load."""


class Format:
    """A format of models. Its heavy libraries are imported when one of its methods is first called."""

    name: str
    """The name in plans, such as `onnx`; also the suffix of written models."""
    offsets: OffsetsInFiles | None = None
    """How its files hold the offsets of an arena; None if they cannot."""
    spelling: Spelling | None = None
    """What the operators are called that a rewrite adds; None where models cannot be rewritten."""
    float_ends: tuple[str, str] | None = None
    """Kinds of the operators that make quantized tensors of floats, and floats of those; None if there are
    none, or models cannot be rewritten."""
    runs_by_rows: bool = False
    """Whether models can run row by row; only then has the format `rows`."""

    def load(self, source: Loadable, bind: Mapping[str, int] | None) -> Model:
        """Return the model in a file or in memory; `bind` gives sizes to symbolic dimensions.

        Raises:
            ModelError: it is not a model of this format, or cannot be scheduled.
            OptionError: `bind` names an unknown dimension, or a size that is not positive.
        """
        raise NotImplementedError

    def offsets_for(self, model: Model) -> OffsetsInFiles | None:
        """Return how the file of a model holds offsets; None if it cannot, or no runtime would use them."""
        del model
        return self.offsets

    def borrowed(self, source: Loadable, bind: Mapping[str, int] | None) -> Model:
        """Return the model of `load`, of which only the network will be used, before the source can change.

        An object in memory need not be copied, and then the model has no digests.
        """
        return self.load(source, bind)

    def question(self, source: Loadable, bind: Mapping[str, int] | None) -> bytes | None:
        """Return a model to ask a runtime for the sizes of its outputs, which are tensors of a source.

        For a source that `load` refuses because sizes are unknown; None if no runtime could know them.
        """
        del source, bind
        return None

    def complete(
        self,
        source: Loadable,
        bind: Mapping[str, int] | None,
        sizes: Mapping[str, Tensor],
        ask: Callable[[bytes], Mapping[str, Tensor]],
    ) -> Mapping[str, Tensor]:
        """Return the sizes that a runtime told, with those that depend on data, as bounds, and what follows.

        `ask` asks the runtime about another model.

        Raises:
            ModelError: the runtime refuses it.
        """
        del source, bind, ask
        return sizes

    def told(
        self, source: Loadable, bind: Mapping[str, int] | None, sizes: Mapping[str, Tensor], by: str
    ) -> Model:
        """Return the model of `load`, with sizes by name that a runtime told; `by` is its name.

        Raises:
            ModelError: sizes are still unknown.
        """
        del sizes, by
        return self.load(source, bind)

    def reordered(
        self, model: Model, orders: Mapping[str, Sequence[int]], offsets: Mapping[int, int] | None = None
    ) -> bytes:
        """Return the bytes of a model's source with its nodes permuted, and nothing else changed.

        `orders` holds node numbers in the new order; the key is empty for the main graph and a path such as
        `node 17/then_branch` for a body. `offsets` are bytes in the arena by tensor, for a format that holds
        them.

        Raises:
            OptionError: an order is not a permutation, or is for a graph that the model does not have.
            OutputError: the model cannot be written in this format again without loss.
        """
        raise NotImplementedError

    def orders_in(self, model: Model, written: Path) -> Mapping[str, tuple[int, ...]]:
        """Return, by path of graph, the operators of a model in the order of a written file.

        Raises:
            ModelError: the file differs from the model in more than the order of its nodes; names the place.
        """
        raise NotImplementedError

    def windows(self, model: Model, target: Target | None = None) -> Windows:
        """Return per operator of a model which part of its inputs a part of its outputs needs.

        Operators that could not be run in pieces on a target are left whole; None is the format's own target.

        Raises:
            ModelError: models of this format, or this one, cannot be rewritten; says why and the way out.
        """
        raise ModelError(f"a model of the format {self.name} cannot be rewritten")

    def prepared(self, model: Model) -> Prepared:
        """Return the model that a tiling begins with: it computes the same bits, and needs no more.

        The same model every time, so that a plan can be made again. Nothing of the model is changed.

        Raises:
            ModelError: this model cannot be rewritten; says why and the way out.
        """
        return unchanged(model)

    def rows(self, model: Model) -> RowRules:
        """Return per operator of a model how it can run row by row.

        Raises:
            ModelError: models of this format, or this one, cannot run row by row; says why and the way out.
        """
        raise ModelError(f"a model of the format {self.name} cannot run row by row; only .tflite models can")

    def rewritten(self, model: Model, rewrite: Rewrite) -> Model:
        """Return a model changed by a rewrite of its main graph, its operators numbered by the steps.

        Its source (`Model.proto`) is what `reordered` writes; names are unique, the interface is that of the
        model, and what the file says of tensors that are gone is gone. Nothing of the model is changed.

        Raises:
            ModelError: the format cannot express a step.
        """
        raise ModelError(f"a model of the format {self.name} cannot be rewritten")

    def kernel(self, target: Target, model: Model) -> KernelScratch | None:
        """Return the scratch of one operator of a model, or of a tile of one, on a target.

        None for targets on which it is not known by shapes, or is none.
        """
        del target, model
        return None

    def upkeep(self, target: Target, model: Model, pointer_bytes: int) -> Upkeep | None:
        """Return what a runtime with such pointers keeps for good for each operator of a model, on a target.

        None for targets on which that is not known, or is of no account.
        """
        del target, model, pointer_bytes
        return None

    def ranges(self, model: Model) -> dict[int, Range]:
        """Return the least and the greatest number in each small parameter of a model, by tensor."""
        raise NotImplementedError

    def float_spans(self, model: Model, ends: Sequence[int]) -> dict[int, Span]:
        """Return the span of floats that operators quantize without clipping them, by the tensor they read.

        Those of which the file does not say it, and those that quantize nothing, are left out.
        """
        del model, ends
        return {}

    def outline(self, source: Loadable, bind: Mapping[str, int]) -> Outline:
        """Return what is known about a model that `load` refuses because sizes are unknown.

        Raises:
            ModelError: all models of this format have known sizes.
        """
        raise ModelError(f"{source}: a model of the format {self.name} has no unknown sizes")

    def target(self, target: Target, model: Model) -> Target:
        """Return the target to use for a model; a format may replace the default by one of its own.

        Raises:
            OptionError: the target names kernels, but there are none to choose from for this format, or none
                of that name.
        """
        del model
        if target.kernels:
            raise OptionError(
                f"kernels are chosen for .tflite models only, and this one is of the format {self.name}"
            )
        return target

    def floor(self, model: Model) -> int:
        """Return the bytes of the largest tensor that no operator uses but a runtime keeps; 0 for none."""
        return 0 if self.offsets is None else max(self.offsets.unused(model).values(), default=0)

    def kernel_scratch(self, model: Model, kernels: str = "") -> Mapping[str, int | None] | None:
        """Return operator name to the bytes that its kernel needs, None where unknown; None for no kernels.

        Operators that need none are left out. `kernels` is their name, empty for the format's own.

        Raises:
            OptionError: no kernels of this format have the name.
        """
        del model, kernels
        return None


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a graph of a model in its file."""

    path: str
    """Path of the body, as in a plan; empty for the main graph."""
    graph: Graph
    subgraph: int
    first: int
    """Number of the graph's first tensor, counted through all subgraphs."""
    shared: bool
    """Whether several paths lead to this subgraph."""


@dataclass(frozen=True, slots=True)
class Written:
    """How a written model differs from its source."""

    orders: tuple[tuple[int, ...], ...]
    """Per subgraph: the source's operator numbers in the order of the result."""
    offsets: tuple[int, ...] | None
    """Bytes per tensor of all subgraphs, -1 if the runtime plans the tensor; None if there are no offsets."""


@dataclass(frozen=True, slots=True)
class OwnOffsets:
    """The offsets that a source has already, with which it computes what it computes without them."""

    offsets: Mapping[int, int]
    """Bytes by tensor, numbered through all subgraphs; those that the runtime places are left out."""
    written_over: Sequence[str]
    """What operators write over their input, in words; none of the targets of the format lets them."""


class OffsetsInFiles(Protocol):
    """How the files of a format hold the offsets of an arena."""

    alignment: int
    """Bytes; kernels require offsets that are multiples of it."""
    largest_arena: int
    """Bytes; the runtime cannot add up more."""

    def places(self, model: Model) -> Sequence[Place]:
        """Return the places of the main graph and all bodies, outer ones first."""
        ...

    def kept(self, model: Model) -> frozenset[int]:
        """Return the tensors of all subgraphs that keep their values between runs; they have no offsets."""
        ...

    def own(self, model: Model) -> OwnOffsets | None:
        """Return the offsets of a source, if any; None if it does not compute the same with them.

        Also None where operators run graphs of their own.
        """
        ...

    def unused(self, model: Model) -> Mapping[int, int]:
        """Return the bytes of the tensors of all subgraphs that the runtime keeps though it never uses them.

        It takes the arena to have room for each of them, but not at a time at which it runs anything.
        """
        ...

    def source(self, model: Model) -> bytes:
        """Return the bytes of a model's source."""
        ...

    def without(self, content: bytes, orders: Mapping[str, Sequence[int]]) -> bytes:
        """Return the bytes of a file with its operators permuted and without offsets.

        Raises:
            OptionError: an order is not a permutation, or is for a graph that the model does not have.
        """
        ...

    def showing(self, content: bytes, tensors: Sequence[int]) -> bytes:
        """Return the bytes of a file with more outputs: some tensors of the main graph, behind the others.

        It has no offsets: those that it had are wrong when these tensors live to the end.
        """
        ...

    def whole_arena(self, content: bytes, kernels: str, pointer_bytes: int) -> WholeArena:
        """Return the whole arena that a runtime with such kernels and pointers takes for a file, predicted.

        Raises:
            ModelError: the file is no model, or its arena cannot be predicted.
        """
        ...

    def read(self, path: Path) -> bytes:
        """Return the bytes of a written model.

        Raises:
            ModelError: the file cannot be read.
        """
        ...

    def written(self, source: bytes, result: bytes) -> Written:
        """Return how a model differs from its source, every field compared.

        Raises:
            ModelError: it differs in more than order and offsets, or is not a model; names the field.
        """
        ...
