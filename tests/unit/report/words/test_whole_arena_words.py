"""What must be declared, in lines."""

from __future__ import annotations

from dataclasses import replace

from hmcos.plan.whole_arena import TwoArenas, WholeArena, WholeArenas
from hmcos.report.words.whole_arena_words import whole_arena_lines

NOW = WholeArena(100, 50, 150, 160)
ARENAS = WholeArenas(NOW, NOW, WholeArena(60, 50, 110, 112), None, False, "reference", 4)


def test_the_last_form_is_declared_and_how_it_is_known() -> None:
    assert whole_arena_lines(ARENAS) == [
        "tensor_arena[112]",
        "  predicted for a 32-bit microcontroller and reference kernels, aligned to 16 bytes",
    ]
    said = whole_arena_lines(replace(ARENAS, measured=True, pointer_bytes=8))
    assert said[1].startswith("  measured: the least in which tflite-micro runs it here")


def test_a_tiling_that_needs_more_in_all_is_said_to() -> None:
    better, worse = WholeArena(20, 70, 90, 96), WholeArena(20, 100, 120, 128)
    assert len(whole_arena_lines(replace(ARENAS, tiled=better))) == 2
    assert "without --tile, tensor_arena[112] is enough" in whole_arena_lines(replace(ARENAS, tiled=worse))[2]


def test_a_model_that_needed_less_before_is_said_to() -> None:
    worse = replace(ARENAS, offsets=WholeArena(120, 50, 170, 176))
    assert whole_arena_lines(worse)[2] == "  the model as it is needs less: tensor_arena[160]"


def test_what_is_not_known_is_said() -> None:
    unknown = replace(
        ARENAS, offsets=None, order=replace(NOW, unknown=("Mystery\n",)), note="not measured: it crashed"
    )
    said = whole_arena_lines(unknown)
    assert said[0] == "tensor_arena[160]"
    assert said[2:] == ["unknown kernels, so it is more: Mystery\\n", "not measured: it crashed"]


def test_two_arenas_are_said_beside_one() -> None:
    apart = replace(NOW, apart=TwoArenas(112, 64))
    said = whole_arena_lines(replace(ARENAS, offsets=apart))
    assert said[2] == "  in two arenas, predicted: non_persistent_arena[112] and persistent_arena[64]"


def test_it_says_what_was_tiled_for_and_what_the_peak_alone_would_give() -> None:
    tiled = replace(ARENAS.now, head=ARENAS.now.head - 16)
    lowest = replace(tiled, head=16, declare=4096)
    found = replace(ARENAS, tiled=tiled, tiled_for="total", for_peak=lowest, for_total=tiled)
    lines = whole_arena_lines(found)
    assert "  tiled for the total" in lines
    assert "  tiled for the peak: a head of 16 or less, and tensor_arena[4096]" in lines
    assert "  tiled for the peak" in whole_arena_lines(replace(found, tiled_for="peak"))
    untiled = whole_arena_lines(replace(found, tiled=None))
    assert not any("tiled for" in line for line in untiled)
