"""Laws of folds: the same bits, never a byte more, and a batch that was open stays open."""

from __future__ import annotations

from random import Random

import numpy as np
import onnx
import pytest

from hmcos.frontends.onnx.format import ONNX
from hmcos.memory.profile import peak
from hmcos.memory.sharing import lower
from hmcos.memory.target import load_target
from hmcos.schedulers.simple.random import random_order
from property.prepare_networks import computed, unprepared_model
from property.tile_networks import ordered, random_regions, shared_names, written


@pytest.mark.parametrize("seed", range(80))
def test_what_is_left_computes_the_same_and_needs_no_more(seed: int) -> None:
    rng = Random(seed)
    model = unprepared_model(rng, rng.randint(4, 20))
    begin = ONNX.prepared(model)
    assert begin.model.sha256 == ONNX.prepared(model).model.sha256
    target = load_target(rng.choice(("default", "none", "hmcos", "onnxruntime")))
    source, less = (lower(each.graph, target) for each in (model, begin.model))
    order = random_order(source.problem, rng)
    numbers = {begin.kept[n]: i for i, n in enumerate(less.numbers)}
    kept = [numbers[source.numbers[i]] for i in order if source.numbers[i] in numbers]
    assert peak(less.problem, kept) <= peak(source.problem, order)
    network = ordered(begin.model, rng)
    regions = random_regions(network, rng) if len(network) else []
    _, tiled = written(network, begin.model, regions)
    onnx.checker.check_model(tiled.proto, full_check=True)  # pyright: ignore
    names = shared_names(model, tiled)
    assert {model.graph.tensors[t].name for t in model.graph.outputs} <= set(names)
    for batch in (1, 3) if "N" in tiled.bind else (1,):
        before = computed(model, names, seed, batch)
        after = computed(tiled, names, seed, batch)
        for name, one, other in zip(names, before, after, strict=True):
            assert one.tobytes() == other.tobytes() or np.array_equal(one, other, equal_nan=True), name


def test_most_of_them_have_something_to_fold() -> None:
    models = [unprepared_model(Random(seed), 12) for seed in range(40)]
    begun = [ONNX.prepared(model) for model in models]
    gone = [len(m.graph.operators) - len(b.kept) for m, b in zip(models, begun, strict=True)]
    assert sum(count > 0 for count in gone) > 25
    opened = [m for m in models if "N" in m.bind]
    assert opened
    assert all("N" in ONNX.prepared(model).model.bind for model in opened)
