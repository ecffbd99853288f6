"""The memory of training steps: as predicted, and less than that of eager PyTorch."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Callable

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch
from torch import Tensor, nn
from torch.nn import functional

from hmcos.runtimes.torch.running import most_alive
from torch_training import ResNet18, Training, Transformer, adamw, image_batches, sgd, word_batches, word_loss

pytestmark = pytest.mark.slow


def lasting(model: nn.Module, optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """Return what lives as long as the model."""
    state = [v for values in optimizer.state.values() for v in values.values() if isinstance(v, Tensor)]
    return [*model.parameters(), *model.buffers(), *state]


@pytest.mark.parametrize("optimizer", [sgd, adamw])
@pytest.mark.parametrize("size", [1, 8])
@pytest.mark.parametrize("network", ["transformer", "resnet"])
def test_steps_take_what_is_predicted(network: str, size: int, optimizer: object) -> None:
    words = network == "transformer"
    batches = word_batches(size) if words else image_batches(size)
    make, loss = (Transformer, word_loss) if words else (ResNet18, nn.CrossEntropyLoss())
    training = Training(make, loss, optimizer, seconds=60.0)  # pyright: ignore[reportArgumentType]
    assert training.differences(batches) == []

    model = training.model()
    update = training.optimizer(model)
    step = training.step(model, update, batches[0])
    step(*batches[0])  # the optimizer makes its state
    (plan,) = step.plans
    kept = lasting(model, update)
    assert most_alive(lambda: step(*batches[1]), kept) == plan.peak
    assert plan.peak <= plan.given_peak
    if words and size == 1:

        def eager() -> None:
            training.value(model, batches[2]).backward()
            update.step()
            update.zero_grad()

        assert plan.peak <= 0.85 * most_alive(eager, kept)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(
    "loss", [functional.mse_loss, functional.smooth_l1_loss, functional.soft_margin_loss]
)
def test_losses_take_what_is_predicted(loss: Callable[..., Tensor], reduction: str) -> None:
    def one_number(output: Tensor, target: Tensor) -> Tensor:
        return loss(output, target, reduction=reduction).sum()

    training = Training(lambda: nn.Linear(1, 64, bias=False), one_number, sgd)
    model, batch = training.model(), (torch.randn(64, 1), torch.randn(64, 64))
    update = training.optimizer(model)
    step = training.step(model, update, batch)
    step(*batch)
    assert most_alive(lambda: step(*batch), lasting(model, update), batch) == step.plans[0].peak
