"""Measured memory of small graphs, counted by hand."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch
from torch import Tensor, fx

from hmcos.errors import ModelError
from hmcos.runtimes.torch.bits import difference, same_bits
from hmcos.runtimes.torch.memory import Memory
from hmcos.runtimes.torch.running import Feed, Ran, most_alive, run

aten = torch.ops.aten
KB = 1024
"""Bytes of a tensor of 256 floats."""


def floats() -> Tensor:
    return torch.arange(256, dtype=torch.float32)


def graph_of(draw: Callable[[fx.Graph], fx.Node], root: dict[str, Any] | None = None) -> fx.GraphModule:
    graph = fx.Graph()
    graph.output(draw(graph))
    return fx.GraphModule(root or {}, graph)


def used(memory: Memory) -> list[tuple[str, int, int]]:
    return [(step.node, step.before, step.used) for step in memory.steps]


def chain(graph: fx.Graph) -> fx.Node:
    x = graph.placeholder("x")
    a = graph.call_function(aten.sin.default, (x,))
    b = graph.call_function(aten.cos.default, (a,))
    return graph.call_function(aten.exp.default, (b,))


def test_an_input_that_the_caller_holds_lives_to_the_end() -> None:
    memory = run(graph_of(chain), Feed((floats(),))).memory
    assert used(memory) == [
        ("sin_default", KB, 2 * KB),
        ("cos_default", 2 * KB, 3 * KB),
        ("exp_default", 2 * KB, 3 * KB),
    ]
    assert (memory.start, memory.end, memory.peak) == (KB, 2 * KB, 3 * KB)


def test_an_input_that_was_given_up_dies_after_its_last_reader() -> None:
    memory = run(graph_of(chain), Feed((floats(),), given_up=frozenset({0}))).memory
    assert used(memory) == [
        ("sin_default", KB, 2 * KB),
        ("cos_default", KB, 2 * KB),
        ("exp_default", KB, 2 * KB),
    ]
    assert (memory.start, memory.end, memory.peak) == (KB, KB, 2 * KB)


def test_an_input_whose_name_in_the_code_is_taken_dies_as_well() -> None:
    def draw(graph: fx.Graph) -> fx.Node:
        x = graph.placeholder("input")
        return graph.call_function(aten.cos.default, (graph.call_function(aten.sin.default, (x,)),))

    memory = run(graph_of(draw), Feed((floats(),), given_up=frozenset({0}))).memory
    assert [step.before for step in memory.steps] == [KB, KB]


def test_parameters_and_constants_do_not_count() -> None:
    def draw(graph: fx.Graph) -> fx.Node:
        weight, x = graph.placeholder("weight"), graph.placeholder("x")
        a = graph.call_function(aten.mul.Tensor, (x, weight))
        return graph.call_function(aten.add.Tensor, (a, graph.get_attr("constant")))

    module = graph_of(draw, {"constant": floats()})
    memory = run(module, Feed((floats(), floats()), parameters=frozenset({0}))).memory
    assert used(memory) == [("mul_tensor", KB, 2 * KB), ("add_tensor", 2 * KB, 3 * KB)]


def test_a_view_costs_nothing_and_holds_the_whole_storage() -> None:
    def draw(graph: fx.Graph) -> fx.Node:
        a = graph.call_function(aten.sin.default, (graph.placeholder("x"),))
        view = graph.call_function(aten.slice.Tensor, (a, 0, 0, 1))
        return graph.call_function(aten.cos.default, (view,))

    memory = run(graph_of(draw), Feed((floats(),))).memory
    assert used(memory) == [
        ("sin_default", KB, 2 * KB),
        ("slice_tensor", 2 * KB, 2 * KB),
        ("cos_default", 2 * KB, 2 * KB + 4),
    ]
    assert memory.end == KB + 4


def test_parts_of_a_result_die_by_themselves() -> None:
    def draw(graph: fx.Graph) -> fx.Node:
        best = graph.call_function(aten.topk.default, (graph.placeholder("x"), 128))
        values = graph.call_function(operator.getitem, (best, 0))
        return graph.call_function(aten.sin.default, (values,))

    memory = run(graph_of(draw), Feed((floats(),))).memory
    assert used(memory) == [
        ("topk_default", KB, KB + 512 + KB),
        ("getitem", KB + 512 + KB, KB + 512 + KB),
        ("sin_default", KB + 512, 2 * KB),
    ]


def test_two_inputs_of_one_storage_count_once() -> None:
    x = floats()

    def draw(graph: fx.Graph) -> fx.Node:
        return graph.call_function(aten.add.Tensor, (graph.placeholder("x"), graph.placeholder("y")))

    ran = run(graph_of(draw), Feed((x[:128], x[128:])))
    assert used(ran.memory) == [("add_tensor", KB, KB + 512)]
    assert torch.equal(ran.outputs[0], x[:128] + x[128:])


def writing(graph: fx.Graph) -> fx.Node:
    x, weight = graph.placeholder("x"), graph.get_attr("weight")
    part = graph.call_function(aten.slice.Tensor, (x, 0, 0, 2))
    graph.call_function(aten.fill_.Scalar, (part, 7.0))
    graph.call_function(aten.mul_.Tensor, (weight, 2.0))
    return graph.call_function(aten.add.Tensor, (x, weight))


def test_a_run_changes_neither_inputs_nor_module_and_tells_what_it_wrote() -> None:
    x, module = floats(), graph_of(writing, {"weight": floats()})
    one, two = (run(module, Feed((x,))) for _ in range(2))
    assert torch.equal(x, floats())
    assert torch.equal(module.get_buffer("weight"), floats())
    assert one.values[0][:3].tolist() == [7.0, 7.0, 2.0]
    assert one.outputs[0][:3].tolist() == [7.0, 9.0, 6.0]
    assert difference(one, two) is None


def random(graph: fx.Graph) -> fx.Node:
    return graph.call_function(aten.rand_like.default, (graph.placeholder("x"),))


def test_equal_seeds_give_equal_bits_and_the_generator_is_left_alone() -> None:
    module, feed = graph_of(random), Feed((floats(),))
    before = torch.random.get_rng_state()
    assert difference(run(module, feed, 1), run(module, feed, 1)) is None
    assert difference(run(module, feed, 1), run(module, feed, 2)) == "output 0"
    assert torch.equal(before, torch.random.get_rng_state())


def test_temporaries_of_a_composite_operator_are_told_apart() -> None:
    def draw(graph: fx.Graph) -> fx.Node:
        return graph.call_function(aten.layer_norm.default, (graph.placeholder("x"), [4]))

    (step,) = run(graph_of(draw), Feed((floats().reshape(64, 4),))).memory.steps
    assert (step.used, step.within) == (2 * KB, 2 * KB + 2 * 64 * 4)


class Branch(torch.nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.cond(x.sum() > 0, lambda x: x.sin().cos().exp().sum(), lambda x: x.sum(), (x,))  # pyright: ignore


@pytest.mark.slow
def test_temporaries_of_a_body_count() -> None:
    program = torch.export.export(Branch(), (floats(),))
    memory = run(program.graph_module, Feed((floats(),))).memory
    assert memory.by_node["cond"].used == 3 * KB + 1


class Loop(torch.nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        from torch._higher_order_ops import scan  # noqa: PLC0415

        total, rows = scan(lambda c, row: (c + row, row.sin()), torch.zeros(4), x)  # pyright: ignore
        return rows + total


@pytest.mark.slow
def test_what_a_scan_holds_beside_its_body_counts() -> None:
    program = torch.export.export(Loop(), (floats().reshape(64, 4),))
    memory = run(program.graph_module, Feed((floats().reshape(64, 4),))).memory
    # The input; the stacked rows, the index for one of them and a multiple of it; the first carry, which the
    # caller holds, the last and the new one; one row.
    assert memory.by_node["scan"].used == KB + KB + 2 * 32 + 3 * 16 + 16


def test_sparse_tensors_are_refused() -> None:
    module = graph_of(lambda graph: graph.call_function(aten.to_sparse.default, (graph.placeholder("x"),)))
    with pytest.raises(ModelError, match=r"layout torch\.sparse_coo is not measured; make it dense"):
        run(module, Feed((floats(),)))


def test_a_module_that_was_traced_by_symbols_is_measured_too() -> None:
    class Layered(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(256, 256)

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(x.sin()).mul(2.0)

    module = fx.symbolic_trace(Layered())
    memory = run(module, Feed((floats(),), given_up=frozenset({0}))).memory
    assert used(memory) == [("sin", KB, 2 * KB), ("layer", KB, 2 * KB), ("mul", KB, 2 * KB)]


def test_the_most_that_eager_holds() -> None:
    x, weight, idle = floats().requires_grad_(), floats().requires_grad_(), floats()

    def step() -> None:
        # The product is saved, the sum is one float; then two gradients of sin and its argument.
        (x * weight).sin().sum().backward()

    without = most_alive(step, [x, weight])
    assert most_alive(step, [x]) == without + KB
    assert most_alive(step, []) == without + 2 * KB
    assert most_alive(step, [x, weight], (idle, [idle[1:]])) == without + KB


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (torch.tensor([float("nan"), 0.0]), torch.tensor([float("nan"), 0.0]), True),
        (torch.tensor([0.0]), torch.tensor([-0.0]), False),
        (torch.tensor([1.0]), torch.tensor([1.0], dtype=torch.float64), False),
        (torch.ones(2, 1), torch.ones(1, 2), False),
        (torch.ones(2, 3).T, torch.ones(3, 2), True),
        (torch.tensor(3), torch.tensor(3), True),
        (torch.ones(3).as_strided((1,), (49,)), torch.ones(1), True),
        (torch.tensor([1 + 2j]).conj(), torch.tensor([1 - 2j]), True),
        (None, None, True),
        (None, torch.ones(1), False),
        (3, 3, True),
        (float("nan"), float("nan"), True),
    ],
)
def test_bits(one: Any, other: Any, same: bool) -> None:
    assert same_bits(one, other) is same


def test_differences_are_named() -> None:
    memory = Memory(0, (), 0)
    one = Ran(memory, (1, torch.ones(1)), (torch.ones(1),))
    assert difference(one, Ran(memory, (1, torch.ones(1)), (torch.ones(1),))) is None
    assert difference(one, Ran(memory, (1, torch.zeros(1)), (torch.ones(1),))) == "output 1"
    assert difference(one, Ran(memory, (1,), (torch.ones(1),))) == "the number of outputs"
    assert difference(one, Ran(memory, one.outputs, (None,))) == "the value left in input 0"
