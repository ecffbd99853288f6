"""Sizes that depend on data, as bounds; branches, loops, sequences, and what follows from known values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import pytest
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, helper
from onnx.reference import ReferenceEvaluator

from hmcos.errors import OptionError, SizeError
from hmcos.frontends.onnx import load
from hmcos.graph.graph import Graph, Tensor
from onnx_models import BOOL, FLOAT, INT64, graph, model, node, value, weight


def found(made: ModelProto, bind: dict[str, int] | None = None) -> dict[str, Tensor]:
    return {tensor.name: tensor for tensor in load(made, bind).graph.tensors}


def built(
    nodes: Sequence[NodeProto],
    inputs: Sequence[ValueInfoProto],
    output: str,
    constants: dict[str, object] | None = None,
) -> ModelProto:
    weights = [weight(name, numbers, "int64") for name, numbers in (constants or {}).items()]
    return model(graph(nodes, inputs, [ValueInfoProto(name=output)], weights), domains={"ai.onnx.ml": 3})


def ran(made: ModelProto, fed: Mapping[str, Any]) -> list[Any]:
    return cast("list[Any]", ReferenceEvaluator(made).run(None, dict(fed)))  # pyright: ignore[reportUnknownMemberType]


X = value("x", [4, 6])
COUNTED = [node("NonZero", "x", "i"), node("Shape", "i", "s"), node("Gather", "s one", "n")]

BOUNDED: dict[str, tuple[list[NodeProto], list[ValueInfoProto], dict[str, object], tuple[int, ...]]] = {
    "NonZero": ([node("NonZero", "x", "y")], [X], {}, (2, 24)),
    "Unique": ([node("Unique", "x", "y")], [X], {}, (24,)),
    "Unique on an axis": ([node("Unique", "x", "y", axis=-1)], [X], {}, (4, 6)),
    "Compress": ([node("Compress", "x c", "y")], [X, value("c", [5], BOOL)], {}, (5,)),
    "Compress on an axis": ([node("Compress", "x c", "y", axis=1)], [X, value("c", [3], BOOL)], {}, (4, 3)),
    "NonMaxSuppression": (
        [node("NonMaxSuppression", "b p most", "y")],
        [value("b", [2, 50, 4]), value("p", [2, 3, 50])],
        {"most": [7]},
        (42, 3),
    ),
    "NonMaxSuppression of few boxes": (
        [node("NonMaxSuppression", "b p most", "y")],
        [value("b", [1, 5, 4]), value("p", [1, 1, 5])],
        {"most": [700]},
        (5, 3),
    ),
    "Slice": ([node("Slice", "x a b", "y")], [X, value("a", [2], INT64), value("b", [2], INT64)], {}, (4, 6)),
    "TopK": ([node("TopK", "x k", "y _")], [X, value("k", [1], INT64)], {}, (4, 6)),
    "ReduceMax": ([node("ReduceSum", "x axes", "y")], [X, value("axes", [1], INT64)], {}, (4, 6)),
    "through a Transpose and a Gather": (
        [node("NonZero", "x", "i"), node("Transpose", "i", "t"), node("GatherND", "x t", "y")],
        [X],
        {},
        (24,),
    ),
    "of a computed shape": (
        [
            *COUNTED,
            node("Unsqueeze", "n zero1", "n1"),
            node("Concat", "n1 five", "to", axis=0),
            node("ConstantOfShape", "to", "y"),
        ],
        [X],
        {"one": 1, "zero1": [0], "five": [5]},
        (24, 5),
    ),
    "of a reshape that keeps the rest": (
        [
            node("NonZero", "x", "i"),
            node("Transpose", "i", "t"),
            node("Shape", "t", "s"),
            node("Gather", "s zero", "n"),
            node("Unsqueeze", "n zero1", "n1"),
            node("Concat", "n1 rest", "to", axis=0),
            node("Reshape", "t to", "y"),
        ],
        [X],
        {"zero": 0, "zero1": [0], "rest": [1, -1]},
        (24, 1, 2),
    ),
    "of a range": ([*COUNTED, node("Range", "zero n one", "y")], [X], {"zero": 0, "one": 1}, (24,)),
    "of both operands": ([node("NonZero", "x", "i"), node("Add", "i i", "y")], [X], {}, (2, 24)),
}


@pytest.mark.parametrize("case", BOUNDED)
def test_sizes_that_depend_on_data_count_at_their_bounds(case: str) -> None:
    nodes, inputs, constants, shape = BOUNDED[case]
    tensors = found(built(nodes, inputs, "y", constants))
    assert tensors["y"].shape == shape
    assert tensors["y"].at_most


@pytest.mark.parametrize("case", [case for case in BOUNDED if "x" in [i.name for i in BOUNDED[case][1]]])
def test_no_run_makes_more_than_the_bound(case: str) -> None:
    nodes, inputs, constants, shape = BOUNDED[case]
    made = built(nodes, inputs, "y", constants)
    draw = np.random.default_rng(7)
    other = {
        "c": draw.random(9) > 0.4,
        "a": np.array([1, 2]),
        "b": np.array([3, 5]),
        "k": np.array([2]),
        "axes": np.array([1]),
    }
    for zeros in (0.0, 0.5, 0.8):
        x = ((draw.random((4, 6)) >= zeros) * draw.integers(1, 9, (4, 6))).astype(np.float32)
        fed = {"x": x} | {
            i.name: other[i.name][: shape[-1]] if i.name == "c" else other[i.name] for i in inputs[1:]
        }
        (y,) = ran(made, fed)
        assert len(y.shape) == len(shape)
        assert all(size <= most for size, most in zip(y.shape, shape, strict=True))


@pytest.mark.parametrize(
    "nodes",
    [
        [*COUNTED, node("Sub", "many n", "m"), node("Range", "zero m one", "y")],
        [
            *COUNTED,
            node("Unsqueeze", "n zero1", "n1"),
            node("Concat", "n1 minus", "to", axis=0),
            node("Reshape", "x to", "y"),
        ],
    ],
)
def test_what_could_rise_when_a_bound_falls_has_none(nodes: list[NodeProto]) -> None:
    constants: dict[str, object] = {"one": 1, "zero": 0, "many": 24, "zero1": [0], "minus": [-1]}
    with pytest.raises(SizeError, match="sizes are unknown: 'y'"):
        load(built(nodes, [X], "y", constants))


def test_sizes_that_have_no_bound_are_bound_by_tensor_and_axis() -> None:
    made = built([node("Range", "a b c", "y"), node("Relu", "y", "z")], [value(n, []) for n in "abc"], "z")
    with pytest.raises(SizeError, match="--bind y:0=N, or give") as raised:
        load(made)
    assert raised.value.unbound == ("y:0",)
    assert found(made, {"y:0": 12})["z"] == Tensor("z", "float32", 32, (12,), at_most=True)


def test_a_sequence_cut_at_unknown_places_has_parts_as_large_as_the_whole() -> None:
    cut = [node("SplitToSequence", "x n", "s", axis=1), node("SequenceAt", "s one", "y")]
    made = built(cut, [X, value("n", [3], INT64)], "y", {"one": 1})
    tensors = found(made)
    assert tensors["s"].shape == (3, 4, 6)
    assert tensors["y"] == Tensor("y", "float32", 32, (4, 6), at_most=True)
    made = built(cut, [X, value("n", [], INT64)], "y", {"one": 1})
    with pytest.raises(SizeError, match="--bind s:0=N") as raised:
        load(made)
    assert raised.value.unbound == ("s:0",)
    assert found(made, {"s:0": 2})["s"].shape == (2, 4, 6)


def test_the_parts_of_an_input_are_bound_by_axis() -> None:
    made = built([node("SequenceLength", "q", "y")], [], "y")
    made.graph.input.append(
        helper.make_tensor_sequence_value_info("q", FLOAT, ["rows", None, 3])  # pyright: ignore[reportArgumentType]
    )
    for bind in ({}, {"rows": 2}):
        with pytest.raises(SizeError) as raised:
            load(made, bind)
        assert raised.value.unbound == ("q:0", "q:2")
    with pytest.raises(SizeError) as raised:
        load(made, {"rows": 2})
    assert raised.value.unbound == ("q:0", "q:2")
    assert found(made, {"rows": 2, "q:0": 5, "q:2": 4})["q"].shape == (5, 2, 4, 3)
    with pytest.raises(OptionError, match="counted up to 2,048 parts"):
        load(made, {"rows": 2, "q:0": 5000, "q:2": 4})


def growing(nodes: list[NodeProto], trips: int | None, shape: list[int]) -> ModelProto:
    """Return a Loop that carries what its body makes of `c`, or of `x` from outside."""
    untyped = [helper.make_tensor_value_info(name, FLOAT, None) for name in "cd"]
    body = graph(
        [*nodes, node("Identity", "going", "on")],
        [value("i", [], INT64), value("going", [], BOOL), untyped[0]],
        [value("on", [], BOOL), untyped[1]],
    )
    inputs = [value("x", shape), *([] if trips is not None else [value("n", [], INT64)])]
    return built([node("Loop", "n _ x", "y", body=body)], inputs, "y", {} if trips is None else {"n": trips})


APPENDED, DOUBLED = [node("Concat", "c x", "d", axis=0)], [node("Concat", "c c", "d", axis=0)]
FOUND = [node("NonZero", "c", "z"), node("Transpose", "z", "t"), node("Cast", "t", "d", to=FLOAT)]


@pytest.mark.parametrize(
    ("nodes", "trips", "shape", "inside", "most"),
    [
        (APPENDED, 5, [1, 4], (5, 4), (6, 4)),
        (DOUBLED, 3, [1, 4], (4, 4), (8, 4)),
        (FOUND, 3, [4, 2], (16, 2), (32, 2)),
        ([node("NonZero", "x", "z"), node("Cast", "z", "d", to=FLOAT)], None, [2, 3], (2, 6), (2, 6)),
    ],
    ids=["appended", "doubled", "found", "settled"],
)
def test_a_carried_value_that_grows_counts_as_after_the_last_trip(
    nodes: list[NodeProto],
    trips: int | None,
    shape: list[int],
    inside: tuple[int, ...],
    most: tuple[int, ...],
) -> None:
    network = load(growing(nodes, trips, shape)).graph
    body = network.operators[-1].bodies[0].graph
    carried = next(tensor for tensor in body.tensors if tensor.name == "c")
    made = network.tensors[network.outputs[0]]
    assert (carried.shape, carried.at_most, made.shape, made.at_most) == (inside, True, most, True)


@pytest.mark.parametrize("trips", [None, 10**9])
def test_a_carried_value_that_grows_too_often_is_refused(trips: int | None) -> None:
    with pytest.raises(SizeError, match="input 'c'"):
        load(growing(APPENDED, trips, [1, 4]))


def test_a_branch_that_runs_in_a_later_trip_counts() -> None:
    """The size of the carried value decides it, and that grows."""
    then, other = (
        graph([node("Expand", f"zero {to}", "b")], [], [ValueInfoProto(name="b")]) for to in ("many", "few")
    )
    asked = [
        node("Shape", "c", "s", end=1),
        node("Greater", "s one", "larger"),
        node("If", "larger", "r", then_branch=then, else_branch=other),
    ]
    made = growing([*asked, *APPENDED], 3, [1, 4])
    made.graph.initializer.extend(
        weight(name, numbers, "int64")
        for name, numbers in {"one": [1], "many": [9], "few": [2], "zero": 0}.items()
    )
    body = load(made).graph.operators[-1].bodies[0].graph
    assert next(tensor for tensor in body.tensors if tensor.name == "r").shape == (9,)


def test_a_symbol_for_a_size_that_depends_on_data_is_a_bound() -> None:
    made = built([node("NonZero", "x", "y")], [X], "y")
    made.graph.output[0].CopyFrom(value("y", [2, "k"], INT64))
    assert found(made)["y"].shape == (2, 24)
    assert found(made, {"k": 3})["y"] == Tensor("y", "int64", 64, (2, 3), at_most=True)


def branch(kind: str, **attributes: object) -> GraphProto:
    return graph(
        [node(kind, "x axis" if kind == "Unsqueeze" else "x", "b", **attributes)],
        [],
        [ValueInfoProto(name="b")],
    )


def chosen(condition: Sequence[NodeProto]) -> ModelProto:
    branches = {"then_branch": branch("Unsqueeze"), "else_branch": branch("Identity")}
    nodes = [*condition, node("If", "c", "y", **branches), node("Relu", "y", "z")]
    inputs = [X] if condition else [X, value("c", [], BOOL)]
    return built(nodes, inputs, "z", {"axis": [0], "two": 2, "three": 3})


@pytest.mark.parametrize(("rank", "shape"), [("two", (1, 4, 6)), ("three", (4, 6))])
def test_a_condition_that_follows_from_sizes_decides_the_branch(rank: str, shape: tuple[int, ...]) -> None:
    condition = [node("Shape", "x", "s"), node("Size", "s", "r"), node("Equal", f"r {rank}", "c")]
    made = load(chosen(condition))
    tensors = {t.name: t for t in made.graph.tensors}
    assert tensors["z"] == Tensor("z", "float32", 32, shape)
    assert "sizes decide its condition" in made.notes[0]
    bodies = {body.attribute: body.graph for body in made.graph.operators[3].bodies}
    sizes = {name: sum(t.size for t in body.tensors if not t.is_parameter) for name, body in bodies.items()}
    never = "else_branch" if rank == "two" else "then_branch"
    assert {name: size > 0 for name, size in sizes.items()} == {name: name != never for name in bodies}


def test_the_larger_branch_counts_otherwise() -> None:
    made = load(chosen([]))
    assert next(t for t in made.graph.tensors if t.name == "z").size == 4 * 24
    assert made.graph.is_bounded
    assert "the larger one counts" in made.notes[0]


def looped(going: str, trips: object) -> ModelProto:
    body = graph(
        [
            node("Identity", "on", "still") if going == "always" else node("Not", "on", "still"),
            node("Relu", "v", "w"),
        ],
        [value("i", [], INT64), value("on", [], BOOL), value("v", [4, 6])],
        [value("still", [], BOOL), ValueInfoProto(name="w"), ValueInfoProto(name="w")],
    )
    made = built([node("Loop", "trips _ x", "last all", body=body)], [X], "all", {})
    if trips is None:
        made.graph.input.append(value("trips", [], INT64))
    else:
        made.graph.initializer.append(weight("trips", trips, "int64"))
    return made


def test_a_loop_stacks_as_often_as_it_runs() -> None:
    assert found(looped("always", 3))["all"] == Tensor("all", "float32", 32, (3, 4, 6))
    assert found(looped("maybe", 3))["all"] == Tensor("all", "float32", 32, (3, 4, 6), at_most=True)
    with pytest.raises(SizeError, match="'all'"):
        load(looped("always", None))
    assert found(looped("always", None), {"all:0": 9})["all"].shape == (9, 4, 6)


SEQUENCES: dict[str, tuple[list[NodeProto], str, tuple[int, ...]]] = {
    "equal parts": ([node("SequenceConstruct", "x x x", "q")], "q", (3, 4, 6)),
    "parts of several shapes": (
        [node("Transpose", "x", "t"), node("SequenceConstruct", "x t", "q")],
        "q",
        (48,),
    ),
    "split": ([node("SplitToSequence", "x two", "q", axis=1)], "q", (3, 4, 2)),
    "split in ones": ([node("SplitToSequence", "x", "q", axis=0, keepdims=0)], "q", (4, 6)),
    "inserted": (
        [
            node("SequenceEmpty", "", "e"),
            node("SequenceInsert", "e x", "f"),
            node("SequenceInsert", "f x", "q"),
        ],
        "q",
        (2, 4, 6),
    ),
    "erased": (
        [node("SequenceConstruct", "x x x", "e"), node("SequenceErase", "e two", "q")],
        "q",
        (2, 4, 6),
    ),
    "taken out": (
        [node("SplitToSequence", "x two", "e", axis=1), node("SequenceAt", "e two", "q")],
        "q",
        (4, 2),
    ),
    "joined": (
        [node("SequenceConstruct", "x x", "e"), node("ConcatFromSequence", "e", "q", axis=1)],
        "q",
        (4, 12),
    ),
    "stacked": (
        [node("SequenceConstruct", "x x", "e"), node("ConcatFromSequence", "e", "q", axis=-1, new_axis=1)],
        "q",
        (4, 6, 2),
    ),
    "length": (
        [
            node("SequenceConstruct", "x x", "e"),
            node("SequenceLength", "e", "n"),
            node("Range", "zero n one", "q"),
        ],
        "q",
        (2,),
    ),
    "optional": ([node("Optional", "x", "o"), node("OptionalGetElement", "o", "q")], "q", (4, 6)),
}


@pytest.mark.parametrize("case", SEQUENCES)
def test_sequences_and_optionals_of_fixed_parts_are_counted(case: str) -> None:
    nodes, name, shape = SEQUENCES[case]
    made = built(nodes, [X], name, {"two": 2, "zero": 0, "one": 1})
    counted = found(made)[name]
    assert counted.shape == shape
    (result,) = ran(made, {"x": np.zeros((4, 6), np.float32)})
    parts = cast("list[Any]", result if isinstance(result, list) else [result])
    assert counted.size == sum(int(np.asarray(part).nbytes) for part in parts)


def test_inputs_that_are_sequences_have_as_many_parts_as_are_bound() -> None:
    kind = helper.make_sequence_type_proto(helper.make_tensor_type_proto(FLOAT, [None, 3]))
    made = built([node("SequenceAt", "q zero", "y")], [helper.make_value_info("q", kind)], "y", {"zero": 0})
    with pytest.raises(SizeError, match=r"input 'q' \(a sequence of unknown parts\)"):
        load(made)
    tensors = found(made, {"q:0": 5, "q:1": 2})
    assert tensors["q"] == Tensor("q", "sequence(float32)", 32, (5, 2, 3))
    assert tensors["y"].shape == (2, 3)


def test_an_optional_input_counts_as_if_it_held_something() -> None:
    kind = helper.make_optional_type_proto(helper.make_tensor_type_proto(FLOAT, [4]))
    made = built([node("OptionalGetElement", "o", "y")], [helper.make_value_info("o", kind)], "y")
    assert found(made)["y"].shape == (4,)
    assert found(made)["o"].size == 16


def test_one_type_that_cannot_be_inferred_leaves_the_others() -> None:
    wrong = node("MatMul", "x x", "m")  # 4 x 6 by 4 x 6
    made = built([wrong, node("Relu", "x", "y"), node("Shape", "y", "z")], [X], "z")
    with pytest.raises(SizeError) as caught:
        load(made)
    assert "'m'" in str(caught.value)
    assert "'y'" not in str(caught.value)


def test_sparse_parameters_count_what_is_stored() -> None:
    dense = built([node("MatMul", "x w", "y")], [X], "y")
    values, indices = (
        helper.make_tensor("w", FLOAT, [3], [1.0, 2.0, 3.0]),
        helper.make_tensor("", INT64, [3], [0, 5, 11]),
    )
    dense.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [6, 2]))
    made = load(dense)
    assert next(t for t in made.graph.tensors if t.name == "w") == Tensor("w", "float32", 32, (6, 2), True)
    assert next(t for t in made.graph.tensors if t.name == "y").shape == (4, 2)
    assert made.parameter_bytes == 3 * 4 + 3 * 8


def test_strings_count_sixteen_bytes_each() -> None:
    made = built([node("StringNormalizer", "s", "y")], [value("s", [3], TensorProto.STRING)], "y")
    assert found(made)["y"] == Tensor("y", "string", 128, (3,))
    assert found(made)["y"].size == 48
    assert load(made).notes == (
        "strings count 16 bytes each, unless the target says otherwise (string_bytes)",
    )


def numbered(made: Graph) -> list[str]:
    return [op.kind for op in made.operators]


def test_unsorted_nodes_are_sorted_in_bodies_too() -> None:
    then = graph([node("Neg", "a", "b"), node("Abs", "x", "a")], [], [ValueInfoProto(name="b")])
    other = graph([node("Neg", "late", "b")], [], [ValueInfoProto(name="b")])
    nodes = [
        node("If", "c", "y", then_branch=then, else_branch=other),
        node("Relu", "x", "late"),
        node("Reshape", "y to", "z"),
        node("Constant", "", "to", value=weight("", [24], "int64")),
    ]
    source = built(nodes, [X, value("c", [], BOOL)], "z")
    before = source.SerializeToString()
    made = load(source)
    assert numbered(made.graph) == ["Relu", "If", "Constant", "Reshape"]
    assert numbered(made.graph.operators[1].bodies[0].graph) in (["Abs", "Neg"], ["Neg"])
    assert made.is_sorted
    assert "not sorted" in made.notes[0]
    assert source.SerializeToString() == before


def grower(depth: int) -> GraphProto:
    """Return the body of a Loop that adds to a sequence, and runs such a Loop itself."""
    nodes = [node("Identity", "on", "still"), node("SequenceInsert", "q x", "r")]
    if depth:
        nodes.append(node("Loop", "trips _ r", "s", body=grower(depth - 1)))
    after = "s" if depth else "r"
    kind = helper.make_sequence_type_proto(helper.make_tensor_type_proto(FLOAT, None))
    for each in nodes:  # names in nested bodies must differ
        for names in (each.input, each.output):
            names[:] = [f"{n}{depth}" if n in ("on", "still", "q", "r", "s") else n for n in names]
    inputs = [
        value(f"i{depth}", [], INT64),
        value(f"on{depth}", [], BOOL),
        helper.make_value_info(f"q{depth}", kind),
    ]
    outputs = [value(f"still{depth}", [], BOOL), helper.make_value_info(f"{after}{depth}", kind)]
    return graph(nodes, inputs, outputs)


def test_loops_that_add_parts_hold_as_many_as_they_make() -> None:
    nodes = [node("SequenceEmpty", "", "q"), node("Loop", "trips _ q", "all", body=grower(0))]
    made = built([*nodes, node("SequenceLength", "all", "y")], [X], "y", {"trips": 7})
    assert found(made)["all"] == Tensor("all", "sequence(float32)", 32, (7, 4, 6))


def test_nested_loops_are_not_followed_twice_at_each_level() -> None:
    nodes = [node("SequenceEmpty", "", "q"), node("Loop", "trips _ q", "all", body=grower(20))]
    made = built([*nodes, node("SequenceLength", "all", "y")], [X], "y", {"trips": 1})
    with pytest.raises(SizeError):
        load(made)


def test_many_branches_are_noted_shortly() -> None:
    branches = {"then_branch": branch("Unsqueeze"), "else_branch": branch("Identity")}
    nodes = [node("If", "c", f"y{k}", **branches) for k in range(9)]
    for k, each in enumerate(nodes):
        for attribute in each.attribute:
            attribute.g.node[0].output[0] = attribute.g.output[0].name = f"b{k}"
    made = built(nodes, [X, value("c", [], BOOL)], "y0", {"axis": [0]})
    notes = load(made).notes
    assert len(notes) == 6
    assert notes[-1] == "and 4 more such notes on operators with branches"
