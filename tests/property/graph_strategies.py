"""Random networks that exercise every rule of sharing."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from hypothesis import strategies as st

from hmcos.graph.builder import GraphBuilder
from hmcos.graph.graph import Graph, Operator, Tensor
from property.strategies import generators

SHAPES: tuple[tuple[int, ...], ...] = ((), (4,), (2, 2), (1, 4), (4, 1), (3,), (0, 2), (6,))
ELEMENTS: tuple[tuple[str, int], ...] = (("float32", 32), ("int32", 32), ("bool", 8), ("int4", 4))
KINDS = ("Add", "Relu", "Less", "Where", "Cast", "Max", "Dropout", "Conv", "Split", "Concat")
VIEW_KINDS = ("Reshape", "Identity", "Flatten", "Slice")
"""Slice is a view only on a target that says so, where its output may be smaller than its input."""


def graphs(max_operators: int = 7) -> st.SearchStrategy[Graph]:
    """Networks with views of inputs, parameters and views, several outputs, unread and left-out outputs,
    parameter-only operators, random operators, captured tensors, and outputs that are anything."""
    return st.builds(random_graph, generators(), st.integers(0, max_operators))


def random_graph(rng: Random, operators: int) -> Graph:
    """A network of so many operators; shapes need not make sense to a runtime, sharing only compares them."""
    return _Growth(rng).grow(operators)


class _Growth:
    """A network that grows by one operator at a time."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.builder = GraphBuilder("random")
        self.tensors: list[Tensor] = []

    def grow(self, operators: int) -> Graph:
        rng = self.rng
        for _ in range(rng.choice((0, 1, 1, 2))):
            self.builder.add_input(self.new_tensor())
        for _ in range(rng.choice((0, 1, 2))):
            self.builder.add_parameter(self.new_tensor())
        for number in range(operators):
            self.builder.add_operator(self.new_operator(number))
        for _ in range(rng.choice((0, 1, 2, 3)) if self.tensors else 0):
            self.builder.add_output(rng.randrange(len(self.tensors)))
        return self.builder.build()

    def new_tensor(self) -> Tensor:
        rng = self.rng
        element, bits = rng.choice(ELEMENTS[:2] if rng.random() < 0.7 else ELEMENTS)
        shape = rng.choice(SHAPES[1:4] if rng.random() < 0.7 else SHAPES)
        self.tensors.append(Tensor(f"t{len(self.tensors)}", element, bits, shape))
        return self.tensors[-1]

    def new_operator(self, number: int) -> Operator:
        rng = self.rng
        kind = rng.choice(VIEW_KINDS if rng.random() < 0.35 else KINDS)
        inputs = self.some_inputs()
        captured: tuple[int, ...] = ()
        if self.tensors and rng.random() < 0.05:
            captured = (rng.randrange(len(self.tensors)),)
        made = {"Dropout": 2, "Split": rng.choice((0, 2, 3))}.get(kind, 1)
        outputs = tuple(self.new_output(inputs) for _ in range(made))
        return Operator(
            number,
            f"n{number}",
            kind,
            "com.acme" if rng.random() < 0.1 else "",
            inputs,
            outputs,
            tuple(t for t in captured if t not in inputs),
            is_random=kind == "Dropout" and rng.random() < 0.4,
        )

    def some_inputs(self) -> tuple[int | None, ...]:
        """Mostly recent tensors, now and then left out or repeated."""
        rng, tensors = self.rng, len(self.tensors)
        if not tensors or rng.random() < 0.05:
            return ()
        first = max(0, tensors - rng.choice((1, 3, 100)))
        chosen = [rng.randrange(first, tensors) for _ in range(rng.choice((1, 1, 2, 3)))]
        return tuple(None if rng.random() < 0.05 else t for t in chosen)

    def new_output(self, inputs: tuple[int | None, ...]) -> int | None:
        """Mostly shaped like the first input, since that is when tensors share."""
        if self.rng.random() < 0.05:
            return None
        tensor = self.new_tensor()
        if inputs and inputs[0] is not None and self.rng.random() < 0.7:
            like = self.tensors[inputs[0]]
            tensor = self.tensors[-1] = replace(tensor, shape=like.shape, bits=like.bits)
        return self.builder.add_tensor(tensor)
