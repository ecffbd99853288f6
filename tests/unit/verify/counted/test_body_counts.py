"""What bodies need is recounted from their graphs, and wrong claims are named by their path."""

from __future__ import annotations

from dataclasses import replace

import pytest
from onnx import ModelProto

import hmcos
from hmcos.errors import VerifyError
from hmcos.frontends.onnx import load
from hmcos.plan.plan import BodyPlan, Plan
from hmcos.verify.counted.body_counts import recount_bodies
from unit.verify import faults

IF = """net (bool go, float[4] x) => (float[4] y)
{
  a = Exp(x)
  y = If (go) <
    then_branch = yes () => (float[4] t) { r = Sin(a) s = Cos(a) t = Mul(r, s) },
    else_branch = no () => (float[4] e) { e = Neg(a) }
  >
}"""
LOOP = """net (float[4] x) => (float[4] y) <int64 times = {3}, bool go = {1}>
{
  y = Loop (times, go, x) <body = step (int64 i, bool before, float[4] s) => (bool after, float[4] t)
    { after = Identity(before) u = Sin(s) t = Cos(u) }>
}"""


def needs(source: ModelProto, plan: Plan, bodies: dict[str, BodyPlan] | None = None) -> dict[int, int]:
    given = {body.path: body for body in plan.bodies} if bodies is None else bodies
    return recount_bodies(load(source).graph, {**plan.target.data, "alignment": plan.target.alignment}, given)


def test_a_body_needs_its_peak_less_its_result() -> None:
    source = faults.model(IF)
    # r and s are alive when t is made: 48 bytes, of which t, 16, is the operator's output.
    assert needs(source, hmcos.schedule(source, target="none")) == {1: 32}


def test_a_loop_holds_what_it_carries() -> None:
    source = faults.model(LOOP)
    plan = hmcos.schedule(source, target="none")
    # When t is made: i, which nobody reads (8), before or after (1), the carried s, u, and t, given back.
    assert needs(source, plan) == {0: 8 + 1 + 16 + 16}


def test_wrong_claims_are_named() -> None:
    source = faults.model(IF)
    plan = hmcos.schedule(source, target="none")
    bodies = {body.path: body for body in plan.bodies}
    path = "node 1/then_branch"
    with pytest.raises(VerifyError, match=f"{path}: the plan holds no order for this body"):
        needs(source, plan, {})
    for wrong, said in (
        (
            replace(bodies[path], peak=bodies[path].peak + 1),
            "the plan claims a peak of 49 bytes, but it is 48",
        ),
        (replace(bodies[path], order=(2, 0, 1)), r"step 0, operator 2 \(Mul\): reads tensor 'r' before"),
        (replace(bodies[path], order=(0, 1, 1)), "step 2: operator 1 runs a second time"),
    ):
        with pytest.raises(VerifyError, match=f"{path}: {said}"):
            needs(source, plan, {**bodies, path: wrong})
