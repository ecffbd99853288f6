"""Tiling as advice: what it saves, why it does not help, and when it was not tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper
from rich.console import Console

import hmcos
from hmcos.limits import Limits, Watch
from hmcos.network.opening import open_source
from hmcos.report.page.data import page_data
from hmcos.report.records.explanation_record import explanation_record
from hmcos.report.tables.explanation_tables import explanation_tables
from hmcos.tasks.explain.explanation import Explanation, explain_plan
from hmcos.tasks.explain.tiling_advice import SECONDS, TilingAnswer, tiling_advice, tiling_limits
from hmcos.tasks.schedule.task import restored
from networks import FORK


def bottle(*, opset: int = 13, late: int = 64) -> ModelProto:
    """A large tensor between a small input and a small output, and multiplications that make tiling cheap."""
    weights = {"wide": (32, 3, 1, 1), "narrow": (4, 32, 3, 3), "last": (4 * late, 4, 3, 3)}
    nodes = [
        helper.make_node("Conv", ["x", "wide"], ["a"], name="widen"),
        helper.make_node("Conv", ["a", "narrow"], ["b"], name="narrow", pads=[1, 1, 1, 1], strides=[4, 4]),
        helper.make_node("Conv", ["b", "last"], ["c"], name="last", pads=[1, 1, 1, 1], strides=[4, 4]),
        helper.make_node("GlobalAveragePool", ["c"], ["y"], name="mean"),
    ]
    graph = helper.make_graph(
        nodes,
        "bottle",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 3, 64, 64))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 4 * late, 1, 1))],
        [numpy_helper.from_array(np.ones(shape, np.float32), name) for name, shape in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def chain() -> ModelProto:
    """A network without images."""
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"], name="product")]
    graph = helper.make_graph(
        nodes,
        "chain",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 8))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 8))],
        [numpy_helper.from_array(np.ones((8, 8), np.float32), "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def record(explanation: Explanation) -> dict[str, Any]:
    return explanation_record(explanation)


def printed(explanation: Explanation) -> str:
    console = Console(width=400, highlight=False)
    with console.capture() as captured:
        console.print(explanation_tables(explanation))
    return captured.get()


@pytest.fixture(scope="module")
def helped() -> Explanation:
    return hmcos.explain(bottle())


def test_a_tiling_that_helps_is_the_first_advice(helped: Explanation) -> None:
    found, told = helped.tiling, record(helped)
    assert found.answer is TilingAnswer.HELPS
    assert found.peak is not None
    assert found.peak < helped.plan.peak
    first = told["advice"][0]
    assert (first["kind"], first["peak"], first["saved"]) == (
        "tiled",
        found.peak,
        helped.plan.peak - found.peak,
    )
    assert not first["proved"]
    assert told["tiling"]["answer"] == "helps"
    assert told["tiling"]["operators"] > told["tiling"]["operators_before"] == 4
    assert told["tiling"]["peak"] == found.peak
    table = printed(helped)
    assert f"at most {found.peak:,}" in table
    assert table.index("(tiling)") < table.rindex("halved")


def test_the_command_it_names_reaches_what_it_promises(helped: Explanation, tmp_path: Path) -> None:
    path = tmp_path / "bottle.onnx"
    path.write_bytes(bottle().SerializeToString())
    found = hmcos.explain(path)
    assert record(found)["tiling"]["command"] == (
        f"hmcos schedule {path} --target default --alignment 1 --tile"
    )
    plan = hmcos.schedule(path, tile=hmcos.Tiling())
    assert helped.tiling.peak == found.tiling.peak
    assert plan.peak <= (found.tiling.peak or 0)


def test_a_model_without_a_name_is_tiled_in_python(helped: Explanation) -> None:
    assert record(helped)["tiling"]["command"] == "hmcos.tile(model)"


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (FORK, "a problem has no graph that could be changed"),
        (bottle(opset=9), "only models from opset 11 on can be tiled"),
    ],
)
def test_what_cannot_be_tiled_says_why(model: Any, why: str) -> None:
    found = hmcos.explain(model)
    assert found.tiling.answer is TilingAnswer.DOES_NOT_HELP
    assert why in found.tiling.why
    assert f"Tiling does not help: {found.tiling.why}." in printed(found)
    assert all(one["kind"] != "tiled" for one in record(found)["advice"])


def test_what_is_no_image_is_not_searched() -> None:
    asked: list[int] = []

    class Told:
        def progress(self, phase: str, peak: int, lower_bound: int, states: int) -> None:
            asked.extend([states] if phase == "tiling" else [])

    found = hmcos.explain(chain(), observer=Told())
    assert found.tiling.answer is TilingAnswer.DOES_NOT_HELP
    assert asked == []


def test_a_page_of_schedule_does_not_try_tiling(tmp_path: Path) -> None:
    pytest.importorskip("plotly")
    from hmcos.report.page.page import unpacked  # noqa: PLC0415 (needs plotly)

    path = tmp_path / "bottle.onnx"
    path.write_bytes(bottle().SerializeToString())
    out = tmp_path / "out"
    hmcos.schedule(path, output=out)
    told = unpacked((out / "report.html").read_text())["tiling"]
    assert told["answer"] == "not tried"
    command = f"hmcos schedule {path} --target default --alignment 1 -o {out}-tiled --tile"
    assert told["note"] == f"Tiling is not tried yet: {command} tries to run parts of the network in pieces."
    tried = unpacked(hmcos.report(out / "plan.json").read_text())
    assert tried["tiling"]["answer"] == "helps"
    assert tried["advice"][0]["kind"] == "tiled"


def test_the_page_of_a_tiled_plan_says_that_it_is(tmp_path: Path) -> None:
    path = tmp_path / "bottle.onnx"
    path.write_bytes(bottle().SerializeToString())
    plan = hmcos.schedule(path, tile=hmcos.Tiling(), output=tmp_path / "out")
    assert plan.rewriting is not None
    found = hmcos.explain(path, plan)
    assert found.tiling.answer is TilingAnswer.DONE
    told: Any = page_data(found)
    assert told["tiling"]["regions"]
    assert told["tiling"]["note"].startswith("The network is tiled: as it was, it needed ")
    assert " --tile -o " in told["command"]


def test_a_tiling_that_was_tried_in_vain_is_not_offered_again(tmp_path: Path) -> None:
    plan = hmcos.schedule(chain(), tile=hmcos.Tiling(), output=tmp_path)
    assert plan.untiled
    assert hmcos.explain(chain(), plan, time_limit=0).tiling.why == plan.untiled


def calls(allowed: int) -> Callable[[], bool]:
    """An interruption that happens after this many questions, whatever the speed of the machine."""
    left = iter(range(allowed))
    return lambda: next(left, None) is None


def test_without_time_nothing_is_tried_and_nothing_is_said_against_it() -> None:
    solved = restored(hmcos.schedule(bottle()), open_source(bottle()))
    assert tiling_advice(solved, None, Watch()).answer is TilingAnswer.NOT_TRIED
    assert tiling_advice(solved, Limits(seconds=0.0), Watch()).answer is TilingAnswer.NOT_TRIED
    short = tiling_advice(solved, Limits(), Watch(interrupted=calls(2)))
    assert short.answer in {TilingAnswer.CUT_SHORT, TilingAnswer.HELPS}
    told = replace(explain_plan(solved, Limits(), Watch()), tiling=short)
    assert "does not help" not in printed(told)


def test_the_search_for_a_tiling_has_ten_seconds_unless_a_limit_is_given() -> None:
    assert tiling_limits(Limits()).seconds == SECONDS
    assert tiling_limits(Limits(seconds=60.0)).seconds == 60.0
