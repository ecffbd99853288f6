"""hmcos schedule --tile, as a person and as a program see it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from hmcos.__main__ import run


@pytest.fixture
def source(tmp_path: Path) -> Path:
    weights = [
        numpy_helper.from_array(np.ones((32, 3, 3, 3), np.float32), "wide"),
        numpy_helper.from_array(np.ones((4, 32, 3, 3), np.float32), "narrow"),
    ]
    nodes = [
        helper.make_node("Conv", ["x", "wide"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("Conv", ["a", "narrow"], ["y"], pads=[1, 1, 1, 1], strides=[2, 2]),
    ]
    graph = helper.make_graph(
        nodes,
        "two",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 3, 32, 32))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 4, 16, 16))],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path = tmp_path / "two.onnx"
    path.write_bytes(model.SerializeToString())
    return path


class Told:
    """What a command line says."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *arguments: str) -> tuple[int, str]:
        code = run(["schedule", *arguments])
        return code, self.capsys.readouterr().out


@pytest.fixture
def schedule(capsys: pytest.CaptureFixture[str]) -> Told:
    return Told(capsys)


def test_the_table_tells_what_was_changed_and_what_it_costs(source: Path, schedule: Told) -> None:
    code, text = schedule(str(source), "--tile", "--max-extra-macs", "40%")
    assert code == 0
    for words in ("best order found", "tiled,", "% more multiplications", "operators instead of 2"):
        assert words in text
    assert "new kinds of operators: Concat, Slice" in text
    assert "operators 0 to 1: " in text


def test_programs_get_the_same(source: Path, schedule: Told) -> None:
    code, text = schedule(str(source), "--tile", "--max-extra-macs", "0.4", "--json")
    tiled = json.loads(text)["tiled"]
    assert code == 0
    assert tiled["peak"] < tiled["peak_best_order"] == tiled["peak_before"] == 143_360
    assert tiled["lower_bound"] <= tiled["peak"]
    assert 0 < tiled["extra_macs"] <= 0.4 * tiled["macs"]
    assert (tiled["operators_before"], tiled["new_kinds"]) == (2, ["Concat", "Slice"])
    assert tiled["bytes"] > tiled["bytes_before"] == source.stat().st_size
    assert [(row["first"], row["last"]) for row in tiled["regions"]] == [(0, 1)]


def test_without_a_gain_the_reason_is_told(source: Path, schedule: Told) -> None:
    code, text = schedule(str(source), "--tile", "--max-extra-macs", "0")
    assert code == 0
    assert "not tiled: no tiling of operator 0 (Conv), at the peak, needs less without extra MACs" in text
    assert json.loads(schedule(str(source), "--tile", "--max-extra-macs", "0", "--json")[1])["tiled"] is None
    assert "tiled" not in json.loads(schedule(str(source), "--json")[1])


def test_a_budget_is_met_or_undecided(source: Path, schedule: Told) -> None:
    generous = (str(source), "--tile", "--max-extra-macs", "40%", "--budget")
    assert schedule(*generous, "100000")[0] == 0
    code, text = schedule(*generous, "1000")
    assert code == 4
    assert "does not fit: no tiling was found that does; proved of this graph only" in text
    assert schedule(str(source), "--budget", "1000")[0] == 3


@pytest.mark.parametrize("share", ["much", "-1", "nan", "inf"])
def test_extra_arithmetic_is_written_as_a_part(
    source: Path, share: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["schedule", str(source), "--tile", f"--max-extra-macs={share}"]) == 2
    assert "is no part of something; write 5% or 0.05" in capsys.readouterr().err
