"""Memory by module: the bytes at the peak have owners, lines of code, and add up."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch
from torch import Tensor, nn

from hmcos.frontends.torch.refusing import module_path
from hmcos.frontends.torch.steps.origins import modules_of
from hmcos.report.page.page import has_plotly, unpacked
from hmcos.torch import TrainingStep, profile
from torch_training import Training, Transformer, adamw, word_batches, word_loss

pytestmark = pytest.mark.slow


def step() -> TrainingStep:
    training = Training(lambda: Transformer(2, 16), word_loss, adamw)
    model = training.model()
    return training.step(model, adamw(model), word_batches(8)[0])


def test_the_bytes_at_the_peak_have_owners() -> None:
    trained = step()
    found = profile(trained)
    (plan,) = trained.plans
    assert (found.given_peak, found.peak) == (plan.given_peak, plan.peak)
    assert sum(found.by_module.values()) == plan.peak
    paths = set(modules_of(Transformer(2, 16)))
    assert set(found.by_module) <= paths | {"model", "loss", "input"}
    wide = [held for held in found.given if held.module == "blocks.0.wide.0"]
    assert wide[0].line.startswith("torch_training.py:")
    assert wide[0].size == 8 * 16 * 4 * 16 * 4
    assert "blocks.0.wide.0" in str(found)
    assert f"{plan.peak:,}" in str(found).splitlines()[-1]
    assert repr(found).startswith("<MemoryProfile: peak ")


def test_backward_and_update_name_the_module_that_they_belong_to() -> None:
    trained = step()
    nodes = trained.orders[0].trace.module.graph.nodes
    owners: dict[str, set[str]] = {}
    for node in nodes:
        owners.setdefault(str(node.target), set()).add(module_path(node))
    assert owners["aten.gelu_backward.default"] == {"blocks.0.wide.1", "blocks.1.wide.1"}
    assert owners["aten.embedding_dense_backward.default"] == {"words"}
    assert owners["aten._log_softmax.default"] == owners["aten.nll_loss_backward.default"] == {"loss"}
    assert {"blocks.0.queries", "last", "words"} <= owners["aten.addcdiv_.default"]


@pytest.mark.skipif(not has_plotly(), reason="plotly is not installed")
def test_the_page_calls_tensors_by_module_and_line(tmp_path: Path) -> None:
    place = tmp_path / "page.html"
    profile(step(), place)
    page = place.read_text(encoding="utf-8")
    assert "blocks.0.wide.0: addmm" in str(unpacked(page))
    assert "torch_training.py:" in str(unpacked(page))


def test_exported_programs_have_profiles_too() -> None:
    class Small(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 8))

        def forward(self, x: Tensor) -> Tensor:
            return self.layers(x)

    program = torch.export.export(Small().eval(), (torch.randn(4, 8),))
    found = profile(program)
    assert found.by_module == {"layers.0": 4 * 64 * 4, "layers.1": 4 * 64 * 4, "input": 4 * 8 * 4}
