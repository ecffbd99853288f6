"""What happens to gradients between backward() and the update: their layout, accumulation and clipping."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from hmcos.frontends.torch.steps.writer import Gradient, StepWriter, is_laid_out_as

_ATEN = torch.ops.aten


def laid_out(writer: StepWriter, gradient: Gradient, fake: torch.Tensor, parameter: torch.Tensor) -> Gradient:
    """Return a gradient in the strides of its parameter, copied where backward() would copy it."""
    if is_laid_out_as(fake, parameter):
        return gradient
    strides = list(parameter.stride()) if parameter.numel() else list(fake.stride())
    like = writer.call(_ATEN.new_empty_strided.default, gradient.node, list(fake.shape), strides)
    return gradient.changed(writer.call(_ATEN.copy_.default, like, gradient.node))


def owned(writer: StepWriter, gradient: Gradient) -> Gradient:
    """Return a gradient that nothing else shares, for a caller who keeps it."""
    return (
        gradient if gradient.is_owned else gradient.changed(writer.call(_ATEN.clone.default, gradient.node))
    )


def accumulated(
    writer: StepWriter,
    gradient: Gradient | None,
    fake: torch.Tensor,
    read: Callable[[], torch.Tensor | None],
) -> Gradient:
    """Return the gradient added to those of earlier calls, in their memory; None adds nothing."""
    earlier = writer.add_input("accumulated", torch.empty_like(fake, requires_grad=False), read)
    if gradient is None:
        return Gradient(earlier, is_owned=True)
    return gradient.changed(writer.call(_ATEN.add_.Tensor, earlier, gradient.node))


def clipped(
    writer: StepWriter, gradients: Sequence[Gradient], order: Sequence[int], read: Callable[[], float]
) -> list[Gradient]:
    """Return gradients scaled as `torch.nn.utils.clip_grad_norm_` does it, with its bits.

    `order` says in which order it adds up their norms.
    """
    norms = [writer.call(_ATEN.linalg_vector_norm.default, gradients[at].node, 2.0) for at in order]
    stacked = writer.call(_ATEN.stack.default, norms)
    total = writer.call(_ATEN.linalg_vector_norm.default, stacked, 2.0)
    largest = writer.add_input("max_norm", 0.5, read)
    total = writer.call(_ATEN.add.Tensor, total, 1e-6)
    factor = writer.call(_ATEN.reciprocal.default, total)
    factor = writer.call(_ATEN.mul.Tensor, factor, largest)
    factor = writer.call(_ATEN.clamp.default, factor, None, 1.0)
    return [_scaled(writer, gradient, factor) for gradient in gradients]


def _scaled(writer: StepWriter, gradient: Gradient, factor: torch.fx.Node) -> Gradient:
    operator = _ATEN.mul_.Tensor if gradient.is_owned else _ATEN.mul.Tensor
    return gradient.changed(writer.call(operator, gradient.node, factor))
