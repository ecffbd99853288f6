"""The subgraphs that operators call (IF, WHILE, CALL_ONCE), and the paths to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from hmcos.errors import ModelError
from hmcos.frontends.tflite.operator_codes import kind_of
from hmcos.frontends.tflite.schema import ModelT, OperatorT, integers
from hmcos.graph.graph import body_path

CALLS: dict[str, tuple[tuple[str, str], ...]] = {
    "IF": (("then", "thenSubgraphIndex"), ("else", "elseSubgraphIndex")),
    "WHILE": (("cond", "condSubgraphIndex"), ("body", "bodySubgraphIndex")),
    "CALL_ONCE": (("init", "initSubgraphIndex"),),
}
"""Kind to its bodies: their names in a plan, and the option that holds the subgraph's number."""
_FIRST_FED = {"IF": 1, "WHILE": 0}
"""Kind to the first of its inputs that goes into its bodies; the init subgraph of CALL_ONCE takes nothing."""

MOST_BODIES = 1000
"""Most bodies of a model, counted once per path: subgraphs with two calls each double them."""
DEEPEST = 20


@dataclass(frozen=True, slots=True)
class Call:
    """A subgraph that an operator runs."""

    operator: int
    role: str
    subgraph: int


def calls_of(model: ModelT, number: int, operator: OperatorT) -> tuple[Call, ...]:
    """Return the subgraphs that an operator runs; `number` is the operator's position.

    Raises:
        ModelError: it names a subgraph that does not exist.
    """
    kind, _ = kind_of(model, number, operator)
    calls: list[Call] = []
    for role, field in CALLS.get(kind, ()):
        target = cast("int | None", getattr(operator.builtinOptions, field, None))
        if target is None or not 0 <= target < len(model.subgraphs or []):
            raise ModelError(f"operator {number} ({kind}) runs subgraph {target} as {role}; there is none")
        calls.append(Call(number, role, target))
    return tuple(calls)


def paths(model: ModelT) -> Iterator[tuple[str, int]]:
    """Yield every path to a body and its subgraph, outer ones first; the main graph is subgraph 0, path "".

    Raises:
        ModelError: subgraphs call themselves, or too many paths lead to bodies.
    """
    open_paths = [("", 0, 0)]
    bodies = 0
    while open_paths:
        path, subgraph, depth = open_paths.pop()
        yield path, subgraph
        bodies += 1
        if bodies > MOST_BODIES or depth > DEEPEST:
            raise ModelError(
                f"its subgraphs call each other on more than {MOST_BODIES} paths, or deeper than {DEEPEST}:"
                " they call themselves, or the file is damaged"
            )
        operators = (model.subgraphs or [])[subgraph].operators or []
        for number, operator in enumerate(operators):
            open_paths += [
                (body_path(path, number, call.role), call.subgraph, depth + 1)
                for call in calls_of(model, number, operator)
            ]


@dataclass(frozen=True, slots=True)
class Fed:
    """A tensor that goes into a subgraph from the operator that runs it."""

    caller: int
    """The subgraph of the operator."""
    call: Call
    given: int
    """The tensor of the caller; -1 if there is none."""
    taken: int
    """The tensor of the subgraph that runs."""


def fed(model: ModelT) -> Iterator[Fed]:
    """Yield what operators feed to the subgraphs that they run, each caller once and after its own.

    Raises:
        ModelError: subgraphs call themselves, or too many paths lead to bodies.
    """
    graphs = model.subgraphs or []
    for caller in dict.fromkeys(subgraph for _, subgraph in paths(model)):
        for number, operator in enumerate(graphs[caller].operators or []):
            first = _FIRST_FED.get(kind_of(model, number, operator)[0])
            if first is None:
                continue
            given = integers(operator.inputs)[first:]
            for call in calls_of(model, number, operator):
                taken = integers(graphs[call.subgraph].inputs)
                yield from (Fed(caller, call, t, u) for t, u in zip(given, taken, strict=False))
