"""Small int8 networks to run row by row, and their plans."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest

import hmcos
from hmcos.plan.row_plan import RowPlan
from int8_networks import random_network

SEEDS = (0, 6, 8, 13)
"""Of networks with several rows, windows and sums."""
needs_compiler = pytest.mark.skipif(
    not any(shutil.which(name) for name in ("cc", "gcc", "clang")), reason="no C compiler is installed"
)


def written(folder: Path, seed: int = 0, length: int = 6) -> Path:
    """Return the file of a network, written into a folder."""
    folder.mkdir(exist_ok=True)
    place = folder / "net.tflite"
    place.write_bytes(random_network(Random(seed), length))
    return place


def compiled(folder: Path, seed: int = 0, feeding: Any = "whole", **options: Any) -> hmcos.Compiled:
    """Return a network compiled into a folder."""
    model = written(folder, seed)
    return hmcos.compile_c(model, hmcos.Rows(feeding), output=folder / "net.c", compares=False, **options)


def record_of(plan: RowPlan) -> dict[str, Any]:
    """Return what the file of a plan holds."""
    return cast("dict[str, Any]", json.loads(Path(plan.file or "").read_text("utf-8")))
