"""The problem of a network of the zoo is that of its ONNX model, for every family, parameter and target."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hmcos
from hmcos import zoo
from hmcos.memory.target import target_names
from hmcos.zoo.catalogue import FAMILIES

CELLS = {
    "dataset": st.sampled_from(("cifar", "imagenet")),
    "cells": st.integers(1, 2),
    "filters": st.integers(1, 9),
    "fold_batch_norm": st.booleans(),
}
COMMON = {
    "classes": st.integers(1, 20),
    "batch": st.integers(1, 3),
    "layout": st.sampled_from(("nchw", "nhwc")),
    "seed": st.integers(0, 99),
}
OWN = {
    "randwire": {
        "nodes": st.integers(5, 12),
        "k": st.sampled_from((2, 4)),
        "p": st.floats(0, 1),
        "channels": st.integers(1, 6),
        "stages": st.integers(1, 3),
        "fold_batch_norm": st.booleans(),
        "fold_sums": st.booleans(),
    },
    "mobilenet-v2": {
        "width": st.floats(0.05, 0.5),
        "resolution": st.integers(1, 70),
        "fold_batch_norm": st.booleans(),
    },
}


def settings_of(family: str) -> st.SearchStrategy[dict[str, object]]:
    """Parameters of a family, any of which may be left out."""
    return st.fixed_dictionaries({}, optional={**COMMON, **OWN.get(family, CELLS)})


def one(family: str) -> st.SearchStrategy[tuple[str, dict[str, object]]]:
    return settings_of(family).map(lambda chosen: (family, chosen))


QUANTIZED = {"fold_batch_norm": True, "int8": True}
networks = st.one_of(
    *map(one, FAMILIES), one("mobilenet-v2").map(lambda network: (network[0], network[1] | QUANTIZED))
)


@pytest.mark.slow
@given(networks, st.sampled_from(target_names()), st.sampled_from((None, 1, 64)))
def test_a_problem_without_a_model_is_the_problem_of_the_model(
    network: tuple[str, dict[str, object]], target: str, alignment: int | None
) -> None:
    name, chosen = network
    small = ({"cells": 1, "filters": 4} if name in ("nasnet", "pnas", "darts", "amoebanet") else {}) | chosen
    model = zoo.build(name, **small)
    assert zoo.problem(name, target=target, alignment=alignment, **small) == hmcos.lower(
        model, target=target, alignment=alignment
    )
