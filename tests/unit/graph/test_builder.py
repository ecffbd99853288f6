"""GraphBuilder: what it refuses, and which values it takes for parameters."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from hmcos.errors import ModelError
from hmcos.graph.builder import GraphBuilder
from hmcos.graph.graph import Graph, Operator
from unit.graph.networks import Line, builder, tensor


def parameters(graph: Graph) -> set[str]:
    return {t.name for t in graph.tensors if t.is_parameter}


def test_a_graph_knows_producers_and_readers() -> None:
    graph = builder(
        [("Relu", ["x"], ["a"]), ("Add", ["a", "a"], ["b"])], inputs=["x"], outputs=["b", "x"]
    ).build()
    assert graph.producer == {1: 0, 2: 1}
    assert graph.readers == {0: (0,), 1: (1,)}
    assert graph.inputs == (0,)
    assert graph.outputs == (2, 0)


def test_what_is_computed_from_parameters_alone_is_a_parameter() -> None:
    lines: list[Line] = [
        ("Constant", [], ["c"]),
        ("Mul", ["w", "c"], ["v"]),
        ("Neg", ["v", ""], ["u"]),
        ("Add", ["u", "x"], ["y"]),
        ("Make", [], ["z"]),
    ]
    graph = builder(lines, inputs=["x"], parameters=["w"], outputs=["y"]).build()
    assert parameters(graph) == {"w", "c", "v", "u"}
    assert [graph.computes_parameters(op) for op in graph.operators] == [True, True, True, False, False]


def test_a_random_operator_makes_activations() -> None:
    graph = builder([("Draw", ["w"], ["r"]), ("Neg", ["r"], ["s"])], parameters=["w"], random=[0]).build()
    assert parameters(graph) == {"w"}


def test_an_operator_that_reads_only_left_out_inputs_makes_activations() -> None:
    assert parameters(builder([("Make", [""], ["z"])]).build()) == set()


def test_captured_values_cost_nothing_but_make_no_parameters_unless_constant() -> None:
    made = GraphBuilder("body")
    active = made.add_captured(tensor("x"), is_constant=False)
    weight = made.add_captured(tensor("w"), is_constant=True)
    y, z = made.add_tensor(tensor("y")), made.add_tensor(tensor("z"))
    made.add_operator(Operator(0, "", "Add", "", (active, weight), (y,)))
    made.add_operator(Operator(1, "", "Neg", "", (weight,), (z,)))
    graph = made.build()
    assert [t.is_parameter for t in graph.tensors] == [True, True, False, True]
    assert graph.inputs == ()


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([("Relu", ["x"], ["a"]), ("Neg", ["x"], ["a"])], "'a' is made twice, by operator 0 (Relu 'n0') and"),
        ([("Split", ["x"], ["a", "a"])], "'a' is made twice, by operator 0"),
        ([("Relu", ["x"], ["x"])], "makes tensor 'x', which is an input"),
        ([("Relu", ["x"], ["w"])], "makes tensor 'w', which is a parameter"),
        ([("Relu", ["q"], ["a"])], "operator 0 (Relu 'n0') reads tensor 'q', but no"),
        (
            [("Relu", ["b"], ["a"]), ("Neg", ["x"], ["b"])],
            "not sorted: operator 0 (Relu 'n0') reads tensor 'b'",
        ),
        ([("Relu", ["b"], ["a"]), ("Neg", ["a"], ["b"])], "a cycle: operator"),
        ([("Add", ["x", "a"], ["a"])], "a cycle: operator 0 (Add 'n0') -> operator 0 (Add 'n0')"),
    ],
)
def test_ill_formed_graphs_are_refused_by_name(lines: Sequence[Line], message: str) -> None:
    made = builder(lines, inputs=["x"], parameters=["w"])
    with pytest.raises(ModelError) as caught:
        made.build()
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_cycle_is_told_apart_from_an_unsorted_file_that_surrounds_it() -> None:
    ring: list[Line] = [("Neg", [f"t{(k + 1) % 6}"], [f"t{k}"]) for k in range(6)]
    with pytest.raises(ModelError, match=r"cycle: .*\(6 operators\)"):
        builder([("Neg", ["a"], ["b"]), ("Neg", ["x"], ["a"]), *ring], inputs=["x"]).build()


def test_an_output_that_nothing_makes_is_refused() -> None:
    made = GraphBuilder()
    made.add_output(made.add_tensor(tensor("y")))
    with pytest.raises(ModelError, match="output 'y' has no producer"):
        made.build()


def test_operators_are_numbered_by_position() -> None:
    with pytest.raises(ModelError, match="added as number 0"):
        GraphBuilder().add_operator(Operator(1, "", "Relu", "", (), ()))


def test_a_long_unsorted_chain_is_no_recursion() -> None:
    lines: list[Line] = [("Neg", [f"t{k + 1}"], [f"t{k}"]) for k in range(3000)]
    with pytest.raises(ModelError, match="not sorted"):
        builder([*lines, ("Neg", ["x"], ["t3000"])], inputs=["x"]).build()
