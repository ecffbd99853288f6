"""Exported programs of PyTorch among many candidates."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch

import hmcos
from hmcos.frontends.torch.exported import saved
from torch_models import FAMILIES

pytestmark = pytest.mark.slow


def exported(name: str) -> torch.export.ExportedProgram:
    """Return an exported network, in the process that calls this."""
    example = FAMILIES[name]()
    return torch.export.export(example.module, example.inputs)


@pytest.mark.parametrize("jobs", [1, 2])
def test_programs_have_the_rows_of_their_plans(tmp_path: Path, jobs: int) -> None:
    program, file = exported("nas-cells"), tmp_path / "cells.pt2"
    file.write_bytes(saved(program))
    given: list[Any] = [
        ("in memory", program),
        file,
        ("built", partial(hmcos.load, str(file))),
        ("module", FAMILIES["nas-cells"]().module),
    ]
    rows = {row.name: row for row in hmcos.evaluate(given, target="torch", jobs=jobs)}
    plan = hmcos.schedule(program, target="torch")
    assert plan.arena is not None
    for name in ("in memory", str(file), "built"):
        row = rows[name]
        assert (row.given_peak, row.peak, row.arena) == (plan.given_peak, plan.peak, plan.arena.size)
    assert rows["module"].failure == "not a model"
    assert "export it by torch.export.export" in str(rows["module"].error)
