"""Run a TensorFlow Lite model and its result on the same inputs in two runtimes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from hmcos.errors import LimitError, NotRunError, VerifyError
from hmcos.frontends.model import Model
from hmcos.graph.graph import Graph, Operator
from hmcos.graph.kinds import RANDOM_TFLITE_KINDS
from hmcos.runtimes.tflite.litert import ModelRun
from hmcos.tasks.verify.tflite_trial import SourceRun, TfliteTrial
from hmcos.verify.checks import Answer, Check, attempt

_T = TypeVar("_T")


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
    checks = [
        attempt(f"outputs in {name}", lambda: _outputs(engine, trial, result))  # noqa: B023 (at once)
        for engine, name in trial.engines.items()
    ]
    if all(check.answer == Answer.NOT_RUN for check in checks):
        checks.append(Check("same function", Answer.NOT_RUN, "no runtime compared any output: see above"))
    return checks


def _outputs(engine: str, trial: TfliteTrial, result: bytes) -> str:
    """Return a summary of the compared outputs, and of inner tensors where the model was rewritten."""
    graph, inner = trial.model.graph, trial.inner()
    squares = _squares(trial.origin.graph) if engine == "xnnpack" else []
    if squares:
        raise NotRunError(f"it rounds {squares[0]} by whether it made what is squared or another kernel did")
    words = _compared(engine, trial, (trial.showing(), result), graph.outputs)  # at the offsets of the plan
    if not inner or engine == "xnnpack":
        return words
    shown = trial.showing(list(inner.values())), trial.held.showing(result, list(inner))
    return _compared(engine, trial, shown, (*graph.outputs, *inner))


def _compared(engine: str, trial: TfliteTrial, pair: tuple[bytes, bytes], made: Sequence[int]) -> str:
    """Return a summary of what was compared; if the source fails for some inputs, of those before.

    `made` are the tensors that both models put out, by their numbers in the one that was not given.
    """
    first = trial.running.seed
    sources: list[SourceRun] = []
    stopped: NotRunError | None = None
    for seed in range(first, first + trial.running.runs):
        try:
            sources.append(trial.run_source(engine, pair[0], seed))
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
    sources: list[SourceRun],
    made: Sequence[int],
) -> str:
    source, result = pair
    graph = trial.model.graph
    names = [graph.tensors[t].name for t in made]
    drawing, touched = _by_chance(graph)
    compared = [place for place, t in enumerate(made) if t not in touched]
    for seed, before in enumerate(sources, trial.running.seed):
        _check_bounds(trial.model, made, before)
        after = on_result(lambda: trial.run(engine, result, before.fed))  # noqa: B023 (called at once)
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
    quantized = ", floats taken as what they are quantized to" if trial.ends else ""
    words = f"{len(compared) - inner} outputs" + (f" and {inner} inner tensors" if inner else "")
    return f"{words} equal in every bit, for inputs of {len(sources)} seeds{quantized}{left_out}"


def _check_bounds(model: Model, made: Sequence[int], ran: SourceRun) -> None:
    """Check that outputs whose sizes depend on data are within what the plan counts.

    Raises:
        NotRunError: one is larger, and bounds were given.
        VerifyError: one is larger, though the model bounds it.
    """
    graph = model.graph
    given = [name for name in model.bind if name not in graph.symbols]
    for place, t in enumerate(made):
        tensor, found = graph.tensors[t], ran.outputs[place]
        if tensor.at_most and found.size > tensor.elements:
            words = f"has {found.size:,} elements, but the plan counts at most {tensor.elements:,}"
            if given:
                raise NotRunError(
                    f"output {tensor.name!r} {words}; it is for inputs that keep to {given[0]!r}"
                )
            raise VerifyError(f"output {place}, {tensor.name!r}, {words}")


def _steady(engine: str, trial: TfliteTrial, fed: tuple[bytes, int], before: SourceRun, place: int) -> bool:
    """Return whether another run of the source on the inputs of a seed makes the same output."""
    try:
        return _same(before, trial.run_source(engine, *fed), place)
    except NotRunError:  # it ran before, so a failure now must not excuse the result
        return True


def _same(one: SourceRun, other: SourceRun | ModelRun, place: int) -> bool:
    """Return whether an output has the same type, shape and bits in two runs."""
    first, second = one.outputs[place], other.outputs[place]
    alike = first.dtype == second.dtype and first.shape == second.shape
    return bool(alike and first.tobytes() == second.tobytes())


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
