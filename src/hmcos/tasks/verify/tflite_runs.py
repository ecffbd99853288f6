"""Run a TensorFlow Lite model and its result on the same inputs in two runtimes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeVar

from hmcos.errors import LimitError, NotRunError, VerifyError
from hmcos.frontends.format import OffsetsInFiles
from hmcos.frontends.loading import ranges
from hmcos.frontends.model import Model
from hmcos.graph.graph import Graph, Operator
from hmcos.graph.kinds import RANDOM_TFLITE_KINDS
from hmcos.processes import Allowance
from hmcos.runtimes.tflite.litert import ModelRun, random_inputs, run
from hmcos.runtimes.tflite.tflm import TflmArena, room, tflm_arena
from hmcos.tasks.verify.run_options import Running
from hmcos.verify.checks import Answer, Check, attempt

_T = TypeVar("_T")

ENGINES: dict[str, str] = {"litert": "LiteRT", "tflm": "TFLM"}
"""Runtime to its name in reports."""
ENGINES_OF_REWRITTEN: dict[str, str] = {"litert": "LiteRT", "xnnpack": "XNNPACK", "tflm": "TFLM"}
"""Those for a model with other operators than its source, which other kernels may compute otherwise."""


@dataclass(frozen=True, slots=True)
class TfliteTrial:
    """A source, and how to run it and its result."""

    model: Model
    held: OffsetsInFiles
    """How files of its format hold offsets."""
    running: Running
    own: Mapping[int, Any]
    """Inputs from the user: tensor to array of bytes."""

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

    @property
    def allowance(self) -> Allowance:
        """The limits of one run."""
        return Allowance(self.running.seconds, self.running.memory)

    def inputs(self, seed: int) -> list[Any]:
        """Return an array per input: the user's, or a random one.

        Raises:
            LimitError: the inputs are larger than the memory limit of a run.
            NotRunError: an input has a type for which no values can be made.
        """
        numpy: Any = import_module("numpy")
        graph = self.model.graph
        size = sum(graph.tensors[t].size for t in graph.inputs)
        if size > self.running.memory:
            raise LimitError(f"the inputs have {size:,} bytes, more than --memory-limit allows")
        fed = random_inputs(graph, seed, ranges(self.model))
        for place, t in enumerate(graph.inputs):
            if t in self.own:
                tensor = graph.tensors[t]
                mine = numpy.frombuffer(self.own[t].tobytes(), tensor.element)
                fed[place] = mine.reshape(tensor.shape)
        return fed

    def run(self, engine: str, content: bytes, seed: int) -> ModelRun:
        """Return the run of a model on the inputs of a seed."""
        fed, size = self.inputs(seed), room(content, self.model.graph)
        return _advised(lambda: run(engine, content, fed, size, self.allowance))

    def arena(self, content: bytes) -> TflmArena:
        """Return the arena that TFLM reports for a model."""
        return _advised(lambda: tflm_arena(content, self.model.graph, self.allowance))


def _advised(run: Callable[[], _T]) -> _T:
    """Return the result of a run; if it reaches a limit, the error says how to raise the limit."""
    try:
        return run()
    except LimitError as error:
        raise LimitError(f"{error}; raise --time-limit or --memory-limit") from error


def on_result(run: Callable[[], _T]) -> _T:
    """Return the outcome of running the result; the same run of the source has succeeded before.

    Raises:
        LimitError: the run reaches a limit of time or memory.
        VerifyError: the runtime refuses the result, or crashes.
    """
    try:
        return run()
    except LimitError:
        raise
    except NotRunError as error:
        raise VerifyError(f"the source runs, but not the result: {error}") from error


def outputs_checks(trial: TfliteTrial, result: bytes) -> list[Check]:
    """Return, per runtime, the check that source and result make equal outputs.

    If no runtime could compare any output, one more check says that this was not run.
    """
    source = trial.without_offsets()
    checks = [
        attempt(f"outputs in {name}", lambda: _outputs(engine, trial, source, result))  # noqa: B023 (at once)
        for engine, name in trial.engines.items()
    ]
    if all(check.answer == Answer.NOT_RUN for check in checks):
        checks.append(Check("same function", Answer.NOT_RUN, "no runtime compared any output: see above"))
    return checks


def _outputs(engine: str, trial: TfliteTrial, source: bytes, result: bytes) -> str:
    """Return a summary of the compared outputs, and of inner tensors where the model was rewritten."""
    graph, inner = trial.model.graph, trial.inner()
    squares = _squares(trial.origin.graph) if engine == "xnnpack" else []
    if squares:
        raise NotRunError(f"it rounds {squares[0]} by whether it made what is squared or another kernel did")
    words = _compared(engine, trial, (source, result), graph.outputs)  # at the offsets of the plan
    if not inner or engine == "xnnpack":
        return words
    shown = trial.held.showing(source, list(inner.values())), trial.held.showing(result, list(inner))
    return _compared(engine, trial, shown, (*graph.outputs, *inner))


def _compared(engine: str, trial: TfliteTrial, pair: tuple[bytes, bytes], made: Sequence[int]) -> str:
    """Return a summary of what was compared; if the source fails for some inputs, of those before.

    `made` are the tensors that both models put out, by their numbers in the one that was not given.
    """
    first = trial.running.seed
    sources: list[ModelRun] = []
    stopped: NotRunError | None = None
    for seed in range(first, first + trial.running.runs):
        try:
            sources.append(trial.run(engine, pair[0], seed))
        except NotRunError as error:
            stopped = error
            break
    words = _equal(engine, trial, pair, sources, made)
    if stopped is not None:
        raise type(stopped)(f"the source does not run there: {stopped}") from stopped
    return words


def _equal(
    engine: str,
    trial: TfliteTrial,
    pair: tuple[bytes, bytes],
    sources: list[ModelRun],
    made: Sequence[int],
) -> str:
    source, result = pair
    graph = trial.model.graph
    names = [graph.tensors[t].name for t in made]
    drawing, touched = _by_chance(graph)
    compared = [place for place, t in enumerate(made) if t not in touched]
    for seed, before in enumerate(sources, trial.running.seed):
        after = on_result(lambda: trial.run(engine, result, seed))  # noqa: B023 (called at once)
        other = [place for place in compared if not _same(before, after, place)]
        if other:
            steady = [place for place in other if _steady(engine, trial, (source, seed), before, place)]
            if not steady:
                raise NotRunError(f"output {names[other[0]]!r} of the source differs from run to run")
            place = steady[0]
            raise VerifyError(f"output {place}, {names[place]!r}, differs for the inputs of seed {seed}")
    random = f"the random {', '.join(drawing[:3])}"
    if sources and names and not compared:
        raise NotRunError(f"nothing to compare: every output depends on {random}")
    left_out = f"; left out what depends on {random}" if drawing else ""
    inner = sum(place >= len(graph.outputs) for place in compared)
    words = f"{len(compared) - inner} outputs" + (f" and {inner} inner tensors" if inner else "")
    return f"{words} equal in every bit, for inputs of {len(sources)} seeds{left_out}"


def _steady(engine: str, trial: TfliteTrial, fed: tuple[bytes, int], before: ModelRun, place: int) -> bool:
    """Return whether another run of the source on the inputs of a seed makes the same output."""
    try:
        return _same(before, trial.run(engine, *fed), place)
    except NotRunError:  # it ran before, so a failure now must not excuse the result
        return True


def _same(one: ModelRun, other: ModelRun, place: int) -> bool:
    """Return whether an output has the same type, shape and bits in two runs."""
    first, second = one.outputs[place], other.outputs[place]
    alike = first.dtype == second.dtype and first.shape == second.shape
    return bool(alike and first.tobytes() == second.tobytes())


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


def _squares(graph: Graph) -> list[str]:
    """Return the operators that multiply a quantized tensor with itself."""
    return [
        op.name
        for op in graph.operators
        if op.kind == "MUL" and len(set(op.inputs)) == 1 and graph.tensors[op.makes[0]].element != "float32"
    ]


def _by_chance(graph: Graph) -> tuple[list[str], set[int]]:
    """Return the names of the random operators, and all tensors that depend on them."""
    drawing: list[str] = []
    touched: set[int] = set()
    for op in graph.operators:
        draws = _draws(op)
        if draws:
            drawing.append(op.name)
        if draws or any(t in touched for t in op.reads):
            touched.update(op.makes)
    return drawing, touched


def _draws(op: Operator) -> bool:
    """Return whether an operator, or one in its bodies, is random."""
    inside = [op]
    while inside:
        here = inside.pop()
        if here.kind in RANDOM_TFLITE_KINDS and not here.domain:
            return True
        inside += [inner for body in here.bodies for inner in body.graph.operators]
    return False
