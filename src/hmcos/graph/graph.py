"""The network as a graph: tensors, operators, bodies, inputs and outputs, all frozen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from math import prod

STRING = "string"
"""The element type of strings; sequences and maps of them have it in theirs."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """A value of the network. Its id is its position in `Graph.tensors`."""

    name: str
    """As in the source; may be empty or repeated where the format allows it."""
    element: str
    """Element type as numpy spells it: float32, bfloat16, int4, bool, ..."""
    bits: int
    """Bits of one element; fewer than 8 for packed types."""
    shape: tuple[int, ...]
    """Empty for a scalar."""
    is_parameter: bool = False
    """True for weights, constants, and all values computed only from those."""
    at_most: bool = False
    """Whether the shape depends on data, so that these sizes are only its bounds."""

    @property
    def elements(self) -> int:
        """The number of elements; 1 for a scalar."""
        return prod(self.shape)

    @property
    def size(self) -> int:
        """Bytes, packed and rounded up to whole bytes per tensor (memory model, What is counted)."""
        return (self.elements * self.bits + 7) // 8


@dataclass(frozen=True, slots=True)
class Body:
    """A graph that an operator (If, Loop, Scan, ...) runs inside itself."""

    attribute: str
    """The attribute that holds it, such as then_branch."""
    graph: Graph
    held: tuple[int, ...] | None = None
    """Sizes in bytes of what the operator holds besides its inputs while this runs, its outputs included;
    None where the kind of the operator says it, as in ONNX."""


@dataclass(frozen=True, slots=True)
class Operator:
    """One node of the source."""

    number: int
    """Position in the source's node list."""
    name: str
    """As in the source; may be empty or repeated."""
    kind: str
    """The operator type, such as Conv."""
    domain: str
    """Empty for the standard operators."""
    inputs: tuple[int | None, ...]
    """Tensor ids in the order of the source; None where an optional input is left out."""
    outputs: tuple[int | None, ...]
    """Tensor ids in the order of the source; None where an optional output is left out."""
    captured: tuple[int, ...] = ()
    """Tensors outside its bodies that these read, other than its inputs; ascending, each once."""
    bodies: tuple[Body, ...] = ()
    is_random: bool = False
    """Whether it makes different values on every run, or acts on the world; such operators keep their order
    among each other."""
    temporaries: tuple[int, ...] = ()
    """Sizes in bytes of what it holds besides its inputs when it needs most, its outputs included; empty if
    that is its outputs alone."""
    tile_of: int | None = None
    """The number of the operator of which this is a tile; None for a whole one."""

    # Set once, because everything asks for them many times.
    reads: tuple[int, ...] = field(init=False, repr=False, compare=False)
    """The ids of the tensors that it needs, captured ones included, each once, in order of first use."""
    makes: tuple[int, ...] = field(init=False, repr=False, compare=False)
    """The ids of the tensors that it makes, in order."""

    def __post_init__(self) -> None:
        reads = dict.fromkeys((*self.inputs, *self.captured))
        reads.pop(None, None)
        object.__setattr__(self, "reads", tuple(reads))
        makes = self.outputs if None not in self.outputs else (t for t in self.outputs if t is not None)
        object.__setattr__(self, "makes", tuple(makes))

    @property
    def title(self) -> str:
        """The operator as messages name it, such as `operator 17 (Conv 'stem')`."""
        return operator_title(self.number, self.kind, self.name)

    def input(self, position: int) -> int | None:
        """Return the id of an input; None where it is left out."""
        return self.inputs[position] if position < len(self.inputs) else None


def operator_title(number: int, kind: str, name: str) -> str:
    """Return an operator as messages name it, such as `operator 17 (Conv 'stem')`."""
    return f"operator {number} ({kind}{f' {name!r}' if name else ''})"


def body_path(outer: str, operator: int, attribute: str) -> str:
    """Return the path of a body, such as `node 17/then_branch`, in the graph at an outer path.

    The outer path is empty for the main graph.
    """
    here = f"node {operator}/{attribute}"
    return f"{outer}/{here}" if outer else here


@dataclass(frozen=True)
class Graph:
    """A network. Only `GraphBuilder` makes it, after checking it."""

    name: str
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    """All nodes of the source in source order, including those that only compute parameters."""
    inputs: tuple[int, ...]
    """Ids of the tensors that the caller feeds on every run; parameters are not among them."""
    outputs: tuple[int, ...]
    """Ids in the order of the source; may repeat, may be inputs or parameters."""
    held: tuple[int, ...] = field(default=())
    """Ids of inputs that the caller holds to the end, as if they were outputs."""
    symbols: tuple[str, ...] = field(default=())
    """Symbolic dimensions of the source, in order of first appearance, whether bound or not."""
    values: tuple[tuple[int, tuple[int, ...]], ...] = field(default=())
    """Inputs that have the same value in every run, and its elements: sizes and branches follow from them."""

    def __repr__(self) -> str:
        return f"<Graph: {len(self.operators):,} operators, {len(self.tensors):,} tensors>"

    @cached_property
    def producer(self) -> dict[int, int]:
        """Tensor id to the number of the operator that makes it."""
        return {t: op.number for op in self.operators for t in op.makes}

    @cached_property
    def readers(self) -> dict[int, tuple[int, ...]]:
        """Tensor id to the ascending numbers of the operators that read it (missing when none do)."""
        readers: dict[int, list[int]] = {}
        for op in self.operators:
            for t in op.reads:
                readers.setdefault(t, []).append(op.number)
        return {t: tuple(numbers) for t, numbers in readers.items()}

    @cached_property
    def is_bounded(self) -> bool:
        """Whether it, or a body, has tensors whose sizes depend on data, so that only bounds are known."""
        return any(tensor.at_most for tensor in self._computed())

    @cached_property
    def has_strings(self) -> bool:
        """Whether it, or a body, has tensors of strings, whose sizes are known only when it runs."""
        return any(STRING in tensor.element for tensor in self._computed())

    def _computed(self) -> Iterator[Tensor]:
        waiting: list[Graph] = [self]
        while waiting:
            graph = waiting.pop()
            yield from (tensor for tensor in graph.tensors if not tensor.is_parameter)
            waiting.extend(body.graph for op in graph.operators for body in op.bodies)

    def input_of(self, op: Operator, position: int) -> Tensor | None:
        """Return an input of an operator; None where it is left out."""
        t = op.input(position)
        return None if t is None else self.tensors[t]

    @cached_property
    def parameter_operators(self) -> frozenset[int]:
        """Numbers of the operators that make only parameters, so that they are not scheduled."""
        tensors = self.tensors
        return frozenset(
            op.number for op in self.operators if op.makes and all(tensors[t].is_parameter for t in op.makes)
        )

    def computes_parameters(self, op: Operator) -> bool:
        """Return whether an operator makes only parameters, so that it is not scheduled."""
        return op.number in self.parameter_operators
