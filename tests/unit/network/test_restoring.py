"""The network of a plan is the one that was planned, bodies included."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

import hmcos
from hmcos.errors import PlanError
from hmcos.limits import Status
from hmcos.network.opening import open_source
from hmcos.network.restoring import network_of


def branch(name: str, copies: int) -> onnx.GraphProto:
    nodes = [
        helper.make_node("Concat", ["x"] * copies, [f"{name}a"], axis=0),
        helper.make_node("ReduceMean", [f"{name}a"], [f"{name}o"], keepdims=1),
    ]
    return helper.make_graph(
        nodes, name, [], [helper.make_tensor_value_info(f"{name}o", TensorProto.FLOAT, [1])]
    )


@pytest.fixture
def choice(tmp_path: Path) -> Path:
    """A model whose If needs 1280 bytes and more inside."""
    nodes = [
        helper.make_node("Relu", ["i"], ["x"]),
        helper.make_node("If", ["c"], ["y"], then_branch=branch("t", 3), else_branch=branch("e", 5)),
        helper.make_node("Add", ["x", "y"], ["z"]),
    ]
    wide, flag = [64], list[int]()
    graph = helper.make_graph(
        nodes,
        "choice",
        [
            helper.make_tensor_value_info("i", TensorProto.FLOAT, wide),
            helper.make_tensor_value_info("c", TensorProto.BOOL, flag),
        ],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, wide)],
    )
    path = tmp_path / "choice.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize("external_io", [False, True])
def test_bodies_need_what_their_plan_says(choice: Path, external_io: bool) -> None:
    plan = hmcos.schedule(choice, alignment=16, external_io=external_io)
    assert len(plan.bodies) == 2
    found = hmcos.explain(choice, plan)
    assert max(found.problem.scratch) == 1280
    assert sum(found.lives[i].size for i in found.live) == plan.peak
    assert all(one.proved for one in found.advised.advice)


def test_nothing_is_proved_beside_bodies_that_were_not_solved(choice: Path) -> None:
    plan = hmcos.schedule(choice)
    open_body = replace(plan.bodies[0], lower_bound=plan.bodies[0].peak - 1, status=Status.TIME_LIMIT)
    found = hmcos.explain(choice, replace(plan, bodies=(open_body, plan.bodies[1])))
    assert found.advised.advice
    assert not any(one.proved for one in found.advised.advice)


def test_a_plan_that_lost_a_body_is_refused(choice: Path) -> None:
    plan = hmcos.schedule(choice)
    with pytest.raises(PlanError, match="no order for node 1/"):
        network_of(replace(plan, bodies=plan.bodies[:1]), open_source(choice))
