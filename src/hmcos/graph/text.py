"""A graph as text, one line per operator."""

from __future__ import annotations

from collections.abc import Iterator

from hmcos.graph.graph import Graph, Operator, Tensor


def text(graph: Graph) -> str:
    """Return one line per input, operator and output; bodies follow their operator, indented.

    The line of an operator is `number kind 'name' (inputs) [captured] -> outputs`. A star marks
    parameters; `_` is an optional input or output that is left out.
    """
    return "".join(f"{line}\n" for line in _lines(graph, ""))


def describe(tensor: Tensor) -> str:
    """Return a tensor's element type and shape, such as `float32[1,3,32,32]`."""
    return f"{tensor.element}[{','.join(map(str, tensor.shape))}]"


def _lines(graph: Graph, indent: str) -> Iterator[str]:
    for t in graph.inputs:
        yield f"{indent}input {graph.tensors[t].name}: {describe(graph.tensors[t])}"
    for op in graph.operators:
        yield f"{indent}{_operator(graph, op)}"
        for body in op.bodies:
            yield f"{indent}  {body.attribute}:"
            yield from _lines(body.graph, f"{indent}    ")
    for t in graph.outputs:
        yield f"{indent}output {_name(graph, t)}"


def _operator(graph: Graph, op: Operator) -> str:
    kind = f"{op.domain}.{op.kind}" if op.domain else op.kind
    title = f"{op.number} {kind} {op.name!r}" if op.name else f"{op.number} {kind}"
    reads = ", ".join(_name(graph, t) for t in op.inputs)
    captured = f" [{', '.join(_name(graph, t) for t in op.captured)}]" if op.captured else ""
    makes = ", ".join(_made(graph, t) for t in op.outputs)
    return f"{title} ({reads}){captured} -> {makes}"


def _made(graph: Graph, t: int | None) -> str:
    return "_" if t is None else f"{_name(graph, t)}: {describe(graph.tensors[t])}"


def _name(graph: Graph, t: int | None) -> str:
    if t is None:
        return "_"
    return graph.tensors[t].name + ("*" if graph.tensors[t].is_parameter else "")
