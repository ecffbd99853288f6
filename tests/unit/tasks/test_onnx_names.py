"""ONNX models whose bodies repeat names, and whose operators have none, or the same one."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx import parser

import hmcos
from hmcos.errors import ModelError
from hmcos.verify.checks import Answer
from unit.verify.faults import HEAD, planned

BRANCHES = """net (bool go, float[4] x) => (float[4] y) <float[4] w = {{1, 2, 3, 4}}> {{
  a = Relu(x)
  b = Exp(x)
  {before}
  c = If (go) <
    then_branch = yes () => (float[4] t) {{ s = Add(a, b) t = Sqrt(s) }},
    else_branch = no () => (float[4] t) <float[4] w = {{4, 3, 2, 1}}> {{ s = Mul(a, w) t = Neg(s) }}
  >
  {after}
  y = Add(c, w)
}}"""


def saved(folder: Path, text: str) -> Path:
    path = folder / "m.onnx"
    path.write_bytes(parser.parse_model(HEAD + text).SerializeToString())
    return path


@pytest.mark.slow
@pytest.mark.parametrize("after", ["", "s = Neg(c) t = Abs(s)"])
def test_names_that_bodies_repeat_are_told_apart(tmp_path: Path, after: str) -> None:
    path = saved(tmp_path, BRANCHES.format(before="", after=after))
    hmcos.schedule(path, output=tmp_path / "out", emit="c")
    assert hmcos.verify(path, tmp_path / "out/plan.json").answer is Answer.HOLDS


def test_a_name_that_hides_an_outer_one_is_refused_in_one_line(tmp_path: Path) -> None:
    path = saved(tmp_path, BRANCHES.format(before="s = Neg(b) z = Sin(s)", after=""))
    words = (
        r"operator 0 \(Add\) in node 4/then_branch: makes 's', which is also the name of a tensor around it;"
    )
    with pytest.raises(ModelError, match=words):
        hmcos.schedule(path)


@pytest.mark.parametrize("name", ["", "[n]"])
def test_operators_are_told_apart_by_number(name: str) -> None:
    text = "net (float[4] x) => (float[4] y) { N a = Relu(x) N b = Exp(x) N c = Add(a, b) N y = Neg(c) }"
    plan = planned(text.replace("N ", f"{name} "))
    assert sorted(plan.order) == list(range(4))
    assert {row.name for row in plan.operators} == {name.strip("[]")}
