"""TensorFlow Lite models without names, or with one name for all tensors, run on both runtimes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import hmcos
from hmcos.errors import OptionError
from hmcos.verify.checks import Answer
from tflite_models import NUMPY, Sketch, branches, loop, renamed

pytestmark = pytest.mark.slow

pytest.importorskip("tflite_micro")

RUN = {"outputs in LiteRT", "outputs in TFLM", "arena in TFLM", "offsets"}


@pytest.mark.parametrize("name", [None, "", "same"])
@pytest.mark.parametrize("network", [branches, loop])
def test_names_do_not_matter_to_runtimes(
    name: str | None, network: Callable[[], Sketch], tmp_path: Path
) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(renamed(network(), lambda _: name).bytes())
    hmcos.schedule(path, output=tmp_path / "out", emit="c")
    found = hmcos.verify(path, tmp_path / "out/plan.json")
    assert found.answer is Answer.HOLDS, found
    assert {check.name for check in found.checks if check.answer is Answer.HOLDS} >= RUN


def test_inputs_without_names_are_given_by_their_positions(tmp_path: Path) -> None:
    path, own, other = (tmp_path / name for name in ("m.tflite", "own.npy", "other.npy"))
    path.write_bytes(renamed(loop(), lambda _: "").bytes())
    plan = hmcos.schedule(path, output=tmp_path / "out")
    NUMPY.save(own, NUMPY.full([1], 3, "int32"))
    NUMPY.save(other, NUMPY.full([1, 40], 0.5, "float32"))
    assert hmcos.verify(path, plan, inputs={"0": own, "1": other}).holds
    with pytest.raises(OptionError, match=r"--input 1: .*own\.npy holds int32"):
        hmcos.verify(path, plan, inputs={"1": own})
