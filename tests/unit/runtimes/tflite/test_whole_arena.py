"""The whole arena of TensorFlow Lite for Microcontrollers: what is predicted is what it takes."""

from __future__ import annotations

from random import Random

import pytest

from hmcos.frontends.tflite.arena.prediction import predicted_arena
from hmcos.frontends.tflite.reading import model_in
from hmcos.frontends.tflite.writing import rewritten
from hmcos.plan.whole_arena import WholeArena
from hmcos.runtimes.tflite.tflm import measured_arenas
from int8_networks import random_network
from kernel_sketches import kernels, signals
from tflite_models import Sketch, branches, conditional, loop, one_operator

pytestmark = pytest.mark.slow

pytest.importorskip("tflite_micro")

KERNELS = {name: sketch.bytes() for name, sketch in kernels().items()}
ABOVE = 64
"""Bytes by which the least arena may be predicted too large, for a model of one operator."""


def found_of(contents: list[bytes]) -> list[WholeArena | str]:
    return measured_arenas([(content, model_in(content, None).graph) for content in contents])


@pytest.fixture(scope="module")
def measured() -> dict[str, WholeArena | str]:
    """What TFLM takes for each kernel, found in one process, since starting it takes a second."""
    return dict(zip(KERNELS, found_of([*KERNELS.values()]), strict=True))


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_takes_what_is_predicted(name: str, measured: dict[str, WholeArena | str]) -> None:
    found, predicted = measured[name], predicted_arena(KERNELS[name])
    assert isinstance(found, WholeArena), found
    assert (predicted.head, predicted.tail, predicted.total) == (found.head, found.tail, found.total)
    assert predicted.unknown == ()
    assert 0 <= predicted.declare - found.declare <= ABOVE


def test_what_a_kernel_leaves_unwritten_takes_no_arena() -> None:
    """In a small arena the last elements of its output were what the memory held before."""
    (energy,) = found_of([signals()["SignalEnergy"].bytes()])
    assert isinstance(energy, WholeArena), energy
    assert energy.declare == energy.total


def test_many_kinds_are_known() -> None:
    kinds = {op.kind for content in KERNELS.values() for op in model_in(content, None).graph.operators}
    assert len(kinds) > 80


def unread() -> Sketch:
    """Return a model with a large tensor that nobody makes or reads, and an input that nobody reads."""
    sketch = one_operator()
    sketch.tensor([1, 5000])
    sketch.model.subgraphs[0].inputs.append(sketch.tensor([1, 300]))
    return sketch


def test_networks_take_what_is_predicted() -> None:
    contents = [sketch.bytes() for sketch in (branches(), loop(), conditional(), unread())]
    contents += [random_network(Random(seed), 6) for seed in range(8)]
    contents += [rewritten(branches().bytes(), {}, {1: 4096, 2: 0})]
    contents += [rewritten(branches().bytes(), {"": (0, 3, 1, 4, 2, 5, 6)})]
    for content, found in zip(contents, found_of(contents), strict=True):
        assert predicted_arena(content) == found


def test_what_tflm_refuses_says_why() -> None:
    sketch = one_operator("Mystery")
    (found,) = found_of([sketch.bytes()])
    assert isinstance(found, str)
    assert "CUSTOM" in found
    assert predicted_arena(sketch.bytes()).unknown == ("Mystery",)
