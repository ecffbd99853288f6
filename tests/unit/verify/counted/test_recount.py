from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from hmcos.errors import VerifyError
from hmcos.graph.graph import Graph
from hmcos.plan.plan import Memory
from hmcos.verify.counted.order_check import check_order
from hmcos.verify.counted.recount import Recount
from hmcos.verify.counted.recount import recount as recount_run
from hmcos.verify.counted.steps import run_of_graph
from networks import network
from work import lines_run

RULES: Mapping[str, object] = {
    "views": ["Reshape"],
    "overwrite": [{"kinds": ["Relu", "Dropout"], "inputs": [0]}],
    "scratch": {"kinds": {"Conv": 3}},
}


def recount(
    graph: Graph, rules: Mapping[str, object], bodies: Mapping[int, int], order: Sequence[int]
) -> Recount:
    return recount_run(run_of_graph(graph, rules, bodies, order))


def diamond() -> Graph:
    return network(
        "input x",
        "parameter w",
        "v = Transpose w",
        "a = Conv x v",
        "b:float32[2,2] = Reshape a",
        "c = Relu a",
        "d = Conv b c",
        "output d",
    )


def test_a_network_counted_by_hand() -> None:
    # a; b is a; c, since b is still wanted, is new; d beside both.
    found = recount(diamond(), RULES, {}, (0, 1, 2, 3, 4))
    assert found.start == 16
    assert found.running == (16 + 16 + 3, 16, 16 + 16, 32 + 16 + 3)
    assert found.peak == 51


def test_without_rules_every_output_is_new() -> None:
    assert recount(diamond(), {}, {}, (0, 1, 2, 3, 4)).running == (32, 32, 48, 48)


def test_in_place_when_it_is_the_last_reader() -> None:
    graph = network("input x", "a = Conv x", "m n:bool[4] = Dropout a", "b = Relu m", "output b")
    assert recount(graph, RULES, {}, (0, 1, 2)).running == (35, 20, 16)


def test_alignment_and_bodies_count() -> None:
    graph = network("input x:bool[3]", "y:bool[3] = If x", "output y")
    assert recount(graph, {"alignment": 8}, {0: 9}, (0,)).running == (8 + 8 + 16,)


def test_what_is_claimed_must_be_true() -> None:
    running, stable = (35, 16, 32, 51), (16, 16, 32, 16)
    found = recount(diamond(), RULES, {}, (0, 1, 2, 3, 4))
    found.check(51, Memory(16, running, stable))
    with pytest.raises(VerifyError, match=r"peak of 50 bytes, but it is 51"):
        found.check(50, Memory(16, running, stable))
    with pytest.raises(VerifyError, match=r"step 2, operator 3 \(Relu 'n3'\): .* claims 31 .* they are 32"):
        found.check(51, Memory(16, (35, 16, 31, 51), stable))
    with pytest.raises(VerifyError, match="3 steps, but there are 4"):
        found.check(51, Memory(16, running[:3], stable))


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ((0, 1, 2, 3), "operator 4 never runs"),
        ((0, 1, 2, 3, 3, 4), "step 4: operator 3 runs a second time"),
        ((0, 1, 2, 3, 5), "step 4: there is no operator 5"),
        ((0, 1, 2, 3, -1), "step 4: there is no operator -1"),
        ((1, 0, 2, 3, 4), r"step 0, operator 1 \(Conv 'n1'\): reads tensor 'v' before it is made"),
        ((0, 1, 4, 2, 3), r"step 2, operator 4 \(Conv 'n4'\): reads tensor 'b' before it is made"),
    ],
)
def test_orders_that_cannot_run_are_refused(order: tuple[int, ...], message: str) -> None:
    with pytest.raises(VerifyError, match=message):
        check_order(diamond(), order)


def test_random_operators_may_not_change_places() -> None:
    graph = network("input x", "a = Noise x", "b = Noise x", "output a b", random=frozenset({"Noise"}))
    check_order(graph, (0, 1))
    with pytest.raises(VerifyError, match=r"step 1, operator 0 .*: runs after random operator 1"):
        check_order(graph, (1, 0))


def test_verifying_is_work_in_proportion_to_the_operators() -> None:
    def work(operators: int) -> int:
        chain = (f"t{k + 1} = Relu t{k}" for k in range(operators))
        graph = network("input t0", *chain, f"output t{operators}")
        memory = Memory(16, (16,) * operators, (16,) * operators)

        def verify() -> None:
            check_order(graph, range(operators))
            recount(graph, RULES, {}, range(operators)).check(16, memory)

        return lines_run(verify)

    assert work(2000) < 2.2 * work(1000)
