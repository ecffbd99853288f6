from __future__ import annotations

from dataclasses import replace

import pytest

from hmcos.errors import OptionError
from hmcos.graph.graph import Graph
from hmcos.memory.profile import profile
from hmcos.memory.sharing import Sharing, lower
from hmcos.memory.target import load_target
from networks import network, tensor_id

DEFAULT, HMCOS, NONE = (load_target(name) for name in ("default", "hmcos", "none"))


def buffer(graph: Graph, sharing: Sharing, name: str) -> int | None:
    return sharing.buffer_of[tensor_id(graph, name)]


def overwritten(graph: Graph, sharing: Sharing, number: int = -1) -> set[str]:
    """Names of the tensors in the buffers that an operator may overwrite."""
    allowed = sharing.problem.may_overwrite[number]
    return {graph.tensors[t].name for b in allowed for t in sharing.tensors_of[b]}


def test_a_chain() -> None:
    graph = network("input x", "y = Conv x", "z = Relu y", "output z")
    sharing = lower(graph, DEFAULT)
    problem = sharing.problem
    assert problem.sizes == sharing.raw_sizes == (16, 16, 16)
    assert (problem.inputs, problem.kept) == ((0,), (2,))
    assert (problem.reads, problem.makes) == (((0,), (1,)), ((1,), (2,)))
    assert problem.may_overwrite == ((), (1,))
    assert problem.names == ("n0", "n1") and sharing.numbers == (0, 1)
    assert sharing.tensors_of == ((0,), (1,), (2,))


def test_parameters_and_what_computes_them_are_left_out() -> None:
    graph = network("input x", "parameter w", "v = Transpose w", "y = Add v x", "output y v")
    sharing = lower(graph, DEFAULT)
    assert sharing.numbers == (1,)
    assert sharing.problem.sizes == (16, 16)
    assert overwritten(graph, sharing) == {"x"}
    assert tensor_id(graph, "v") not in sharing.buffer_of


def test_sizes_are_rounded_up_to_the_alignment() -> None:
    graph = network("input x:int4[3]", "y:float32[] = Conv x", "output y")
    assert lower(graph, DEFAULT).problem.sizes == (2, 4)
    aligned = lower(graph, DEFAULT, {0: 5}, alignment=16)
    assert aligned.problem.sizes == (16, 16) and aligned.raw_sizes == (2, 4)
    assert aligned.problem.scratch == (16,) and aligned.alignment == 16
    with pytest.raises(OptionError, match="at least 1 byte, not 0"):
        lower(graph, DEFAULT, alignment=0)


def test_a_view_is_the_buffer_of_its_input() -> None:
    graph = network(
        "input x",
        "a = Conv x",
        "b:float32[2,2] = Reshape a",
        "c:float32[1,4] = Flatten b",
        "d = Conv c",
        "e = Conv a",
    )
    sharing = lower(graph, DEFAULT)
    assert buffer(graph, sharing, "a") == buffer(graph, sharing, "b") == buffer(graph, sharing, "c") == 1
    # Conv d reads the shared buffer and the zero-size one that says the Flatten has run.
    assert sharing.problem.reads == ((0,), (1,), (1, 2), (1, 3), (1,))
    assert sharing.problem.sizes[2:4] == (0, 0)
    assert sharing.problem.predecessors[3] == (0, 2)


def test_a_view_of_a_graph_input_belongs_to_it_and_an_output_keeps_it() -> None:
    graph = network("input x", "y:float32[2,2] = Reshape x", "z = Conv y", "output y z")
    sharing = lower(graph, DEFAULT)
    assert sharing.problem.sizes == (16, 0, 16)
    assert sharing.problem.kept == (0, 2)


def test_a_view_of_a_parameter_costs_nothing_but_is_waited_for() -> None:
    graph = network("input n", "parameter w", "v = Reshape w n", "y = Add v v", "output v")
    sharing = lower(graph, DEFAULT)
    assert sharing.problem.sizes == (16, 0, 16)
    assert buffer(graph, sharing, "v") is None
    assert sharing.problem.predecessors == ((), (0,))
    assert overwritten(graph, sharing) == set() and sharing.problem.kept == ()


def test_a_view_that_would_grow_is_none() -> None:
    graph = network("input x", "y:float32[8] = Reshape x")
    assert lower(graph, DEFAULT).problem.sizes == (16, 32)


def test_random_operators_keep_their_order() -> None:
    graph = network("input x", "a = Noise x", "b = Noise x", "c = Conv x", random=frozenset({"Noise"}))
    problem = lower(graph, DEFAULT).problem
    assert problem.predecessors == ((), (0,), ())
    assert profile(problem, (2, 0, 1)).peak == 32


def test_dropout_at_inference_is_in_place_beside_its_unread_mask() -> None:
    graph = network("input x", "a = Conv x", "y m:bool[4] = Dropout a", "z = Conv y")
    sharing = lower(graph, DEFAULT)
    assert overwritten(graph, sharing, 1) == {"a"}
    assert sharing.problem.scratch == (0, 4, 0)
    assert buffer(graph, sharing, "m") is None
    assert profile(sharing.problem, (0, 1, 2)).running == (32, 20, 32)


def test_dropout_whose_mask_is_read_is_not_in_place() -> None:
    graph = network("input x", "y m:bool[4] = Dropout x", "z = Conv y m")
    sharing = lower(graph, DEFAULT)
    assert sharing.problem.may_overwrite == ((), ()) and sharing.problem.scratch == (0, 0)


def test_training_dropout_is_never_in_place() -> None:
    graph = network("input x", "y m:bool[4] = Dropout x", "output y", random=frozenset({"Dropout"}))
    sharing = lower(graph, DEFAULT)
    assert sharing.problem.may_overwrite == ((),) and sharing.problem.scratch == (0,)


def test_outputs_left_out_have_no_bytes() -> None:
    graph = network("input x", "_ y = Split x", "output y")
    assert lower(graph, DEFAULT).problem.sizes == (16, 16)


@pytest.mark.parametrize(
    ("operator", "default", "hmcos"),
    [
        ("z = Add x y", {"x", "y"}, {"x"}),
        ("z = Add w y", {"y"}, {"y"}),
        ("z = Add x x", {"x"}, {"x"}),
        ("z = Add s y", {"y"}, {"y"}),
        ("z:float32[2,2] = Add x y", set[str](), {"x"}),
        ("z:bool[4] = Less x y", set[str](), set[str]()),
        ("z:bool[4,4] = Less x y", set[str](), {"x"}),
        ("z:int32[4] = Cast x", {"x"}, set[str]()),
        ("z:float64[4] = Cast x", set[str](), set[str]()),
        ("z:int32[4] = Equal x y", {"x", "y"}, {"x"}),
        ("z = Where c x y", {"x", "y"}, set[str]()),
        ("z = Where x x y", {"y"}, set[str]()),
        ("z = Sum x y x", {"x", "y"}, set[str]()),
        ("z = Conv x", set[str](), set[str]()),
        ("z = ai.onnx:Relu x", {"x"}, {"x"}),
        ("z = com.acme:Relu x", set[str](), set[str]()),
        ("z:float32[0] = Relu x", set[str](), set[str]()),
    ],
)
def test_who_may_overwrite_what(operator: str, default: set[str], hmcos: set[str]) -> None:
    graph = network(
        "input x y s:float32[] c:bool[4]", "parameter w", operator, "output z", "q = Conv x y s c", "output q"
    )
    assert overwritten(graph, lower(graph, DEFAULT), 0) == default
    assert overwritten(graph, lower(graph, HMCOS), 0) == hmcos
    assert overwritten(graph, lower(graph, NONE), 0) == set()


def test_reshapes_are_overwrites_for_hmcos() -> None:
    graph = network("input x", "y:float32[2,2] = Reshape x", "z = Conv x", "output y")
    problem = lower(graph, HMCOS).problem
    assert problem.sizes == (16, 16, 16)
    assert profile(problem, (0, 1)).peak == 48 and profile(problem, (1, 0)).peak == 32


def test_graph_inputs_are_overwritten_only_where_the_target_allows_it() -> None:
    graph = network("input x", "y = Relu x", "z = Relu y", "output z")
    assert lower(graph, DEFAULT).problem.may_overwrite == ((0,), (1,))
    assert lower(graph, replace(DEFAULT, overwrite_inputs=False)).problem.may_overwrite == ((), (1,))


def test_part_of_a_buffer_is_never_overwritten() -> None:
    target = replace(DEFAULT, views=frozenset({"Slice"}))
    graph = network("input x", "a = Conv x", "b:float32[2] = Slice a", "c:float32[2] = Relu b", "d = Add a b")
    assert lower(graph, target).problem.may_overwrite == ((), (), (), ())


def test_scratch_adds_up() -> None:
    target = replace(DEFAULT, scratch_of_kind={"Conv": 5}, scratch_of_operator={"n1": 7})
    graph = network("input x", "a = Conv x", "b = Conv a")
    assert lower(graph, target, {1: 100}).problem.scratch == (5, 112)
    assert lower(graph, target, {1: 100}, alignment=8).problem.scratch == (8, 120)


def test_an_input_that_is_an_output_is_kept() -> None:
    graph = network("input x", "y = Relu x", "output x y y")
    problem = lower(graph, DEFAULT).problem
    assert problem.kept == (0, 1)
    assert profile(problem, (0,)).peak == 32
