"""The names of torch that are not part of its public interface, for training and torch.compile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch._guards import TracingContext
from torch._subclasses.fake_tensor import DataDependentOutputException, DynamicOutputShapeException
from torch.fx import GraphModule, traceback
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode
from torch.utils import _foreach_utils, _pytree

GraphCompiler = Callable[[GraphModule, Sequence[Any]], Callable[[list[Any]], Sequence[Any]]]

DATA_DEPENDENT = (DataDependentOutputException, DynamicOutputShapeException, GuardOnDataDependentSymNode)
"""What tracing raises where the values of tensors decide what comes next."""


def forward_returns() -> int | None:
    """Return how many outputs of the forward graph being compiled its caller gets, before the saved tensors.

    None means all of them.
    """
    tracing = TracingContext.try_get()
    metadata = None if tracing is None else tracing.fw_metadata
    return None if metadata is None else int(metadata.num_forward_returns)


def aot_compiled(
    module: GraphModule,
    inputs: Sequence[object],
    *,
    forward: GraphCompiler,
    backward: GraphCompiler,
    inference: GraphCompiler,
) -> Callable[..., Any]:
    """Return a graph of torch.compile, made of operators of ATen and differentiated, as compiled functions.

    Nothing is computed twice to save memory: backward reads what eager PyTorch would save.
    """
    from functorch.compile import default_partition  # noqa: PLC0415 (imports half of torch._dynamo)
    from torch._dynamo.backends.common import aot_autograd  # noqa: PLC0415

    compiler = aot_autograd(
        fw_compiler=forward,
        bw_compiler=backward,
        inference_compiler=inference,
        partition_fn=default_partition,
        keep_inference_input_mutations=True,
    )
    return compiler(module, inputs)


def flattened(tree: object) -> tuple[list[Any], Any]:
    """Return the leaves of nested tuples, lists, dicts and registered classes, and their structure."""
    return _pytree.tree_flatten(tree)


def unflattened(leaves: Sequence[object], structure: Any) -> Any:
    """Return the tree of these leaves."""
    return _pytree.tree_unflatten(leaves, structure)


def made_graph(function: Callable[[list[Any]], object], inputs: Sequence[object]) -> GraphModule:
    """Return what a function of a list of fake tensors does as a graph of operators.

    Its nodes keep the lines of code that they come from, and what `torch.fx.traceback.current_meta` says.
    """

    def plain(inputs: list[Any]) -> object:
        return function(inputs)  # make_fx counts the arguments of code objects, and a method has one more

    with traceback.preserve_node_meta():
        return make_fx(plain, record_stack_traces=True)(list(inputs))


def latest_sequence() -> int:
    """Return the number that autograd gave to the latest operator that can be differentiated."""
    return int(cast(Any, torch.autograd)._get_sequence_nr()) - 1


def sequence_of(node: torch.autograd.graph.Node) -> int:
    """Return the number that autograd gave to the operator that a node of its graph undoes."""
    return int(cast(Any, node)._sequence_nr())


def by_type(tensors: Sequence[torch.Tensor]) -> list[int]:
    """Return the positions of tensors in the order in which PyTorch groups them by device and type."""
    grouped = cast(Any, _foreach_utils)._group_tensors_by_device_and_dtype
    groups = grouped([list(tensors)], with_indices=True)
    return [at for _, places in groups.values() for at in places]


def foreach_devices() -> Sequence[str]:
    """Return the kinds of devices where optimizers update parameters in lists unless told otherwise."""
    return cast(Any, _foreach_utils)._get_foreach_kernels_supported_devices()


def members_of(module: torch.nn.Module) -> tuple[object, ...]:
    """Return which modules and parameters a module has itself, and the names of its buffers; no tensors."""
    inside = cast(Any, module)
    buffers = [name for name, value in inside._buffers.items() if value is not None]
    return (*map(id, inside._modules.values()), *map(id, inside._parameters.values()), *buffers)


def version_of(tensor: torch.Tensor) -> int:
    """Return how often a tensor was written to."""
    return tensor._version


def has_step_hooks(optimizer: torch.optim.Optimizer) -> bool:
    """Return whether an optimizer calls functions around its steps."""
    hooked = cast(Any, optimizer)
    return bool(hooked._optimizer_step_pre_hooks or hooked._optimizer_step_post_hooks)


def mark_stepped(optimizer: torch.optim.Optimizer) -> None:
    """Tell the schedulers of learning rates that the optimizer made a step, so that they do not warn."""
    cast(Any, optimizer)._opt_called = True


def has_gradient_hooks(parameter: torch.Tensor) -> bool:
    """Return whether functions wait for the gradient of a parameter."""
    hooked = cast(Any, parameter)
    return bool(hooked._backward_hooks or hooked._post_accumulate_grad_hooks)
