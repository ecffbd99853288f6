"""A TensorFlow Lite model and what was made of it, run on the same inputs by two runtimes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, cast

from hmcos.errors import VerifyError
from hmcos.frontends.model import Model
from hmcos.frontends.tflite.kinds import RANDOM
from hmcos.graph.model import Graph, Operator
from hmcos.processes import Allowance
from hmcos.runtimes.tflite import Run, random_inputs, run
from hmcos.runtimes.tflm import TflmArena, room, tflm_arena
from hmcos.stages.running import Running
from hmcos.verify.checks import Check, attempt

ENGINES: dict[str, str] = {"litert": "LiteRT", "tflm": "TFLM"}
"""Runtime to what a report calls it."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A source, and how it and what was made of it are run."""

    model: Model
    running: Running
    own: Mapping[str, Any]
    """The user's own inputs: name to array of bytes."""

    @property
    def source(self) -> bytes:
        """The bytes of the source."""
        return cast(bytes, self.model.proto)

    @property
    def allowance(self) -> Allowance:
        """What one run may take."""
        return Allowance(self.running.seconds, self.running.memory)

    def inputs(self, seed: int) -> list[Any]:
        """Return an array per input: the user's own, or random ones."""
        numpy: Any = import_module("numpy")
        graph = self.model.graph
        fed = random_inputs(graph, seed)
        for place, tensor in enumerate(graph.tensors[t] for t in graph.inputs):
            if tensor.name in self.own:
                mine = numpy.frombuffer(self.own[tensor.name].tobytes(), tensor.element)
                fed[place] = mine.reshape(tensor.shape)
        return fed

    def run(self, engine: str, content: bytes, seed: int) -> Run:
        """Return what a model makes of the inputs of a seed."""
        return run(engine, content, self.inputs(seed), room(content, self.model.graph), self.allowance)

    def arena(self, content: bytes) -> TflmArena:
        """Return what TFLM says of the arena of a model."""
        return tflm_arena(content, self.model.graph, self.allowance)


def outputs_checks(trial: Trial, result: bytes) -> list[Check]:
    """Return, per runtime, whether source and result make the same bits; at least one has to tell."""
    checks: list[Check] = []
    compared = False
    for engine, name in ENGINES.items():
        check, told = _outputs(engine, name, trial, result)
        checks.append(check)
        compared |= told
    if not compared:
        checks.append(Check("same function", False, "not proved: neither runtime runs the source"))
    return checks


def _outputs(engine: str, name: str, trial: Trial, result: bytes) -> tuple[Check, bool]:
    """Return a check, and whether it compared anything: a source that does not run tells nothing."""
    title, first = f"outputs in {name}", trial.running.seed
    seeds = range(first, first + trial.running.runs)
    try:
        sources = [trial.run(engine, trial.source, seed) for seed in seeds]
    except VerifyError as error:
        return Check(title, True, f"not compared, since the source does not run there either: {error}"), False
    return attempt(title, lambda: _equal(engine, trial, result, seeds, sources)), True


def _equal(engine: str, trial: Trial, result: bytes, seeds: range, sources: list[Run]) -> str:
    graph = trial.model.graph
    names = [graph.tensors[t].name for t in graph.outputs]
    drawing, touched = _by_chance(graph)
    compared = [place for place, t in enumerate(graph.outputs) if t not in touched]
    for seed, before in zip(seeds, sources, strict=True):
        after = trial.run(engine, result, seed)
        for place in compared:
            one, other = before.outputs[place], after.outputs[place]
            if one.dtype != other.dtype or one.tobytes() != other.tobytes():
                raise VerifyError(f"output {place}, {names[place]!r}, differs for the inputs of seed {seed}")
    left_out = f"; left out what comes of the random {', '.join(drawing[:3])}" if drawing else ""
    return f"{len(compared)} outputs equal in every bit, for inputs of {len(seeds)} seeds{left_out}"


def _by_chance(graph: Graph) -> tuple[list[str], set[int]]:
    """Return the names of the operators that draw numbers, and all tensors that these have a say in."""
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
    """Return whether an operator, or one in its bodies, draws numbers."""
    inside = [op]
    while inside:
        here = inside.pop()
        if here.kind in RANDOM and not here.domain:
            return True
        inside += [inner for body in here.bodies for inner in body.graph.operators]
    return False
