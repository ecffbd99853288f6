"""The updates of torch.optim's SGD, Adam and AdamW as operators of a graph, with the bits of eager PyTorch.

The operators, their order and the numbers between them are those of torch/optim: `_single_tensor_sgd`,
`_single_tensor_adam`, and the `_multi_tensor` ones with lists of one parameter. Only what eager writes into a
fresh temporary is written in place where nothing else needs the memory, which changes no bit. Numbers
(learning rates, corrections of the bias) are computed on the host at each call, as eager does it, and enter
the graph as inputs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import fx

from hmcos.frontends.torch.private_training import foreach_devices
from hmcos.frontends.torch.steps.writer import Gradient, StepWriter

_ATEN = torch.ops.aten
_ALONE: Mapping[str, Any] = {
    "mul": _ATEN.mul_.Tensor,
    "div": _ATEN.div_.Tensor,
    "lerp": _ATEN.lerp_.Scalar,
    "addcmul": _ATEN.addcmul_.default,
    "addcdiv": _ATEN.addcdiv_.default,
}
_IN_LISTS: Mapping[str, Any] = {
    "mul": _ATEN._foreach_mul_.Scalar,
    "div": _ATEN._foreach_div_.ScalarList,
    "lerp": _ATEN._foreach_lerp_.Scalar,
    "addcmul": _ATEN._foreach_addcmul_.Scalar,
    "addcdiv": _ATEN._foreach_addcdiv_.ScalarList,
}
"""The same on lists of tensors (`foreach`), which round otherwise: on CUDA, one tensor divided by a number is
multiplied by the inverse; on the CPU, lists round a factor to the type of the tensor first."""
_PER_TENSOR = ("div", "addcdiv")
"""Operators that take a number for each tensor of a list."""


@dataclass(eq=False)
class Update(ABC):
    """The update of one parameter."""

    parameter: torch.nn.Parameter
    optimizer: torch.optim.Optimizer
    number: int
    """The number of its group."""

    @abstractmethod
    def begin(self) -> None:
        """Make the state if this is the first step, and compute the numbers of this call."""

    @abstractmethod
    def emit(self, writer: StepWriter, target: fx.Node, gradient: Gradient, fake: torch.Tensor) -> None:
        """Append the update of the parameter, whose node and fake tensor are given."""

    @abstractmethod
    def end(self) -> None:
        """Record that the step was made."""

    @property
    def group(self) -> dict[str, Any]:
        """The group of the parameter, read at each call: schedulers change it, and loading replaces it."""
        return self.optimizer.param_groups[self.number]

    @property
    def state(self) -> dict[str, Any]:
        """The optimizer's state of the parameter."""
        return self.optimizer.state[self.parameter]

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `begin` made, after a call that failed."""
        self.state.clear()
        self.state.update(state)

    def _number(self, name: str) -> float:
        return float(self.group[name])

    def _state_input(self, writer: StepWriter, name: str, fake: torch.Tensor) -> fx.Node:
        return writer.add_state(name, torch.empty_like(fake, requires_grad=False), lambda: self.state[name])

    def _shared(self, writer: StepWriter, name: str, read: Callable[[], float]) -> fx.Node:
        """Return the input of a number that all parameters of the group have in common."""
        return writer.add_number(name, self.number, read)

    def _ascending(self, writer: StepWriter, gradient: Gradient) -> Gradient:
        """Return the gradient, negated where the group maximizes."""
        if not self.group["maximize"]:
            return gradient
        operator = _ATEN.neg_.default if gradient.is_owned else _ATEN.neg.default
        return gradient.changed(writer.call(operator, gradient.node))

    def _changed(
        self, writer: StepWriter, kind: str, target: fx.Node, *others: fx.Node, number: fx.Node
    ) -> fx.Node:
        """Return a tensor after the operator that eager PyTorch changes it by in place."""
        if self._is_in_lists:
            numbers = [number] if kind in _PER_TENSOR else number
            writer.call(_IN_LISTS[kind], [target], *([other] for other in others), numbers)
            return target
        named = {"value": number} if kind in ("addcmul", "addcdiv") else {}
        return writer.call(_ALONE[kind], target, *others, *(() if named else (number,)), **named)

    @property
    def _is_in_lists(self) -> bool:
        """Whether eager PyTorch updates parameters in lists: on CUDA, unless the group says otherwise."""
        asked = self.group.get("foreach")
        if asked is None and not isinstance(self.group["lr"], torch.Tensor):
            return self.parameter.device.type in foreach_devices()
        return bool(asked)

    def _decayed(self, writer: StepWriter, gradient: Gradient, target: fx.Node) -> Gradient:
        """Return the gradient plus weight decay times the parameter."""
        decay = self._shared(writer, "weight_decay", lambda: self._number("weight_decay"))
        return _added(writer, gradient, target, decay)


def _added(writer: StepWriter, gradient: Gradient, other: fx.Node, factor: fx.Node) -> Gradient:
    operator = _ATEN.add_.Tensor if gradient.is_owned else _ATEN.add.Tensor
    return gradient.changed(writer.call(operator, gradient.node, other, alpha=factor))


@dataclass(eq=False)
class SgdUpdate(Update):
    """Stochastic gradient descent, with momentum if the group has one."""

    momentum: float = field(default=0.0, init=False)
    scale: float = field(default=1.0, init=False)

    def begin(self) -> None:
        """Make the momentum buffer if this is the first step, and compute the numbers of this call."""
        if not self.group["momentum"]:
            return
        self.momentum, self.scale = self._number("momentum"), 1 - self._number("dampening")
        if self.state.get("momentum_buffer") is None:
            # The first step copies the gradient into the buffer: -0.0 + 1.0 * gradient has all its bits.
            buffer = torch.full_like(self.parameter, -0.0, requires_grad=False)
            self.state["momentum_buffer"] = buffer
            self.momentum = self.scale = 1.0

    def emit(self, writer: StepWriter, target: fx.Node, gradient: Gradient, fake: torch.Tensor) -> None:
        """Append the update of the parameter."""
        gradient = self._ascending(writer, gradient)
        if self.group["weight_decay"]:
            gradient = self._decayed(writer, gradient, target)
        if self.group["momentum"]:
            gradient = self._with_momentum(writer, gradient, fake)
        rate = self._shared(writer, "learning_rate", lambda: -self._number("lr"))
        writer.call(_ATEN.add_.Tensor, target, gradient.node, alpha=rate)

    def _with_momentum(self, writer: StepWriter, gradient: Gradient, fake: torch.Tensor) -> Gradient:
        buffer = self._state_input(writer, "momentum_buffer", fake)
        momentum = writer.add_number("momentum", self.parameter, lambda: self.momentum)
        scale = writer.add_number("scale", self.parameter, lambda: self.scale)
        buffer = self._changed(writer, "mul", buffer, number=momentum)
        buffer = writer.call(_ATEN.add_.Tensor, buffer, gradient.node, alpha=scale)
        if not self.group["nesterov"]:
            return Gradient(buffer, is_owned=False)
        lookahead = self._shared(writer, "nesterov", lambda: self._number("momentum"))
        return _added(writer, gradient, buffer, lookahead)

    def end(self) -> None:
        """Do nothing: SGD counts no steps."""


@dataclass(eq=False)
class AdamUpdate(Update):
    """Adam and AdamW, with amsgrad if the group asks for it."""

    step: float = field(default=0.0, init=False)
    step_size: float = field(default=0.0, init=False)
    correction: float = field(default=1.0, init=False)

    def begin(self) -> None:
        """Make the moments if this is the first step, and compute the numbers of this call."""
        if not self.state:
            self._make_state()
        step = self.state["step"].item() + 1
        beta1, beta2 = self.group["betas"]
        self.step_size = -float(self.group["lr"] / (1 - beta1**step))
        self.correction = float((1 - beta2**step) ** 0.5)

    def _make_state(self) -> None:
        names = ["exp_avg", "exp_avg_sq", *(["max_exp_avg_sq"] if self.group["amsgrad"] else [])]
        # As in Adam._init_group: the count of steps is a tensor on the host.
        self.state["step"] = torch.tensor(0.0, dtype=_step_type(), device="cpu")
        for name in names:
            self.state[name] = torch.zeros_like(
                self.parameter, memory_format=torch.preserve_format, requires_grad=False
            )

    def emit(self, writer: StepWriter, target: fx.Node, gradient: Gradient, fake: torch.Tensor) -> None:
        """Append the update of the parameter."""
        gradient = self._ascending(writer, gradient)
        if self.group["weight_decay"] and self._is_decoupled:
            keep = self._shared(writer, "keep", self._kept_weight)
            target = self._changed(writer, "mul", target, number=keep)
        elif self.group["weight_decay"]:
            gradient = self._decayed(writer, gradient, target)
        mean = self._state_input(writer, "exp_avg", fake)
        weight = self._shared(writer, "weight1", lambda: 1 - float(self.group["betas"][0]))
        mean = self._changed(writer, "lerp", mean, gradient.node, number=weight)
        denominator = self._denominator(writer, gradient, fake)
        step_size = writer.add_number("step_size", self.parameter, lambda: self.step_size)
        self._changed(writer, "addcdiv", target, mean, denominator, number=step_size)

    def _denominator(self, writer: StepWriter, gradient: Gradient, fake: torch.Tensor) -> fx.Node:
        square = self._state_input(writer, "exp_avg_sq", fake)
        beta = self._shared(writer, "beta2", lambda: float(self.group["betas"][1]))
        weight = self._shared(writer, "weight2", lambda: 1 - float(self.group["betas"][1]))
        square = self._changed(writer, "mul", square, number=beta)
        square = self._changed(writer, "addcmul", square, gradient.node, gradient.node, number=weight)
        if self.group["amsgrad"]:
            largest = self._state_input(writer, "max_exp_avg_sq", fake)
            square = writer.call(_ATEN.maximum.out, largest, square, out=largest)
        correction = writer.add_number("correction", self.parameter, lambda: self.correction)
        epsilon = self._shared(writer, "epsilon", lambda: self._number("eps"))
        root = writer.call(_ATEN.sqrt.default, square)
        root = self._changed(writer, "div", root, number=correction)
        return writer.call(_ATEN.add_.Scalar, root, epsilon)

    @property
    def _is_decoupled(self) -> bool:
        """Whether weight decay shrinks the parameter directly: AdamW."""
        if "decoupled_weight_decay" in self.group:
            return bool(self.group["decoupled_weight_decay"])
        return isinstance(self.optimizer, torch.optim.AdamW)  # PyTorch up to 2.6 has no such entry

    def _kept_weight(self) -> float:
        return float(1 - self.group["lr"] * self.group["weight_decay"])

    def end(self) -> None:
        """Count the step."""
        self.state["step"].add_(1)


def _step_type() -> torch.dtype:
    """Return the type of Adam's counts of steps (torch.optim.optimizer._get_scalar_dtype)."""
    return torch.float64 if torch.get_default_dtype() == torch.float64 else torch.float32
