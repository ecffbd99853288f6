"""What a training step refuses: one line that names the place and the way out, and nothing changed."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, cast

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop

from hmcos import HmcosError
from hmcos.torch import training_step


def mean(output: Tensor, target: Tensor) -> Tensor:
    return (output - target).square().mean()


class Sized(nn.Module):
    """A model of which one layer looks at values."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 4), Looking())

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Looking(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 2 if x.sum() > 0 else x


BATCH = (torch.ones(2, 4), torch.ones(2, 4))


def refused(
    match: str,
    model: nn.Module | None = None,
    loss: Callable[[Tensor, Tensor], Tensor] | None = mean,
    optimizer: Callable[[nn.Module], Optimizer] = lambda m: SGD(m.parameters(), lr=0.1),
    batch: tuple[object, ...] = BATCH,
    **options: object,
) -> None:
    model = model or nn.Linear(4, 4)
    with pytest.raises(HmcosError, match=match) as caught:
        training_step(model, loss, optimizer(model), batch, cache=False, **options)  # pyright: ignore[reportArgumentType]
    assert "\n" not in str(caught.value)
    assert all(p.grad is None for p in model.parameters())


def test_other_optimizers_are_refused() -> None:
    refused("the optimizer is RMSprop.*SGD, Adam and AdamW", optimizer=lambda m: RMSprop(m.parameters()))


@pytest.mark.parametrize("option", ["fused", "differentiable", "capturable"])
def test_options_of_optimizers_that_compute_on_the_device_are_refused(option: str) -> None:
    refused(
        f"group 0 .* {option}=True.*{option}=False",
        optimizer=lambda m: cast(Any, Adam)(m.parameters(), **{option: True}),
    )


def test_parameters_of_other_models_are_refused() -> None:
    other = nn.Linear(3, 5)
    refused(
        r"group 0 .* shape \(5, 3\) .*not in the model", optimizer=lambda m: SGD(other.parameters(), lr=0.1)
    )


def test_hooks_of_an_optimizer_are_refused() -> None:
    def hooked(model: nn.Module) -> Optimizer:
        optimizer = AdamW(model.parameters())
        cast(Any, optimizer).register_step_post_hook(print)
        return optimizer

    refused("step hooks", optimizer=hooked)


def test_hooks_of_parameters_are_refused() -> None:
    model = nn.Linear(4, 4)
    model.weight.register_post_accumulate_grad_hook(lambda _: None)  # pyright: ignore[reportUnknownLambdaType]
    refused("parameter 'weight' has hooks", model)


def test_parameters_without_a_shape_are_refused() -> None:
    refused("'weight' has no shape yet", nn.LazyLinear(4))


def test_models_of_several_devices_are_refused() -> None:
    refused("DataParallel", nn.DataParallel(nn.Linear(4, 4)))


def test_a_loss_that_is_not_one_number_is_refused() -> None:
    refused(r"loss has the shape \(2, 4\).*mean", loss=lambda output, target: output - target)
    refused("loss is a tuple", loss=lambda output, target: (output, target))  # pyright: ignore[reportArgumentType]


def test_a_loss_without_parameters_is_refused() -> None:
    refused("depends on no parameter", loss=lambda output, target: output.detach().sum())
    frozen = nn.Linear(4, 4).requires_grad_(False)
    refused("depends on no parameter", frozen)


def test_control_flow_by_values_is_refused_with_the_module() -> None:
    refused("module 'layers.1': .* values of tensors.*torch.where", Sized())


def test_an_error_of_the_model_names_its_module() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(5, 5))
    refused("module '1': cannot be traced: .*reduction dim", model)


def test_sparse_gradients_are_refused() -> None:
    model = nn.Embedding(10, 4, sparse=True)
    refused(
        "a gradient is sparse.*sparse=False", model, batch=(torch.ones(2, dtype=torch.long), torch.ones(2, 4))
    )


def test_sparse_batches_are_refused() -> None:
    refused(r"tensor 0 of the batch.*to_dense", batch=(torch.ones(2, 4).to_sparse(), torch.ones(2, 4)))


def test_float16_is_refused() -> None:
    with torch.autocast("cpu", torch.float16):
        refused("float16 needs a GradScaler.*bfloat16")


def test_float16_inside_a_model_is_refused() -> None:
    class Holding(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            with torch.autocast("cpu", torch.float16):
                return self.inner(x).float()

    refused("float16 needs a GradScaler", Holding())


def test_the_lstm_that_hands_its_workspace_to_autograd_is_refused() -> None:
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.LSTM(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x)[0]

    if torch.backends.mkldnn.is_available():
        refused("mkldnn_rnn_layer.* in module inner: .*mkldnn.flags", Recurrent())
    with torch.backends.mkldnn.flags(enabled=False):  # pyright: ignore[reportUnknownMemberType]
        model = Recurrent()
        step = training_step(model, mean, SGD(model.parameters(), lr=0.1), BATCH, cache=False)
        step(*BATCH)


def test_models_that_replace_the_data_of_a_parameter_are_refused() -> None:
    class Limited(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(4, 4))

        def forward(self, x: Tensor) -> Tensor:
            self.weight.data = self.weight.data.renorm(2, 0, 1.0)
            return x @ self.weight

    refused(r"'layer.weight' another memory.*\.data\.copy_", nn.Sequential(OrderedDict(layer=Limited())))


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(HmcosError, match=r"model is a function, not a torch\.nn\.Module"):
        training_step(mean, None, SGD(nn.Linear(4, 4).parameters()), BATCH)  # pyright: ignore[reportArgumentType]


def test_wrong_options_are_refused() -> None:
    refused("accumulate=1.5", accumulate=1.5)
    refused("time_limit='1': give a number", time_limit="1")
    refused("target=3: give the name", target=3)
    refused("loss is a str, not a function", loss="mse")  # pyright: ignore[reportArgumentType]
    refused("clip_grad_norm='1'", clip_grad_norm="1")
    refused("accumulate=0", accumulate=0)
    refused("clip_grad_norm=-1", clip_grad_norm=-1.0)
    refused("no target|target", target="no-such-target")
    refused("time limit", time_limit=-1.0)


def test_a_failed_call_changes_nothing() -> None:
    model = nn.Linear(4, 4)
    optimizer = AdamW(model.parameters())
    step = training_step(model, mean, optimizer, BATCH, cache=False)
    before = model.weight.detach().clone()
    with pytest.raises(HmcosError, match="cannot be traced"):
        step(torch.ones(2, 5), torch.ones(2, 4))
    assert torch.equal(model.weight, before)
    assert not optimizer.state
