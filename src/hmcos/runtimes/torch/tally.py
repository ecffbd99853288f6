"""The bytes of the storages that are alive, each counted once, whatever holds it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils import _pytree as pytree

from hmcos.errors import ModelError


@dataclass(slots=True)
class _Counted:
    """A storage that was alive when it was last looked at."""

    weak: StorageWeakRef
    """Keeps the number of the storage from being given to another one, but not its bytes."""
    size: int


class Tally:
    """The bytes of all storages that it was shown and that are still alive.

    It holds no storage: PyTorch itself frees what nothing else holds. Storages of the tensors in `uncounted`
    are never counted. Each counts as a multiple of `block` bytes.
    """

    def __init__(self, uncounted: Iterable[torch.Tensor] = (), block: int = 1) -> None:
        self._block = block
        self._uncounted = {number: StorageWeakRef(storage) for number, storage in map(_storage, uncounted)}
        self._counted: dict[int, _Counted] = {}
        self.bytes = 0
        """As of the last `settle`, and with what was shown since."""

    def show(self, tensor: torch.Tensor) -> None:
        """Count the storage of a tensor if it is new, and count it anew if its size has changed.

        Raises:
            ModelError: the tensor has no storage of its own, such as a sparse one.
        """
        number, storage = _storage(tensor)
        if number in self._uncounted:
            return
        size = -(-storage.nbytes() // self._block) * self._block
        known = self._counted.setdefault(number, _Counted(StorageWeakRef(storage), 0))
        self.bytes += size - known.size
        known.size = size

    def show_all(self, values: Any) -> None:
        """Count the storages of the tensors in nested values."""
        for tensor in tensors(values):
            self.show(tensor)

    def settle(self) -> int:
        """Return the bytes of the storages that are alive now, and forget the others."""
        dead = [number for number, counted in self._counted.items() if counted.weak.expired()]
        for number in dead:
            self.bytes -= self._counted.pop(number).size
        return self.bytes


def tensors(values: Any) -> Iterator[torch.Tensor]:
    """Yield the tensors in nested values."""
    if isinstance(values, torch.Tensor):
        yield values
        return
    for leaf in pytree.tree_leaves(values):
        if isinstance(leaf, torch.Tensor):
            yield leaf


def _storage(tensor: torch.Tensor) -> tuple[int, torch.UntypedStorage]:
    """Return the number that identifies the storage of a tensor while it is alive, and the storage."""
    if tensor.layout is not torch.strided:
        raise ModelError(f"the memory of a tensor in layout {tensor.layout} is not measured; make it dense")
    storage = tensor.untyped_storage()
    return storage._cdata, storage  # pyright: ignore[reportPrivateUsage]
