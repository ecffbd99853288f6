"""The builder of graphs: the only way to make a `Graph`, which it checks."""

from __future__ import annotations

from dataclasses import replace

from hmcos.errors import ModelError
from hmcos.graph.graph import Graph, Operator, Tensor
from hmcos.graph.kinds import is_constant


class GraphBuilder:
    """Collects tensors, operators and outputs in source order; `build` checks them and returns the graph.

    Each `add_` method for a tensor returns its id. An operator may be added before the producers of the
    tensors that it reads: `build` says whether the file is unsorted or has a cycle.
    """

    def __init__(self, name: str = "", symbols: tuple[str, ...] = ()) -> None:
        self._name = name
        self._symbols = symbols
        self._tensors: list[Tensor] = []
        self._operators: list[Operator] = []
        self._inputs: list[int] = []
        self._outputs: list[int] = []
        self._held: list[int] = []
        self._values: list[tuple[int, tuple[int, ...]]] = []
        self._given: set[int] = set()
        """Tensors that exist before the first operator runs."""
        self._constant: set[int] = set()
        """Tensors with the same value on every run: parameters, and tensors computed only from those."""

    def add_tensor(self, tensor: Tensor) -> int:
        """Return the id of a new tensor that an operator will make."""
        self._tensors.append(tensor)
        return len(self._tensors) - 1

    def add_input(self, tensor: Tensor, value: tuple[int, ...] | None = None) -> int:
        """Return the id of a new tensor that the caller feeds on every run, always `value` if given."""
        added = self.add_tensor(_marked(tensor, is_parameter=False))
        self._inputs.append(added)
        if value is not None:
            self._values.append((added, value))
        self._given.add(added)
        return added

    def add_parameter(self, tensor: Tensor, *, is_constant: bool = True) -> int:
        """Return the id of a new tensor whose value is in the file.

        What is computed from constant ones alone is a parameter as well. Where a runtime computes that on
        every run, or writes to parameters, none of them is constant.
        """
        added = self.add_tensor(_marked(tensor, is_parameter=True))
        self._given.add(added)
        if is_constant:
            self._constant.add(added)
        return added

    def hold(self, tensor: int) -> None:
        """Let the caller hold an input to the end."""
        self._held.append(tensor)

    def add_captured(self, tensor: Tensor, *, is_constant: bool) -> int:
        """Return the id of a new tensor that a body reads from outside.

        Inside the body it takes no memory, as if it were a parameter. What the body computes from it is a
        parameter only if the outer value is constant (memory model, Special cases).
        """
        added = self.add_tensor(_marked(tensor, is_parameter=True))
        self._given.add(added)
        if is_constant:
            self._constant.add(added)
        return added

    def add_operator(self, operator: Operator) -> None:
        """Append an operator.

        Raises:
            ModelError: its number is not its position.
        """
        if operator.number != len(self._operators):
            raise ModelError(f"{operator.title} is added as number {len(self._operators)}")
        self._operators.append(operator)
        if self._computes_constants(operator):
            self._constant.update(operator.makes)

    def add_output(self, tensor: int) -> None:
        """Append a tensor to the outputs of the graph."""
        self._outputs.append(tensor)

    def tensor(self, tensor: int) -> Tensor:
        """Return a tensor by its id, as it was added."""
        return self._tensors[tensor]

    def is_constant(self, tensor: int) -> bool:
        """Return whether a tensor has the same value on every run, judging by the operators added so far."""
        return tensor in self._constant

    def build(self) -> Graph:
        """Return the graph, with `is_parameter` of every computed tensor settled.

        Raises:
            ModelError: a tensor is made twice, or read without a producer, or read before it is made; names
                the operators and the tensor, and whether sorting would help or there is a cycle.
        """
        producer = self._producers()
        self._check_reads(producer)
        tensors = list(self._tensors)
        for t in producer:
            tensors[t] = _marked(tensors[t], is_parameter=t in self._constant)
        return Graph(
            self._name,
            tuple(tensors),
            tuple(self._operators),
            tuple(self._inputs),
            tuple(self._outputs),
            tuple(self._held),
            self._symbols,
            tuple(self._values),
        )

    def _computes_constants(self, operator: Operator) -> bool:
        if operator.is_random:
            return False
        if is_constant(operator.kind, operator.domain):
            return True
        reads = operator.reads
        return bool(reads) and all(t in self._constant for t in reads)

    def _producers(self) -> dict[int, int]:
        """Return tensor id to the number of its operator.

        Raises:
            ModelError: two operators make one tensor, or an operator makes an input or a parameter.
        """
        producer: dict[int, int] = {}
        for op in self._operators:
            for t in op.makes:
                name = self._tensors[t].name
                if t in producer:
                    first = self._operators[producer[t]]
                    raise ModelError(f"tensor {name!r} is made twice, by {first.title} and {op.title}")
                if t in self._given:
                    kind = "an input" if t in self._inputs else "a parameter"
                    raise ModelError(f"{op.title} makes tensor {name!r}, which is {kind} already")
                producer[t] = op.number
        return producer

    def _check_reads(self, producer: dict[int, int]) -> None:
        """Check that all that is read or put out exists, and is made before it is read."""
        here = set(self._given)
        unsorted = False
        for op in self._operators:
            unsorted = unsorted or not here.issuperset(op.reads)
            here.update(op.makes)
        for op in self._operators if unsorted else ():
            for t in op.reads:
                if t not in here:
                    name = self._tensors[t].name
                    raise ModelError(
                        f"{op.title} reads tensor {name!r}, but no input, parameter or operator provides it"
                    )
        for t in self._outputs:
            if t not in here:
                name = self._tensors[t].name
                raise ModelError(f"graph output {name!r} has no producer: no operator makes it")
        for op in self._operators if unsorted else ():
            for t in op.reads:
                if producer.get(t, -1) >= op.number:
                    self._raise_unsorted(op, t, producer)

    def _raise_unsorted(self, op: Operator, tensor: int, producer: dict[int, int]) -> None:
        cycle = _cycle(self._operators, producer)
        if cycle:
            shown = [self._operators[number].title for number in cycle[:4]]
            more = f" -> ... ({len(cycle)} operators)" if len(cycle) > 4 else ""
            raise ModelError(f"the operators form a cycle: {' -> '.join(shown)}{more} -> {shown[0]}")
        maker = self._operators[producer[tensor]]
        raise ModelError(
            f"the operators are not sorted: {op.title} reads tensor {self._tensors[tensor].name!r}"
            f" before {maker.title} makes it; sort them topologically"
        )


def _marked(tensor: Tensor, *, is_parameter: bool) -> Tensor:
    """Return a tensor that is a parameter or not; most are what they are to be, and copying takes time."""
    return tensor if tensor.is_parameter is is_parameter else replace(tensor, is_parameter=is_parameter)


def _cycle(operators: list[Operator], producer: dict[int, int]) -> list[int]:
    """Return the numbers of operators that wait for each other in a circle, each read by the next, or [].

    Operators that can run are removed first (Kahn); in what remains everyone has a predecessor that remains,
    so walking back from anyone must close a circle.
    """
    before = [{producer[t] for t in op.reads if t in producer} for op in operators]
    after: list[list[int]] = [[] for _ in operators]
    for number, needed in enumerate(before):
        for p in needed:
            after[p].append(number)
    waits = [len(needed) for needed in before]
    ready = [number for number, count in enumerate(waits) if not count]
    while ready:
        for reader in after[ready.pop()]:
            waits[reader] -= 1
            if not waits[reader]:
                ready.append(reader)
    start = next((number for number, count in enumerate(waits) if count), None)
    if start is None:
        return []
    walk = [start]
    seen = {start: 0}
    while True:
        previous = min(p for p in before[walk[-1]] if waits[p])
        if previous in seen:
            return walk[seen[previous] :][::-1]
        seen[previous] = len(walk)
        walk.append(previous)
