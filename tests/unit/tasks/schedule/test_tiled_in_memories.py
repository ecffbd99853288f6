"""Several memories and --tile: a tiling is taken only where it moves less in the slower memories."""

from __future__ import annotations

from pathlib import Path

import pytest

import hmcos
from hmcos.plan.memory_blocks import MemoryBlock, MemoryPlan
from hmcos.runtimes.tflite import tflm
from tflite_models import Sketch, filtered

TILING = hmcos.Tiling(max_extra_macs=0.1)


@pytest.fixture(autouse=True)
def absent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can measure: everything is predicted."""
    monkeypatch.setattr(tflm, "can_measure", lambda: False)


def hourglass(folder: Path, side: int, channels: int, image: int) -> Path:
    """Return an image with that many channels that grows and shrinks again."""
    sketch = Sketch()
    sketch.subgraph()
    x = sketch.tensor([1, side, side, image])
    wide = filtered(sketch, x, [1, side, side, channels])
    narrow = filtered(sketch, wide, [1, side // 2, side // 2, 2], 2)
    sketch.ports([x], [narrow])
    path = folder / "net.tflite"
    path.write_bytes(sketch.bytes())
    return path


def planned(path: Path, capacity: int, tile: hmcos.Tiling | None) -> tuple[hmcos.Plan, MemoryPlan]:
    plan = hmcos.schedule(
        path, memories=[MemoryBlock("sram", capacity), MemoryBlock("psram", None)], tile=tile
    )
    assert plan.memories is not None
    return plan, plan.memories


def test_a_tiling_that_moves_less_is_taken(tmp_path: Path) -> None:
    path = hourglass(tmp_path, 48, 8, 1)
    _, untiled = planned(path, 12_000, None)
    plan, tiled = planned(path, 12_000, TILING)
    assert plan.rewriting is not None
    assert tiled.placement.slower == 0 < untiled.placement.slower


@pytest.mark.parametrize("capacity", [0, 1_000, 3_000])
def test_a_tiling_that_moves_more_is_left(tmp_path: Path, capacity: int) -> None:
    path = hourglass(tmp_path, 48, 8, 4)  # an image that leaves the first memory, and that each piece reads
    _, untiled = planned(path, capacity, None)
    plan, tiled = planned(path, capacity, TILING)
    assert tiled.placement.behind <= untiled.placement.behind
    assert plan.rewriting is not None or plan.untiled


def test_what_fits_the_first_memory_stays_as_it_is(tmp_path: Path) -> None:
    plan, memories = planned(hourglass(tmp_path, 48, 8, 1), 1 << 20, TILING)
    assert (plan.rewriting, memories.placement.slower) == (None, 0)
    assert plan.untiled == "everything fits sram without tiling"
