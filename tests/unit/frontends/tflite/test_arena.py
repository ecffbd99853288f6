"""The whole arena on a microcontroller with 32 bits, as it was measured once, and how the head is planned."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from hmcos.errors import ModelError
from hmcos.frontends.tflite.arena.greedy import Planned, head_of
from hmcos.frontends.tflite.arena.prediction import predicted_arena
from hmcos.frontends.tflite.writing import rewritten
from kernel_sketches import kernels
from tflite_models import branches

MEASURED: dict[str, tuple[int, int]] = tomllib.loads(
    Path(__file__).with_name("arm_arenas.toml").read_text(encoding="utf-8")
)
KERNELS = kernels()
UNCHECKED = {"ELU FLOAT32"}
"""Kernels that do not check whether they got their memory, so that less than the total was accepted."""


@pytest.mark.parametrize("name", MEASURED)
def test_the_arena_on_arm_is_what_was_measured(name: str) -> None:
    total, least = MEASURED[name]
    predicted = predicted_arena(KERNELS[name].bytes(), 4)
    assert predicted.total == total
    assert max(total, least) <= predicted.declare
    assert name in UNCHECKED or predicted.declare <= least + 16


def test_large_buffers_come_first_and_gaps_are_used() -> None:
    small, large, late = Planned(16, 0, 2), Planned(64, 0, 1), Planned(48, 2, 3)
    assert head_of([small, large, late]) == 80
    assert head_of([small, large]) == 80
    assert head_of([small, late]) == 64
    assert head_of([]) == 0


def test_of_equals_the_later_one_is_placed_first() -> None:
    large, short, long, small = Planned(48, 3, 3), Planned(32, 0, 1), Planned(32, 0, 2), Planned(16, 2, 3)
    assert head_of([large, short, long, small]) == 64
    assert head_of([large, long, short, small]) == 80


def test_offsets_are_taken_as_they_are() -> None:
    assert head_of([Planned(16, 0, 1, 4096), Planned(16, 0, 1)]) == 4112
    assert head_of([Planned(16, 0, 1, 8), Planned(16, 0, 1)]) == 40


def test_offsets_for_another_number_of_tensors_are_refused() -> None:
    sketch = branches()
    content = rewritten(sketch.bytes(), {}, {1: 256})
    assert predicted_arena(content).head >= 512
    table = content.index((256).to_bytes(4, "little") + b"\xff\xff\xff\xff") - 8
    wrong = content[:table] + (3).to_bytes(4, "little") + content[table + 4 :]
    with pytest.raises(ModelError, match="is not for the"):
        predicted_arena(wrong)


@pytest.mark.parametrize("pointer", [4, 8])
@pytest.mark.parametrize("name", sorted(KERNELS))
def test_two_arenas_hold_what_one_does(name: str, pointer: int) -> None:
    """Apart, each part has the most that it ever needs; in one arena, one part can be small when the other is
    large. The allocators of two arenas take up to 16 bytes more."""
    one = predicted_arena(KERNELS[name].bytes(), pointer)
    assert one.apart is not None
    front, back = one.apart.non_persistent, one.apart.persistent
    assert front % 16 == back % 16 == 0
    assert one.head <= front <= one.declare
    assert abs(back - one.tail) <= 32
    assert one.declare <= front + back + 16
