"""Any small network, planned for any target, computes in its arena what it computes apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import ModelProto

import hmcos
from hmcos.errors import VerifyError
from hmcos.frontends.feeding import random_inputs
from hmcos.frontends.onnx import load
from hmcos.verify.run.arena_run import run_in_arena
from hmcos.verify.run.operators import LINE, Operators, run_whole, session
from property.model_strategies import models
from unit.verify.faults import overlapping


@settings(max_examples=60)
@given(
    model=models(),
    target=st.sampled_from(["default", "none", "onnxruntime"]),
    external_io=st.booleans(),
    scheduler=st.sampled_from(["optimal", "given", "random"]),
    alignment=st.sampled_from([1, 64]),
)
def test_the_arena_holds_the_network(
    model: ModelProto, target: str, external_io: bool, scheduler: str, alignment: int
) -> None:
    plan = hmcos.schedule(
        model, target=target, external_io=external_io, scheduler=scheduler, alignment=alignment
    )
    graph = load(model).graph
    fed = random_inputs(graph, 0, 0)
    ran = run_in_arena(Operators(model, graph, Path()), plan, fed)
    right = run_whole(session(model.SerializeToString()), graph, fed)
    for name, block in ran.outputs.items():
        found, whole = block.content.view(np.float32), right[name].content.view(np.float32)
        # Bit-equal where every buffer starts where ONNX Runtime would let it start.
        exact = alignment == LINE
        assert (
            found.tobytes() == whole.tobytes() if exact else np.allclose(found, whole, rtol=1e-5, atol=1e-6)
        )
    assert plan.arena is not None
    assert (ran.ends[0], ran.steps) == (plan.arena.size, len(plan.scheduled))


@settings(max_examples=30)
@given(model=models())
def test_one_byte_of_overlap_is_always_caught(model: ModelProto) -> None:
    try:
        plan, _, _ = overlapping(hmcos.schedule(model, target="none"))
    except AssertionError:
        return  # no two buffers touch
    graph = load(model).graph
    with pytest.raises(VerifyError, match=r"^step \d+, operator \d+ "):
        run_in_arena(Operators(model, graph, Path()), plan, random_inputs(graph, 0, 0))
