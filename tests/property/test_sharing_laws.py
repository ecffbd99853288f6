"""Laws of sharing: what lowering says is what the verifier, written apart from it, says too."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from itertools import islice
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmcos.graph.graph import Graph
from hmcos.graph.source_order import parameter_nodes, source_order
from hmcos.memory.bounds import operand_bound
from hmcos.memory.problem import Problem
from hmcos.memory.profile import profile
from hmcos.memory.sharing import Sharing, lower
from hmcos.memory.target import Target, load_target, parse_target
from hmcos.plan.plan import Memory
from hmcos.schedulers.simple.rpo import reverse_post_order
from hmcos.verify.counted import claims
from hmcos.verify.counted.order_check import check_order
from hmcos.verify.counted.recount import recount
from hmcos.verify.counted.steps import run_of_graph
from oracle import orders
from property.graph_strategies import graphs, random_graph

ACCELERATOR = """
alignment = 16
overwrite_inputs = false
views = ["Reshape", "Slice", "com.acme:Identity"]
[[overwrite]]
kinds = ["Add", "Max", "com.acme:Conv"]
inputs = "first"
condition = "same-shape"
[[overwrite]]
kinds = ["Where", "Concat", "Split"]
inputs = [1, 2]
condition = "same-size"
[[overwrite]]
kinds = ["Relu"]
[scratch.kinds]
Conv = 5
"com.acme:Conv" = 100
[scratch.operators]
n1 = 17
"""
"""A target that uses every key."""


def targets() -> list[Target]:
    shipped = [load_target(name) for name in ("default", "hmcos", "none")]
    return [*shipped, parse_target("accelerator", tomllib.loads(ACCELERATOR), "accelerator.toml")]


TARGETS = targets()


def in_source(graph: Graph, sharing: Sharing, order: tuple[int, ...]) -> tuple[int, ...]:
    return source_order(parameter_nodes(graph), [sharing.numbers[op] for op in order])


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
@given(graph=graphs(), bodies=st.dictionaries(st.integers(0, 6), st.integers(0, 40), max_size=2))
def test_the_verifier_counts_what_the_problem_costs(
    target: Target, graph: Graph, bodies: dict[int, int]
) -> None:
    assert_counted_alike(graph, target, bodies)


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_the_verifier_counts_the_same_on_many_networks(target: Target) -> None:
    overwritten = 0
    for seed in range(1500):
        graph = random_graph(Random(seed), 3 + seed % 6)
        overwritten += any(assert_counted_alike(graph, target, {seed % 5: seed % 40}).overwritable)
    assert overwritten > 150 or not target.overwrite


def assert_counted_alike(graph: Graph, target: Target, bodies: Mapping[int, int]) -> Problem:
    sharing = lower(graph, target, bodies)
    for order in islice(orders(sharing.problem), 3):
        cost = profile(sharing.problem, order)
        full = in_source(graph, sharing, order)
        check_order(graph, full)
        run = run_of_graph(graph, target.data, bodies, full)
        recount(run).check(cost.peak, Memory(cost.start, cost.running, cost.stable))
    first = run_of_graph(graph, target.data, bodies, range(len(graph.operators)))
    backwards = [sharing.numbers[op] for op in reverse_post_order(sharing.problem)]
    assert claims.reverse_post_order(first.steps) == backwards
    assert claims.least_peak(first) <= operand_bound(sharing.problem)
    return sharing.problem


@given(graph=graphs())
def test_lowering_forbids_exactly_the_orders_that_the_network_forbids(graph: Graph) -> None:
    sharing = lower(graph, TARGETS[0])
    plain = lower(graph, TARGETS[2])
    assert sharing.numbers == plain.numbers
    assert set(islice(orders(sharing.problem), 3000)) == set(islice(orders(plain.problem), 3000))
    for order in islice(orders(plain.problem), 10):
        check_order(graph, in_source(graph, sharing, order))


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
@given(graph=graphs())
def test_no_byte_is_lost(target: Target, graph: Graph) -> None:
    sharing = lower(graph, target, {})
    for tensor, buffer in sharing.buffer_of.items():
        if buffer is not None:
            assert tensor in sharing.tensors_of[buffer]
            assert sharing.raw_sizes[buffer] >= graph.tensors[tensor].size
    activations = {t for op in graph.operators for t in op.makes if not graph.tensors[t].is_parameter}
    assert set(sharing.buffer_of) == activations | set(graph.inputs)
    for size, raw in zip(sharing.problem.sizes, sharing.raw_sizes, strict=True):
        assert raw <= size < raw + target.alignment and size % target.alignment == 0
