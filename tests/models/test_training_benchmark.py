"""The benchmark of training steps prints memory and time of every way that it is asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
WAYS = ("eager", "hooks", "checkpoints", "backend", "hmcos")
"""All but Inductor, which needs a compiler and much time."""


def test_the_benchmark_of_training_steps_runs(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "benchmarks/memory/training.py"), "--small", "--steps", "1"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "XDG_CACHE_HOME": str(tmp_path)}
    ran = subprocess.run(
        [*command, "--batch", "1", "--ways", *WAYS],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    tables = [
        [line.strip("| ").split(" | ") for line in table.splitlines()]
        for table in ran.stdout.strip().split("\n\n")
    ]
    assert [table[0] for table in tables] == [
        [unit, "transformer, batch 1", "resnet-18, batch 1"] for unit in ("MB", "CPU ms")
    ]
    for table in tables:
        rows = {name: [float(figure) for figure in figures] for name, *figures in table[2:]}
        assert len(rows) == len(WAYS)
        assert all(figure >= 0 for figures in rows.values() for figure in figures)
    memory = {name: [float(figure) for figure in figures] for name, *figures in tables[0][2:]}
    pairs = zip(memory["`hmcos.torch.training_step`"], memory["eager"], strict=True)
    assert all(0 < ours <= theirs for ours, theirs in pairs)
