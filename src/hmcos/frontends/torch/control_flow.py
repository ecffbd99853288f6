"""Higher-order operators (cond, while_loop, scan, map) on fake tensors, as eager runs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch.fx import GraphModule, Interpreter, Node
from torch.fx.node import Argument, Target

from hmcos.frontends.torch.observing import Observer
from hmcos.frontends.torch.private import (
    HigherOrderOperator,
    functionalized,
    functionalized_v2,
    map_dense,
    scan_dense,
)
from hmcos.frontends.torch.refusing import refusal

Body = Callable[..., Any]
Bodies = Callable[..., Body]
"""Returns the function that runs a body, given its name, its module, and what is entered before it runs."""
Around = Callable[[], AbstractContextManager[object]]
ROUNDS = 2
"""Rounds of a loop: from the second one on, it holds results of the one before."""


class BodyInterpreter(Interpreter):
    """Runs a body node by node and drops every value after its last reader, as generated code does."""

    def __init__(self, module: GraphModule, observer: Observer) -> None:
        super().__init__(module, garbage_collect_values=True)
        self.extra_traceback = False
        self.observer = observer
        self.node: Node | None = None

    def run_node(self, n: Node) -> Any:
        """Return the value of a node."""
        self.node = n
        return super().run_node(n)

    def get_attr(self, target: Target, args: tuple[Argument, ...], kwargs: dict[str, Any]) -> Any:
        """Return a submodule, or a fake of a constant tensor."""
        value: object = super().get_attr(target, args, kwargs)
        return self.observer.constant(value) if isinstance(value, torch.Tensor) else value

    def call_function(self, target: Target, args: tuple[Argument, ...], kwargs: dict[str, Any]) -> Any:
        """Return the result of a function; bodies inside this one are part of it."""
        if isinstance(target, HigherOrderOperator) and self.node is not None:
            with self.observer.inside():
                return run_higher_order(self.node, target, args, kwargs, self.observer, noted=False)
        return super().call_function(target, args, kwargs)


def run_higher_order(
    node: Node,
    target: Any,
    args: Sequence[Any],
    kwargs: dict[str, Any],
    observer: Observer,
    *,
    noted: bool = True,
) -> Any:
    """Return what a higher-order operator returns, while its bodies are observed.

    Raises:
        ModelError: how eager runs it is not known.
    """

    def body(name: str, module: Any, around: Around = nullcontext) -> Body:
        if not isinstance(module, torch.nn.Module):
            raise refusal(node, f"its body {name} is no module of the graph; export the model again")
        inner = module if isinstance(module, GraphModule) else torch.fx.symbolic_trace(module)

        def call(*arguments: object) -> object:
            return BodyInterpreter(inner, observer).run(*arguments, enable_io_processing=False)

        def unnoted(*arguments: object) -> object:
            with around():
                return call(*arguments)

        return observer.body(name, inner, call, around) if noted else unnoted

    run = _KINDS.get(target.name())
    if run is None:
        raise refusal(
            node, f"the higher-order operator {target.name()} is not supported; there are {', '.join(_KINDS)}"
        )
    return run(body, *args, **kwargs)


def _cond(body: Bodies, predicate: Any, yes: Any, no: Any, operands: Sequence[Any] = ()) -> Any:
    del predicate
    body("false", no)(*operands)
    return body("true", yes)(*operands)


def _while_loop(
    body: Bodies,
    condition: Any,
    rounds: Any,
    carried: Sequence[Any],
    others: Sequence[Any] = (),
) -> Any:
    test, run = body("condition", condition), body("body", rounds)
    values: Any = carried
    # Named as in eager: what a name holds lives until the name holds something else.
    should_loop = test(*values, *others)
    for _ in range(ROUNDS):
        out = run(*values, *others)
        values = out
        should_loop = test(*values, *others)
    del should_loop
    return values


def _scan(body: Bodies, combine: Any, carried: Any, scanned: Any, others: Any = ()) -> Any:
    return scan_dense(body("body", combine), carried, scanned, additional_inputs=others)


def _map(body: Bodies, function: Any, mapped: Any, others: Any = ()) -> Any:
    return map_dense(body("body", function), mapped, others)


def _with_grad(body: Bodies, enabled: Any, module: Any, *operands: Any) -> Any:
    del enabled
    return body("body", module)(*operands)


def _with_autocast(
    body: Bodies,
    device: Any,
    dtype: Any,
    enabled: Any,
    cache: Any,
    module: Any,
    *operands: Any,
) -> Any:
    def around() -> AbstractContextManager[object]:
        return torch.autocast(device, dtype=dtype, enabled=enabled, cache_enabled=cache)

    return body("body", module, around)(*operands)


def _subgraph(body: Bodies, module: Any, identifier: Any, *operands: Any) -> Any:
    del identifier
    return body("body", module)(*operands)


def _functional(body: Bodies, operator: Any, **kwargs: Any) -> Any:
    del body
    return functionalized(operator, **kwargs)


def _functional_v2(body: Bodies, operator: Any, **kwargs: Any) -> Any:
    del body
    return functionalized_v2(operator, **kwargs)


_KINDS: dict[str, Callable[..., Any]] = {
    "auto_functionalized": _functional,
    "auto_functionalized_v2": _functional_v2,
    "cond": _cond,
    "while_loop": _while_loop,
    "scan": _scan,
    "map_impl": _map,
    "wrap_with_set_grad_enabled": _with_grad,
    "wrap_with_autocast": _with_autocast,
    "invoke_subgraph": _subgraph,
}
"""Name of a higher-order operator to how eager runs it."""
