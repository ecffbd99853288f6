"""Which module every node of a traced step comes from: those of backward come from the module they undo."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import Any, cast

import torch
from torch import nn
from torch.fx import Node, traceback

from hmcos.frontends.torch.private_training import latest_sequence, sequence_of
from hmcos.frontends.torch.steps.autocast import check_no_float16

_META = "nn_module_stack"
"""Where nodes keep the modules that they come from, as `torch.export` writes it."""
_BACKWARD = "backward of"
"""The key of nodes of the backward pass."""
LOSS = "loss"
"""What runs outside of the model, as a module path."""


class Origins:
    """Notes while a model is traced which of its modules runs, and tells the nodes."""

    def __init__(self, whole: nn.Module, device: str) -> None:
        self._whole, self._device = whole, device
        self._running: list[tuple[str, str]] = []
        """The modules that run, the innermost last: path and class."""
        self._hooks: list[Any] = []
        self._times: list[int] = []
        """Numbers of the latest operator to be differentiated, when another module began or went on."""
        self._then: list[tuple[str, str]] = []
        """The module that ran from each of these times on."""
        self._backward = False
        """Whether the backward pass runs; modules may run again in it, if the model is checkpointed."""

    def __enter__(self) -> Origins:
        for name, module in modules_of(self._whole).items():
            self._hooks.append(module.register_forward_pre_hook(self._begin(name)))
            self._hooks.append(module.register_forward_hook(self._end))
        return self

    def __exit__(self, *raised: object) -> None:
        for hook in self._hooks:
            hook.remove()

    def _begin(self, name: str) -> Callable[[nn.Module, Any], None]:
        def begin(module: nn.Module, arguments: Any) -> None:
            check_no_float16(self._device)
            self._running.append((plain(name), type(module).__name__))
            self._changed()

        return begin

    def _end(self, module: nn.Module, arguments: Any, output: Any) -> None:
        self._running.pop()
        self._changed()

    def _changed(self) -> None:
        here = self._running[-1] if self._running else (LOSS, "")
        if not self._backward:
            self._times.append(latest_sequence())
            self._then.append(here)
        self._tell(here)

    def follow(self, loss: torch.Tensor) -> None:
        """Tell the nodes of the coming backward pass from this loss which module they undo."""
        self._backward = True
        waiting, known = [loss.grad_fn], set[Any]()
        while waiting:
            node = waiting.pop()
            if node is None or node in known:
                continue
            known.add(node)
            node.register_prehook(self._undoing(sequence_of(node)))
            waiting += [other for other, _ in node.next_functions]

    def _undoing(self, sequence: int) -> Callable[[Any], None]:
        place = bisect_right(self._times, sequence - 1) - 1
        here = self._then[place] if 0 <= place < len(self._then) else (LOSS, "")

        def undo(gradients: Any) -> None:
            self._tell(here)

        return undo

    def _tell(self, here: tuple[str, str]) -> None:
        """Let the nodes to come say that they come from a module."""
        if traceback.has_preserved_node_meta():
            traceback.current_meta[_META] = stack_of(*here, backward=self._backward)

    def path(self) -> str:
        """Return the module that runs, as messages name it."""
        name = self._running[-1][0] if self._running else ""
        return f"module {name!r}" if name not in ("", "model") else "the model"


def stack_of(path: str, kind: str = "", *, backward: bool = False) -> dict[str, tuple[str, str]]:
    """Return the modules of a node as nodes keep them: by a key, the path and the class."""
    return {_BACKWARD if backward else path: (path, kind)}


def is_backward(node: Node) -> bool:
    """Return whether a traced node belongs to the backward pass."""
    return _BACKWARD in cast("dict[str, object]", node.meta.get(_META) or {})


def modules_of(whole: nn.Module) -> dict[str, nn.Module]:
    """Return all modules of a module by their paths, itself by the empty one."""
    return dict(cast("Iterator[tuple[str, nn.Module]]", whole.named_modules()))


def plain(name: str) -> str:
    """Return the name that a parameter or a module of `WithLoss` has in the model itself."""
    return LOSS if not name else name.removeprefix("model.")
