"""What a tiling is for: the peak, or all that must be declared as tensor_arena."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

import hmcos
from hmcos.__main__ import run
from hmcos.errors import ModelError, OptionError, PlanError
from hmcos.frontends.tflite.arena import prediction
from hmcos.frontends.tflite.arena.prediction import predicted_arena
from hmcos.graph.graph import Graph
from hmcos.plan.file.plan_file import plan_text, read_plan
from hmcos.plan.memory_blocks import MemoryBlock
from hmcos.plan.whole_arena import WholeArena
from hmcos.report.words.advice_words import reproduction
from hmcos.report.words.tiling_words import tiling_command
from hmcos.runtimes.tflite import tflm
from int8_networks import Grower, convolution, pool
from tflite_models import Sketch, filtered

GENEROUS = hmcos.Tiling(max_extra_macs=0.1)
FOR_PEAK = replace(GENEROUS, tile_for="peak")
FOR_TOTAL = replace(GENEROUS, tile_for="total")


@pytest.fixture(autouse=True)
def absent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can measure: everything is predicted."""
    monkeypatch.setattr(tflm, "can_measure", lambda: False)


def hourglass(side: int, channels: int = 8) -> Sketch:
    """Return an image that grows and shrinks again: tiling lowers the head by more, the larger it is."""
    sketch = Sketch()
    sketch.subgraph()
    x = sketch.tensor([1, side, side, 1])
    wide = filtered(sketch, x, [1, side, side, channels])
    narrow = filtered(sketch, wide, [1, side // 2, side // 2, 2], 2)
    sketch.ports([x], [narrow])
    return sketch


def saved(sketch: Sketch, folder: Path) -> Path:
    path = folder / "net.tflite"
    path.write_bytes(sketch.bytes())
    return path


def arenas(plan: hmcos.Plan) -> dict[str, WholeArena]:
    assert plan.tflm is not None
    return dict(plan.tflm.forms)


def test_a_large_image_is_tiled_for_the_total(tmp_path: Path) -> None:
    path = saved(hourglass(48), tmp_path)
    plan = hmcos.schedule(path, output=tmp_path / "out", tile=GENEROUS)
    assert plan.rewriting is not None and plan.tflm is not None
    found = arenas(plan)
    assert found["tiled"].declare < min(each.declare for name, each in found.items() if name != "tiled")
    assert found["tiled"] == predicted_arena((tmp_path / "out/net.tflite").read_bytes())
    assert plan.tflm.tiled_for == "total"
    assert plan.tflm.for_total == found["tiled"]
    assert plan.tflm.for_peak is not None and plan.tflm.for_peak.head <= found["tiled"].head
    lowest = hmcos.schedule(path, whole_arena=True, tile=FOR_PEAK)
    assert lowest.peak <= plan.peak
    assert arenas(lowest)["tiled"].declare >= found["tiled"].declare
    assert lowest.tflm is not None and lowest.tflm.tiled_for == "peak"
    assert lowest.tflm.for_peak == lowest.tflm.tiled


def test_a_small_image_is_tiled_for_the_peak_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = saved(hourglass(16), tmp_path)
    lowest = hmcos.schedule(path, whole_arena=True, tile=FOR_PEAK)
    found = arenas(lowest)
    assert found["tiled"].head < found["offsets"].head
    assert found["tiled"].declare > found["offsets"].declare
    plan = hmcos.schedule(path, output=tmp_path / "out", tile=GENEROUS)
    assert plan.rewriting is None
    assert plan.tflm is not None and plan.tflm.tiled is None
    assert plan.tflm.for_peak is not None and plan.tflm.for_total is not None
    least = arenas(plan)["offsets"].declare
    assert plan.tflm.for_total.declare >= least
    best = plan.tflm.for_total
    assert f"head of {best.head:,} bytes and needs tensor_arena[{best.declare}]" in plan.untiled
    assert f"without tiling, tensor_arena[{least}] is enough" in plan.untiled
    untiled = hmcos.schedule(path, output=tmp_path / "plain")
    assert (tmp_path / "out/net.tflite").read_bytes() == (tmp_path / "plain/net.tflite").read_bytes()
    assert arenas(untiled)["offsets"].declare == least
    assert run(["schedule", str(path), "--tile", "--max-extra-macs", "10%"]) == 0
    assert f"\ntensor_arena[{least}]\n" in capsys.readouterr().out
    assert run(["schedule", str(path), "--tile", "--max-extra-macs", "10%", "--tile-for", "peak"]) == 0
    shown = capsys.readouterr().out
    assert "tiled for the peak" in shown
    assert "--tile-for total" in shown


def random_network(seed: int) -> Sketch:
    """Return a chain of convolutions and pools of 8 bits."""
    rng = Random(seed)
    grow = Grower(rng)
    side = rng.choice((16, 24, 32, 48))
    x = grow.fed([1, side, side, rng.choice((1, 2, 3))])
    for _ in range(rng.randint(2, 6)):
        x = rng.choice((convolution, convolution, pool))(grow, x)
    grow.sketch.ports(grow.inputs, [x])
    return grow.sketch


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("pointer_bytes", [4, 8])
def test_no_more_has_to_be_declared_than_without_tiling(
    tmp_path: Path, seed: int, pointer_bytes: int
) -> None:
    path = saved(random_network(seed), tmp_path)
    plan = hmcos.schedule(
        path, output=tmp_path / "out", tile=GENEROUS, pointer_bytes=pointer_bytes, state_limit=2000
    )
    written = predicted_arena((tmp_path / "out/net.tflite").read_bytes(), pointer_bytes)
    found = arenas(plan)
    least = min(each.declare for name, each in found.items() if name != "tiled")
    assert ("tiled" in found) == (plan.rewriting is not None)
    if plan.rewriting is not None:
        assert written == found["tiled"]
        assert written.declare < least
    assert written.declare == found[[*found][-1]].declare
    again = hmcos.schedule(
        path, output=tmp_path / "again", tile=GENEROUS, pointer_bytes=pointer_bytes, state_limit=2000
    )
    assert again.tflm == plan.tflm
    assert (tmp_path / "again/net.tflite").read_bytes() == (tmp_path / "out/net.tflite").read_bytes()


def test_the_least_of_those_that_were_planned_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A runtime that says otherwise than the prediction decides."""
    path = saved(hourglass(48), tmp_path)
    seen: list[int] = []

    def measured(models: list[tuple[bytes, Graph]], *_: object, **__: object) -> list[WholeArena]:
        """Return arenas in which the last tiling, which has the lowest peak, needs the least."""
        seen.append(len(models))
        sizes = range(len(models), 0, -1)
        return [WholeArena(64 * size, 16, 64 * size + 16, 64 * size + 16) for size in sizes]

    monkeypatch.setattr(tflm, "can_measure", lambda: True)
    monkeypatch.setattr(tflm, "measured_arenas", measured)
    plan = hmcos.schedule(path, whole_arena=True, tile=GENEROUS)
    assert plan.tflm is not None and plan.tflm.measured
    assert plan.tflm.tiled == WholeArena(64, 16, 80, 80)
    assert len(seen) == 1 and seen[0] >= 3

    def refused(models: list[tuple[bytes, Graph]], *_: object, **__: object) -> list[WholeArena | str]:
        known = WholeArena(64, 16, 80, 80)
        return [known if len(graph.operators) == 2 else "too many tensors" for _, graph in models]

    monkeypatch.setattr(tflm, "measured_arenas", refused)
    plan = hmcos.schedule(path, whole_arena=True, tile=GENEROUS, offsets=False)
    assert plan.rewriting is None
    assert plan.untiled == "the runtime runs none of the tilings that were found"


def test_what_cannot_be_predicted_is_tiled_for_the_peak(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(hourglass(48), tmp_path)

    def fails(*_: object) -> WholeArena:
        raise ModelError("a size is not known")

    monkeypatch.setattr(prediction, "predicted_arena", fails)
    plan = hmcos.schedule(path, whole_arena=True, tile=GENEROUS)
    assert plan.rewriting is not None
    assert plan.tflm is None


def test_the_model_in_memory_is_tiled_for_the_total_too(tmp_path: Path) -> None:
    small, large = tmp_path / "small.tflite", tmp_path / "large.tflite"
    small.write_bytes(hourglass(16).bytes())
    large.write_bytes(hourglass(48).bytes())
    assert not hmcos.tile(small, GENEROUS).regions
    assert hmcos.tile(small, FOR_PEAK).regions
    found = hmcos.tile(large, GENEROUS)
    assert found.regions
    assert found.plan.tflm is None


def test_a_tiling_is_for_what_is_known(tmp_path: Path) -> None:
    path = saved(hourglass(48), tmp_path)
    with pytest.raises(OptionError, match="a tiling is for peak or total, not for 'head'"):
        hmcos.Tiling(tile_for="head")  # pyright: ignore[reportArgumentType]
    with pytest.raises(OptionError, match=r"net\.tflite: .* the target tflm only; use --tile-for peak"):
        hmcos.schedule(path, target="none", tile=FOR_TOTAL)
    with pytest.raises(OptionError, match="use --tile-for peak"):
        hmcos.schedule("zoo:mobilenet-v2", tile=FOR_TOTAL)
    with pytest.raises(OptionError, match="use --budget-for total, or --tile-for peak"):
        hmcos.schedule(path, budget=1 << 20, tile=FOR_TOTAL)
    blocks = (MemoryBlock("fast", 1 << 14), MemoryBlock("slow", 1 << 20))
    with pytest.raises(OptionError, match="several memories are no single tensor_arena"):
        hmcos.schedule(path, memories=blocks, tile=FOR_TOTAL)
    assert hmcos.schedule(path, target="none", tile=GENEROUS).rewriting is not None
    fits = hmcos.schedule(path, budget=30_000, tile=GENEROUS, whole_arena=True)
    assert fits.peak <= 30_000
    assert fits.tflm is not None and fits.tflm.tiled_for == "peak"
    whole = hmcos.schedule(path, budget=1 << 20, budget_for="total", tile=GENEROUS)
    assert whole.tflm is not None and whole.tflm.tiled_for == "total"


def test_time_may_be_over_before_anything_is_found(tmp_path: Path) -> None:
    path = saved(hourglass(48), tmp_path)
    plan = hmcos.schedule(path, tile=GENEROUS, whole_arena=True, time_limit=0)
    assert plan.tflm is not None
    assert plan.tflm.planned.declare <= plan.tflm.now.declare
    assert plan.rewriting is not None or "before the limits were reached" in plan.untiled
    stopped = hmcos.schedule(path, tile=GENEROUS, whole_arena=True, interrupted=lambda: True)
    assert stopped.tflm is not None
    assert stopped.tflm.planned.declare <= stopped.tflm.now.declare


def test_plan_files_and_json_say_what_a_tiling_was_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = saved(hourglass(48), tmp_path)
    assert run(["schedule", str(path), "--tile", "--json", "-o", str(tmp_path / "out")]) == 0
    told = json.loads(capsys.readouterr().out)["tflm"]
    assert told["tiled_for"] == "total"
    assert told["goals"]["total"] == told["tiled"]
    assert told["goals"]["peak"]["head"] <= told["tiled"]["head"]
    plan = read_plan(tmp_path / "out/plan.json")
    assert plan.tflm is not None and plan.tflm.tiled_for == "total"
    assert json.loads((tmp_path / "out/plan.json").read_text())["tflm"] == told
    file = tmp_path / "wrong.json"
    file.write_text(plan_text(replace(plan, tflm=replace(plan.tflm, tiled_for="head"))))
    with pytest.raises(PlanError, match=r"tflm\.tiled_for: must be `peak` or `total`"):
        read_plan(file)
    without = json.loads((tmp_path / "out/plan.json").read_text())
    del without["tflm"]["tiled_for"], without["tflm"]["goals"]
    file.write_text(json.dumps(without))
    read = read_plan(file).tflm
    assert read is not None and read.tiled_for == ""


def test_the_commands_that_reports_name_say_what_the_tiling_is_for(tmp_path: Path) -> None:
    path = saved(hourglass(48), tmp_path)
    plain = hmcos.schedule(path)
    assert tiling_command(plain).endswith("--tile --tile-for peak")
    assert "--tile" in reproduction(hmcos.schedule(path, tile=GENEROUS, whole_arena=True))
    lowest = hmcos.schedule(path, tile=FOR_PEAK, whole_arena=True)
    assert reproduction(lowest).endswith("--tile --tile-for peak")
    assert tiling_command(lowest).endswith("--tile --tile-for peak")
    assert tiling_command(hmcos.schedule("zoo:mobilenet-v2")).endswith("--tile")
