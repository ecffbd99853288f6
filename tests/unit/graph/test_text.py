"""The text form of a graph."""

from __future__ import annotations

from hmcos.graph.builder import GraphBuilder
from hmcos.graph.graph import Body, Operator
from hmcos.graph.text import text
from unit.graph.networks import builder, tensor


def test_one_line_per_operator() -> None:
    graph = builder(
        [("Conv", ["x", "w", ""], ["y", ""]), ("Relu", ["y"], ["z"])],
        inputs=["x"],
        parameters=["w"],
        outputs=["z"],
    ).build()
    assert text(graph).splitlines() == [
        "input x: float32[4]",
        "0 Conv 'n0' (x, w*, _) -> y: float32[4], _",
        "1 Relu 'n1' (y) -> z: float32[4]",
        "output z",
    ]


def test_bodies_follow_their_operator() -> None:
    inner = builder([("Neg", ["i"], ["j"])], inputs=["i"], outputs=["j"]).build()
    made = GraphBuilder()
    x, y, s = made.add_input(tensor("x")), made.add_tensor(tensor("y", 2, 3)), made.add_input(tensor("s"))
    made.add_operator(Operator(0, "", "Loop", "com.x", (x,), (y,), (s,), (Body("body", inner),)))
    assert text(made.build()).splitlines() == [
        "input x: float32[4]",
        "input s: float32[4]",
        "0 com.x.Loop (x) [s] -> y: float32[2,3]",
        "  body:",
        "    input i: float32[4]",
        "    0 Neg 'n0' (i) -> j: float32[4]",
        "    output j",
    ]
