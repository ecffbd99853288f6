"""Laws of orders of PyTorch's graphs, checked by running: the same bits, in exactly the predicted memory."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch

from hmcos.runtimes.torch.exported import feed
from torch_models import FAMILIES
from torch_programs import by_export, by_hand, faults

BATCH = 20
"""Programs per test."""
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::UserWarning")]


@pytest.mark.parametrize("first", range(0, 400, BATCH))
def test_orders_of_random_graphs(first: int) -> None:
    for seed in range(first, first + BATCH):
        assert (seed, faults(*by_hand(seed), seed=seed)) == (seed, [])


@pytest.mark.parametrize("first", range(0, 100, BATCH))
def test_orders_of_random_exported_programs(first: int) -> None:
    for seed in range(first, first + BATCH):
        assert (seed, faults(*by_export(seed), seed=seed)) == (seed, [])


@pytest.mark.parametrize("family", FAMILIES)
def test_orders_of_each_family_of_networks(family: str) -> None:
    example = FAMILIES[family]()
    program = torch.export.export(example.module, example.inputs)
    for gives_up in (False, True):
        assert faults(program.graph_module, feed(program, gives_up=gives_up), orders=1) == []
    decomposed = program.run_decompositions()
    assert faults(decomposed.graph_module, feed(decomposed), orders=1) == []
