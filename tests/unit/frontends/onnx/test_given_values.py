"""Values of inputs that are bound: sizes and branches follow from them, and runs are fed with them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from onnx import numpy_helper

import hmcos
from hmcos.errors import ModelError, OptionError
from hmcos.frontends.feeding import own_inputs, random_inputs
from hmcos.frontends.indices import Range, index_ranges
from hmcos.frontends.onnx import load
from hmcos.verify.checks import Answer
from unit.verify import faults


def saved(text: str, folder: Path) -> Path:
    path = folder / "model.onnx"
    path.write_bytes(faults.model(text).SerializeToString())
    return path


RATES = """net (float[2,4] x, int64 rate) => (float[a,4] y) <int64 high = {16000}> {
    c = Equal(rate, high)
    y = If (c) <then_branch = high_rate () => (float[b,4] t) { t = Concat<axis = 0>(x, x, x) },
                else_branch = low_rate () => (float[d,4] e) { e = Concat<axis = 0>(x, x) }>
}"""
"""The rate decides how large the output is, as the sample rate of a detector of voices does."""
RESHAPED = """net (float[2,6] x, int64[2] shape) => (float[a,b] y) { y = Reshape(x, shape) }"""
COUNTED = """net (float[4] x, uint8[1] many) => (float[n] y) { k = Cast<to = 7>(many) y = Tile(x, k) }"""


@pytest.mark.parametrize(("rate", "rows", "dead"), [(16000, 6, "else_branch"), (8000, 4, "then_branch")])
def test_a_bound_value_decides_the_branch(rate: int, rows: int, dead: str) -> None:
    made = load(faults.model(RATES), {"rate": rate})
    assert made.graph.tensors[made.graph.outputs[0]].shape == (rows, 4)
    assert made.notes == (
        f"operator 1 (If): sizes and bound values decide its condition; {dead} never runs and counts nothing",
    )
    assert made.bind == {"rate": rate}
    assert made.graph.values == ((made.graph.inputs[1], (rate,)),)


@pytest.mark.parametrize(("rows", "columns"), [(3, 4), (4, -1)])
def test_a_list_is_bound_by_its_elements(rows: int, columns: int) -> None:
    made = load(faults.model(RESHAPED), {"shape[1]": columns, "shape[0]": rows})
    assert made.graph.tensors[made.graph.outputs[0]].shape == (rows, 12 // rows)
    assert made.graph.values == ((1, (rows, columns)),)


@pytest.mark.parametrize("name", ["many", "many[0]"])
def test_a_list_of_one_element_is_bound_by_its_name_too(name: str) -> None:
    made = load(faults.model(COUNTED), {name: 3})
    assert made.graph.tensors[made.graph.outputs[0]].shape == (12,)


def test_a_symbol_comes_before_an_input_of_its_name() -> None:
    text = "net (float[n] x, int64[1] n) => (float[m] y) { y = Tile(x, n) }"
    with pytest.raises(ModelError, match=r"--bind"):
        load(faults.model(text), {"n": 2})
    made = load(faults.model(text), {"n": 2, "n[0]": 5})
    assert made.graph.tensors[made.graph.outputs[0]].shape == (10,)


@pytest.mark.parametrize(
    ("text", "bind", "message"),
    [
        (
            RESHAPED,
            {"shape[0]": 3},
            r"bound by shape\[0\]; it has 2 elements, so bind shape\[0\], shape\[1\]",
        ),
        (RESHAPED, {"shape": 3}, r"bound by shape; it has 2 elements"),
        (RATES, {"rate": 2**63}, r"'rate' must be bound to an integer from -9223372036854775808 to "),
        (COUNTED, {"many": 256}, r"'many' must be bound to an integer from 0 to 255, not 256"),
        (COUNTED, {"x": 4}, r"'x' is bound by x; it has 4 elements"),
        (RATES, {"sr": 4}, r"no dimension 'sr' to bind; .*; the value of an input can be bound too: rate$"),
        (
            "net (float[3] x, int64[k] s) => (float[a] y) { y = Reshape(x, s) }",
            {"s": 3},
            r"the value of input 's' cannot be bound: its shape is \['k'\]",
        ),
        (
            "net (float[3] x, string s) => (float[3] y) { y = Relu(x) }",
            {"s": 3},
            r"the value of input 's' cannot be bound: it holds no whole numbers",
        ),
    ],
)
def test_values_that_cannot_be_bound(text: str, bind: dict[str, int], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        load(faults.model(text), bind)


def test_who_lacks_sizes_is_told_of_inputs_that_decide_them() -> None:
    with pytest.raises(ModelError, match=r"the value of an input that decides them, --bind shape\[0\]=VALUE"):
        load(faults.model(RESHAPED))


def test_runs_are_fed_with_the_bound_value_only(tmp_path: Path) -> None:
    graph = load(faults.model(RATES), {"rate": 16000}).graph
    t = graph.inputs[1]
    for run in range(3):
        assert random_inputs(graph, 0, run)[t].view(np.int64).tolist() == [16000]
    np.save(tmp_path / "rate.npy", np.array(8000))
    with pytest.raises(OptionError, match=r"--input rate: the plan is for rate = 16000; give that value"):
        own_inputs(graph, {"rate": tmp_path / "rate.npy"})
    np.save(tmp_path / "rate.npy", np.array(16000))
    assert own_inputs(graph, {"rate": tmp_path / "rate.npy"})[t].view(np.int64).tolist() == [16000]


def test_indices_are_computed_with_the_bound_value() -> None:
    text = """net (int64[3] i, int64 first, float[9,2] t) => (float[3,2] y)
    { k = Add(i, first) y = Gather(t, k) }"""
    graph = load(faults.model(text), {"first": 4}).graph
    assert index_ranges(graph, {})[0] == Range(-4, -3)


@pytest.mark.slow
def test_verify_feeds_the_value_of_the_plan(tmp_path: Path) -> None:
    file = saved(RATES, tmp_path)
    plan = hmcos.schedule(file, bind={"rate": 16000}, output=tmp_path / "out")
    assert plan.source.bind == {"rate": 16000}
    checked = hmcos.verify(file, tmp_path / "out" / "plan.json")
    assert checked.answer is Answer.HOLDS, checked.checks
    other = replace(plan, source=replace(plan.source, bind={"rate": 8000}))
    assert hmcos.verify(file, other).answer is Answer.FAILS


@pytest.mark.slow
def test_a_tiled_model_keeps_the_value(tmp_path: Path) -> None:
    text = """net (float[n,4,32,32] x, int64 rate) => (float[n,4,32,32] y, bool c)
    <int64 high = {3}> {
        c = Equal(rate, high) a = Conv(x, wide) b = Relu(a) y = Conv(b, narrow) }"""
    source = faults.model(text)
    for name, shape in (("wide", (16, 4, 1, 1)), ("narrow", (4, 16, 1, 1))):
        source.graph.initializer.append(numpy_helper.from_array(np.ones(shape, np.float32), name))
    (tmp_path / "model.onnx").write_bytes(source.SerializeToString())
    bind = {"rate": 3, "n": 2}
    plan = hmcos.schedule(tmp_path / "model.onnx", bind=bind, tile=hmcos.Tiling(), output=tmp_path / "out")
    assert plan.rewriting is not None
    assert "rate" not in plan.rewriting.fixed
    assert hmcos.verify(tmp_path / "model.onnx", tmp_path / "out" / "plan.json").answer is Answer.HOLDS
