from __future__ import annotations

from dataclasses import replace

import pytest

import hmcos
from hmcos.graph.graph import Body, Graph, Operator, Tensor
from hmcos.limits import Limits, Status, Watch
from hmcos.memory.problem import Problem
from hmcos.memory.target import load_target
from hmcos.network import bodies
from hmcos.network.bodies import Accounting, iteration, result_bytes, solve_bodies
from hmcos.network.lowering import Network, network_with
from hmcos.plan.plan import TargetUsed
from hmcos.plan.schedule import Schedule
from hmcos.schedulers.optimal import optimal
from unit.verify import faults


def tensor(name: str, size: int) -> Tensor:
    return Tensor(name, "uint8", 8, (size,))


def operator(number: int, kind: str, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> Operator:
    return Operator(number, "", kind, "", inputs, outputs)


def body_graph(wide: int = 100) -> Graph:
    """Return a body with one input: a wide tensor and a result of 4 bytes."""
    tensors = (tensor("in", 4), tensor("wide", wide), tensor("out", 4))
    nodes = (operator(0, "Tile", (0,), (1,)), operator(1, "ReduceSum", (1,), (2,)))
    return Graph("body", tensors, nodes, (0,), (2,))


def outer(kind: str, body: Graph) -> Graph:
    holder = replace(operator(0, kind, (0,), (1,)), bodies=(Body("body", body),))
    return Graph("outer", (tensor("x", 4), tensor("y", 4)), (holder,), (0,), (1,))


PLAIN = Accounting(load_target("none"), TargetUsed("none", 1))


def lowered(graph: Graph) -> Network:
    return network_with(graph, PLAIN, solve_bodies(graph, PLAIN, Limits(), Watch())[0])


def test_scratch_is_the_peak_of_the_body_less_its_result() -> None:
    found = lowered(outer("If", body_graph()))
    assert found.bodies.plans[0].peak == 104
    assert found.problem.scratch == (104 - 4,)
    assert found.open_bodies is None


def test_scratch_is_never_negative() -> None:
    body = Graph("body", (tensor("in", 4),), (), (0,), (0,))
    assert lowered(outer("If", body)).problem.scratch == (0,)


def test_the_results_of_an_unknown_kind_are_not_given_back() -> None:
    graph = outer("Mystery", body_graph())
    assert result_bytes(graph.operators[0], graph.operators[0].bodies[0], 1) == 0
    assert lowered(graph).problem.scratch == (104,)


def test_results_are_rounded_up_like_all_buffers() -> None:
    graph = outer("If", body_graph())
    assert result_bytes(graph.operators[0], graph.operators[0].bodies[0], 16) == 16


def loop(kind: str, inputs: tuple[int, ...], body_inputs: tuple[int, ...]) -> tuple[Graph, Operator, Body]:
    tensors = (tensor("a", 4), tensor("b", 8), Tensor("rows", "uint8", 8, (3, 8)))
    body = Body("body", Graph("body", (*tensors[:2], tensor("c", 1)), (), body_inputs, ()))
    return Graph("outer", tensors, (), (), ()), operator(0, kind, inputs, ()), body


def test_a_loop_holds_what_it_carries() -> None:
    assert iteration(*loop("Loop", (2, 2, 0, 1), (2, 2, 0, 1))).outputs == (0, 1)


def test_a_scan_holds_what_it_carries_but_not_what_it_scans() -> None:
    assert iteration(*loop("Scan", (0, 2), (0, 1))).outputs == (0,)


def test_branches_carry_nothing() -> None:
    graph, op, body = loop("If", (0,), ())
    assert iteration(graph, op, body) is body.graph


def unsolved(problem: Problem, limits: Limits, watch: Watch) -> Schedule:
    """Return the optimum as if nobody knew that it is one."""
    found = optimal(problem, limits, watch)
    return replace(found, lower_bound=found.peak - 60, status=Status.STATE_LIMIT)


def test_a_model_whose_body_is_unsolved_is_never_optimal(monkeypatch: pytest.MonkeyPatch) -> None:
    def only_unsolved(name: str) -> object:
        return unsolved

    monkeypatch.setattr(bodies, "scheduler", only_unsolved)
    found = lowered(outer("If", body_graph()))
    assert found.bodies.limit is Status.STATE_LIMIT
    schedule = found.find(optimal, Limits(), Watch())
    assert schedule.peak == 4 + 4 + 100
    assert schedule.lower_bound == 4 + 4 + 40
    assert schedule.status is Status.FEASIBLE
    assert found.find(optimal, Limits(budget=108), Watch()).status is Status.FITS
    # Nobody knows whether 80 bytes suffice: the body may need less than was found.
    assert found.find(optimal, Limits(budget=80), Watch()).status is Status.STATE_LIMIT
    assert found.find(optimal, Limits(budget=47), Watch()).status is Status.DOES_NOT_FIT


def test_an_unsolved_body_away_from_the_peak_also_keeps_the_model_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def only_unsolved(name: str) -> object:
        return unsolved

    monkeypatch.setattr(bodies, "scheduler", only_unsolved)
    graph = outer("If", body_graph())
    grow = operator(1, "Tile", (1,), (2,))
    wider = replace(
        graph, tensors=(*graph.tensors, tensor("z", 1000)), operators=(*graph.operators, grow), outputs=(2,)
    )
    schedule = lowered(wider).find(optimal, Limits(), Watch())
    assert schedule.peak == 1004
    assert schedule.lower_bound < schedule.peak
    assert schedule.status is Status.FEASIBLE


def test_a_bound_below_what_any_order_needs_holds_for_the_sake_of_an_unsolved_body(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nearly(problem: Problem, limits: Limits, watch: Watch) -> Schedule:
        found = unsolved(problem, limits, watch)
        return replace(found, lower_bound=found.peak - 1)

    def only_nearly(name: str) -> object:
        return nearly

    monkeypatch.setattr(bodies, "scheduler", only_nearly)
    source = faults.model("""net (bool go, float[40] x) => (float[40] y, float[4000] z) <int64[1] n = {100}> {
      a = Neg(x)
      y = If (go) <then_branch = yes () => (float[40] t) { r = Sqrt(a) t = Add(r, a) },
                   else_branch = no () => (float[40] e) { e = Exp(a) }>
      z = Tile(y, n) }""")
    plan = hmcos.schedule(source)
    assert (plan.peak, plan.lower_bound, plan.status) == (160 + 16000, 160 + 15999, Status.FEASIBLE)
    assert hmcos.verify(source, plan).holds


def test_nested_bodies_have_nested_paths_innermost_first() -> None:
    found = lowered(outer("If", outer("If", body_graph())))
    assert [plan.path for plan in found.bodies.plans] == ["node 0/body/node 0/body", "node 0/body"]


def test_states_are_shared_and_what_is_left_goes_on() -> None:
    _, left = solve_bodies(outer("If", body_graph()), PLAIN, Limits(states=100), Watch())
    assert 0 < left.states <= 100
