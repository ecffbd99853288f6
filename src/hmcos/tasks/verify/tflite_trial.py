"""A TensorFlow Lite source and how to run it, and its result, on the same inputs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, NamedTuple, TypeVar

from hmcos.errors import LimitError, NotRunError
from hmcos.frontends.format import OffsetsInFiles
from hmcos.frontends.loading import format_called, ranges
from hmcos.frontends.model import Model
from hmcos.frontends.spans import spread
from hmcos.graph.float_ends import without
from hmcos.graph.graph import Graph
from hmcos.processes import Allowance
from hmcos.runtimes.tflite.litert import ModelRun, random_inputs, run
from hmcos.runtimes.tflite.tflm import TflmArena, room, tflm_arena
from hmcos.tasks.verify.run_options import Running

_T = TypeVar("_T")

ENGINES: dict[str, str] = {"litert": "LiteRT", "tflm": "TFLM"}
"""Runtime to its name in reports."""
ENGINES_OF_REWRITTEN: dict[str, str] = {"litert": "LiteRT", "xnnpack": "XNNPACK", "tflm": "TFLM"}
"""Those for a model with other operators than its source, which other kernels may compute otherwise."""


class SourceRun(NamedTuple):
    """A run of the source, as the result sees it."""

    fed: list[Any]
    """An array per input of the result."""
    outputs: tuple[Any, ...]
    """An array per output of the result, and per inner tensor that was asked for."""


@dataclass(frozen=True, slots=True)
class TfliteTrial:
    """A source, and how to run it and its result."""

    model: Model
    """The source, as the result's operators are numbered."""
    held: OffsetsInFiles
    """How files of its format hold offsets."""
    running: Running
    own: Mapping[int, Any]
    """Inputs of the source from the user: tensor to array of bytes."""
    ends: tuple[int, ...] = ()
    """Operators of the source that the result lacks, since it takes and makes quantized tensors."""

    @property
    def origin(self) -> Model:
        """The model as it was given; another one than `model` where that was rewritten."""
        return self.model.origin or self.model

    @property
    def source(self) -> bytes:
        """The bytes of the model as it was given."""
        return self.held.source(self.origin)

    @property
    def engines(self) -> Mapping[str, str]:
        """Runtime to its name in reports, for the runtimes that compare outputs."""
        return ENGINES_OF_REWRITTEN if self.model.rewritten else ENGINES

    @property
    def quantized(self) -> Mapping[int, int]:
        """Inputs and outputs of the source to the tensors of the source that the result has instead."""
        return without(self.origin.graph, self.ends).replaced

    def inner(self) -> dict[int, int]:
        """Return the computed tensors that both models have, by number in the rewritten one and the source.

        They have the same name, which no other tensor has, and the same shape. Outputs are left out.
        """
        if not self.model.rewritten:
            return {}
        before, after = _by_name(self.origin.graph), _by_name(self.model.graph)
        one, other = self.origin.graph.tensors, self.model.graph.tensors
        return {
            after[name]: t
            for name, t in before.items()
            if name in after
            and (one[t].shape, one[t].element) == (other[after[name]].shape, other[after[name]].element)
        }

    def without_offsets(self) -> bytes:
        """Return the source without its own offsets, which may be wrong and do not affect the outputs."""
        return self.held.without(self.source, {})

    def showing(self, inner: Sequence[int] = ()) -> bytes:
        """Return the source with what the result takes and makes, and some inner tensors, as outputs."""
        shown = [*self.quantized.values(), *inner]
        return self.held.showing(self.source, shown) if shown else self.without_offsets()

    @property
    def allowance(self) -> Allowance:
        """The limits of one run."""
        return Allowance(self.running.seconds, self.running.memory)

    def inputs(self, seed: int) -> list[Any]:
        """Return an array per input of the source: the user's, or a random one.

        Random floats that are only quantized fill the range of what they become.

        Raises:
            LimitError: the inputs are larger than the memory limit of a run.
            NotRunError: an input has a type for which no values can be made.
        """
        numpy: Any = import_module("numpy")
        graph = self.origin.graph
        size = sum(graph.tensors[t].size for t in graph.inputs)
        if size > self.running.memory:
            raise LimitError(f"the inputs have {size:,} bytes, more than --memory-limit allows")
        fed = random_inputs(graph, seed, ranges(self.origin))
        spans = format_called(self.origin.format).float_spans(self.origin, self.ends)
        for place, t in enumerate(graph.inputs):
            tensor = graph.tensors[t]
            if t in self.own:
                mine = numpy.frombuffer(self.own[t].tobytes(), tensor.element)
                fed[place] = mine.reshape(tensor.shape)
            elif t in spans:
                fed[place] = spread(numpy.random.default_rng([seed, place]), spans[t], tensor.shape)
        return fed

    def run_source(self, engine: str, content: bytes, seed: int) -> SourceRun:
        """Return the run of what `showing` returns on the inputs of a seed."""
        graph, fed, quantized = self.origin.graph, self.inputs(seed), self.quantized
        made = self.run(engine, content, fed, graph).outputs
        last = len(graph.outputs) + len(quantized)
        instead = dict(zip(quantized, made[len(graph.outputs) : last], strict=True))
        entered = [instead.get(t, array) for t, array in zip(graph.inputs, fed, strict=True)]
        left = [instead.get(t, made[k]) for k, t in enumerate(graph.outputs)]
        return SourceRun(entered, (*left, *made[last:]))

    def run(self, engine: str, content: bytes, fed: Sequence[Any], graph: Graph | None = None) -> ModelRun:
        """Return the run of a model, the result if no other graph is given, on some inputs."""
        size = room(content, graph or self.model.graph)
        return _advised(lambda: run(engine, content, fed, size, self.allowance))

    def arena(self, content: bytes, graph: Graph | None = None) -> TflmArena:
        """Return the arena that TFLM reports for a model, the result if no other graph is given."""
        return _advised(lambda: tflm_arena(content, graph or self.model.graph, self.allowance))

    def fits(self, content: bytes, size: int) -> bool:
        """Return whether TFLM sets a model up in an arena of so many bytes.

        Raises:
            LimitError: it reaches a limit of time or memory.
        """
        try:
            _advised(lambda: run("tflm", content, arena=size, allowance=self.allowance))
        except LimitError:
            raise
        except NotRunError:
            return False
        return True


def _advised(run: Callable[[], _T]) -> _T:
    """Return the result of a run; if it reaches a limit, the error says how to raise the limit."""
    try:
        return run()
    except LimitError as error:
        raise LimitError(f"{error}; raise --time-limit or --memory-limit") from error


def _by_name(graph: Graph) -> dict[str, int]:
    """Return name to number of the computed tensors that are no outputs and have a name of their own."""
    number = Counter(tensor.name for tensor in graph.tensors)
    return {
        graph.tensors[t].name: t
        for op in graph.operators
        for t in op.makes
        if graph.tensors[t].name
        and number[graph.tensors[t].name] == 1
        and t not in graph.outputs
        and not graph.tensors[t].is_parameter
    }
