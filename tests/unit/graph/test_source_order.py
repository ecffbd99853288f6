"""source_order: where nodes that only compute parameters stand."""

from __future__ import annotations

from hmcos.graph.source_order import parameter_nodes, source_order
from unit.graph.networks import Line, builder

LINES: list[Line] = [
    ("Constant", [], ["c"]),  # 0, read by 1 and 5
    ("Neg", ["c"], ["d"]),  # 1, read by 4
    ("Neg", ["w"], ["unread"]),  # 2
    ("Relu", ["x"], ["a"]),  # 3
    ("Add", ["x", "d"], ["b"]),  # 4
    ("Mul", ["a", "c"], ["e"]),  # 5
    ("Neg", ["w"], ["out"]),  # 6, a graph output
    ("Add", ["b", "e"], ["f"]),  # 7
]


def test_parameter_nodes_stand_just_before_their_first_reader() -> None:
    graph = builder(LINES, inputs=["x"], parameters=["w"], outputs=["f", "out"]).build()
    assert source_order(parameter_nodes(graph), [3, 5, 4, 7]) == (3, 0, 5, 1, 4, 7, 2, 6)
    assert source_order(parameter_nodes(graph), [4, 3, 5, 7]) == (0, 1, 4, 3, 5, 7, 2, 6)


def test_without_parameter_nodes_the_order_is_as_given() -> None:
    lines: list[Line] = [("Relu", ["x"], ["a"]), ("Neg", ["x"], ["b"])]
    assert source_order(parameter_nodes(builder(lines, inputs=["x"]).build()), [1, 0]) == (1, 0)


def test_a_graph_of_parameters_alone_keeps_its_order() -> None:
    lines: list[Line] = [("Constant", [], ["c"]), ("Neg", ["c"], ["d"])]
    assert source_order(parameter_nodes(builder(lines, outputs=["d"]).build()), []) == (0, 1)
