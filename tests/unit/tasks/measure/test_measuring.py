"""What ONNX Runtime really takes follows the order, as predicted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from onnx import parser

import hmcos
from hmcos.__main__ import run
from hmcos.errors import ModelError, OptionError
from hmcos.frontends.model import Model
from hmcos.runtimes.onnxruntime.measured import Measurement
from unit.verify import faults

pytestmark = pytest.mark.slow

MIB = 2**20
FAN = """fan (float[4,1024,1024] x) => (float[4,1,1] y) <int64[2] axes = {1,2}>
{
  a = Exp(x) b = Sqrt(x) c = Abs(x) d = Neg(x)
  e = ReduceMean(a, axes) f = ReduceMean(b, axes) g = ReduceMean(c, axes) h = ReduceMean(d, axes)
  y = Sum(e, f, g, h)
}"""
"""Four branches of 16 MiB."""
FAN_INSIDE = """net (float[4,1024,1024] x) => (float[4,1,1] y) <int64[2] axes = {1,2}, bool yes = {1}>
{
  y = If (yes) <
    then_branch = fan () => (float[4,1,1] t)
    {
      a = Exp(x) b = Sqrt(x) c = Abs(x) d = Neg(x)
      e = ReduceMean(a, axes) f = ReduceMean(b, axes) g = ReduceMean(c, axes) h = ReduceMean(d, axes)
      t = Sum(e, f, g, h)
    },
    else_branch = mean () => (float[4,1,1] u) { u = ReduceMean(x, axes) }
  >
}"""
"""The same in a body."""


def model(folder: Path, text: str) -> Model:
    path = folder / "net.onnx"
    path.write_bytes(parser.parse_model(faults.HEAD + text).SerializeToString())
    found = hmcos.load(path)
    assert isinstance(found, Model)
    return found


def measured(source: Model, target: str = "default") -> Measurement:
    found = hmcos.measure(source, target=target, processes=1)
    assert isinstance(found, Measurement)
    return found


def test_a_good_order_takes_less(tmp_path: Path) -> None:
    found = measured(model(tmp_path, FAN), "onnxruntime")
    default, given, planned = found.rows
    assert (default.predicted, default.setting) == (None, "default settings")
    assert given.predicted is not None and planned.predicted is not None
    assert given.predicted >= 80 * MIB and planned.predicted < 33 * MIB
    assert abs(given.median - given.predicted) < 3 * MIB
    assert abs(planned.median - planned.predicted) < 3 * MIB


def test_bodies_count_and_run_in_their_planned_order(tmp_path: Path) -> None:
    source = model(tmp_path, FAN_INSIDE)
    _, given, planned = measured(source, "onnxruntime").rows
    assert planned.predicted == hmcos.schedule(source, target="onnxruntime").peak
    assert given.predicted is not None and planned.predicted is not None
    assert given.predicted >= 80 * MIB and planned.predicted < 33 * MIB
    assert abs(given.median - given.predicted) < 3 * MIB
    assert abs(planned.median - planned.predicted) < 3 * MIB


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model(tmp_path, faults.NET)
    path = str(tmp_path / "net.onnx")
    assert run(["measure", path, "--processes", "1", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert list(record) == ["model", "target", "processes", "settings"]
    assert [s["setting"] for s in record["settings"]] == ["default settings", "file order", "planned order"]
    assert run(["measure", path, "--processes", "1"]) == 0
    shown = capsys.readouterr().out
    assert "planned order" in shown and "predicted peak" in shown


def test_what_cannot_be_run_is_told(tmp_path: Path) -> None:
    source = model(tmp_path, "net (float[4] x) => (float[4] y) { y = my.lib.Op(x) }")
    with pytest.raises(ModelError, match="ONNX Runtime cannot run it"):
        hmcos.measure(source, processes=1)
    with pytest.raises(OptionError, match="at least one process"):
        hmcos.measure(source, processes=0)
    with pytest.raises(OptionError, match="only a model can be run"):
        hmcos.measure(hmcos.lower(source))
