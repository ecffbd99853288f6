"""Watch every operator that PyTorch runs, within composite and higher-order ones as well."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch._ops import HigherOrderOperator, OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

from hmcos.runtimes.torch.tally import Tally

_COMPOSITE: Any = torch._C.DispatchKey.CompositeImplicitAutograd  # pyright: ignore


class Watching(TorchDispatchMode):
    """A mode that shows the inputs and results of every operator to a tally.

    PyTorch takes composite operators such as `linear` apart before it calls the mode, so results that live
    only within one are seen, too. Workspace of a kernel is not.
    """

    supports_higher_order_operators = True

    def __init__(self, tally: Tally, used: Callable[[int], None]) -> None:
        super().__init__()
        self._tally = tally
        self._used = used
        """Called with the bytes in use while an operator runs: its inputs and its results are alive."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Return the results of an operator, counted."""
        named = kwargs or {}
        self._tally.settle()
        self._tally.show_all((args, named))
        if isinstance(func, HigherOrderOperator):
            results = self._watched_bodies(func, args, named)
            self._tally.settle()
        else:
            results = self._taken_apart(func, args, named)
            if results is NotImplemented:
                results = func(*args, **named)
        self._tally.show_all(results)
        self._used(self._tally.bytes)
        return results

    def _taken_apart(self, func: Any, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Return the results of a composite operator that arrives whole, NotImplemented for other ones.

        They arrive whole in bodies, where autograd is off, which takes them apart elsewhere.
        """
        if not _is_composite(func):
            return NotImplemented
        with self:
            # Not `func.decompose`, which prefers decompositions in Python, of other bits and memory.
            return func._op_dk(_COMPOSITE, *args, **named)

    def _watched_bodies(self, func: Callable[..., Any], args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Return the results of a higher-order operator, watched from its first body to its end.

        Its kernel refuses to start in a mode, and calls its bodies as plain functions; so the first of them
        enters the mode. That way, what the kernel makes between and after its bodies is seen as well.
        """
        entered = False

        def entering(body: Callable[..., Any]) -> Callable[..., Any]:
            def call(*given: Any) -> Any:
                nonlocal entered
                if not entered:
                    entered = True
                    self.__enter__()
                return body(*given)

            return call

        try:
            return func(*(entering(a) if _is_body(a) else a for a in args), **named)
        finally:
            if entered:
                self.__exit__(None, None, None)


def _is_composite(func: Any) -> bool:
    known: Callable[[str, Any], bool] = torch._C._dispatch_has_kernel_for_dispatch_key  # pyright: ignore
    return known(func.name(), _COMPOSITE)


def _is_body(value: Any) -> bool:
    return callable(value) and not isinstance(value, Tensor | OpOverload)
