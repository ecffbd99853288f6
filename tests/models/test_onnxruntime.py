"""The networks of the zoo proved by running them, and the target that describes ONNX Runtime measured."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import hmcos
from hmcos import verify

pytestmark = pytest.mark.slow

IN_PLACE = (
    "Celu", "Clip", "Elu", "HardSigmoid", "LeakyRelu", "Relu", "Selu", "Sigmoid", "Softplus", "Softsign",
    "Tanh", "ThresholdedRelu",
)  # fmt: skip
OF_ITS_OWN = (
    "Abs", "Ceil", "Cos", "Erf", "Exp", "Floor", "Gelu", "Log", "Neg", "Reciprocal", "Round", "Sign", "Sin",
    "Sqrt", "Tan", "Add", "Sub", "Mul", "Div", "Max", "Min", "Sum", "Mean", "PRelu", "Pow",
)  # fmt: skip
VIEWS = ("Flatten", "Identity", "Squeeze")
BINARY = frozenset({"Add", "Sub", "Mul", "Div", "Max", "Min", "Sum", "Mean", "PRelu", "Pow"})

PROBE = """
import sys
from onnx import parser
import onnxruntime
import numpy as np
from hmcos.runtimes.onnxruntime.growth import _forget_highest, _status
from hmcos.runtimes.onnxruntime.runtime import in_file_order

options = in_file_order()
options.enable_cpu_mem_arena = options.enable_mem_pattern = False
for body in sys.stdin:
    head = '<ir_version: 10, opset_import: ["" : 21]> g (float[1] x) => (float y) '
    model = parser.parse_model(head + '<int64[1] big = {4194304}> {' + body + '}')
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    before = _forget_highest()
    session.run(None, {"x": np.ones(1, np.float32)})
    print(round((_status("VmHWM") - before) / 2**24))
"""
"""Prints, per line of operators, how many tensors of 16 MiB were alive at once."""


def alive(bodies: list[str]) -> list[int]:
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
    command = [sys.executable, "-c", PROBE]
    asked = "\n".join(bodies)
    ran = subprocess.run(command, input=asked, env=environment, capture_output=True, text=True, check=True)
    return [int(line) for line in ran.stdout.split()]


def body(kind: str) -> str:
    reads = "a, c" if kind in BINARY else "a"
    other = "c = Expand(x, big)" if kind in BINARY else ""
    return f"a = Expand(x, big) {other} b = {kind}({reads}) y = ReduceMax<keepdims=0>(b)"


def test_the_target_says_what_onnx_runtime_does() -> None:
    target = hmcos.load_target("onnxruntime")
    assert set(target.overwrite) == {*IN_PLACE, "Cast"}
    kinds = [*IN_PLACE, *VIEWS, *OF_ITS_OWN]
    found = dict(zip(kinds, alive([body(kind) for kind in kinds]), strict=True))
    assert found == (
        dict.fromkeys((*IN_PLACE, *VIEWS), 1) | {kind: 3 if kind in BINARY else 2 for kind in OF_ITS_OWN}
    )


def test_casts_of_equal_width_and_reshapes_share() -> None:
    rows = [
        "a = Expand(x, big) b = Cast<to=6>(a) c = ReduceMax<keepdims=0>(b) y = Cast<to=1>(c)",
        "a = Expand(x, big) s = Shape(a) b = Reshape(a, s) y = ReduceMax<keepdims=0>(b)",
        "a = Expand(x, big) s = Constant<value_ints=[0]>() b = Unsqueeze(a, s) y = ReduceMax<keepdims=0>(b)",
    ]
    assert alive(rows) == [1, 1, 1]


def test_no_buffer_is_kept_for_a_later_tensor_of_the_same_shape() -> None:
    later = (
        "a = Expand(x, big) b = ReduceMax<keepdims=0>(a) twice = Constant<value_ints=[8388608]>() "
        "c = Expand(x, twice) d = ReduceMax<keepdims=0>(c) e = Expand(x, big) f = ReduceMax<keepdims=0>(e) "
        "g = Add(b, d) y = Add(g, f)"
    )
    assert alive([later]) == [2]


@pytest.mark.parametrize("name", ["pnas-cifar", "darts-imagenet", "randwire"])
@pytest.mark.parametrize("target", ["default", "onnxruntime"])
def test_the_zoo_runs_in_its_arena(name: str, target: str) -> None:
    plan = hmcos.schedule(f"zoo:{name}", target=target)
    found = verify(f"zoo:{name}", plan, runs=1)
    assert found.holds, found.checks
    assert "step by step" not in found.checks[-1].words
    assert f"{len(plan.order):,} steps in one block of" in found.checks[-1].words
