"""The weights and constants in an archive of an exported program: raw bytes, so nothing is unpickled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from hmcos.errors import ModelError
from hmcos.frontends.torch.archive import Archive
from hmcos.frontends.torch.private import TensorMeta, tensor_meta
from hmcos.words import first_line


def read_weights(archive: Archive) -> dict[str, torch.Tensor]:
    """Return the parameters, buffers and constants in an archive, by name; tied ones share a storage.

    Raises:
        ModelError: one is pickled, or does not fit into its entry.
    """
    found: dict[str, torch.Tensor] = {}
    bases: dict[str, torch.Tensor] = {}
    with archive.reader() as read:
        for kind in ("weights", "constants"):
            for name, payload in archive.payloads(kind).items():
                entry = f"data/{kind}/{payload.get('path_name')}"
                if entry not in bases:
                    bases[entry] = _bytes(read(entry))
                found[name] = part_of(bases[entry], read_meta(payload, name), name)
    return found


def _bytes(content: bytes) -> torch.Tensor:
    if not content:  # frombuffer refuses it
        return torch.empty(0, dtype=torch.uint8)
    return torch.frombuffer(bytearray(content), dtype=torch.uint8)


def read_meta(payload: Mapping[str, Any], name: str) -> TensorMeta:
    """Return what an archive says of a weight.

    Raises:
        ModelError: it is damaged.
    """
    try:
        return tensor_meta(payload["tensor_meta"])
    except Exception as error:  # whatever a damaged description makes torch do
        raise _damaged(name, error) from error


def part_of(base: torch.Tensor, meta: TensorMeta, name: str) -> torch.Tensor:
    """Return the weight in the bytes of an entry of an archive.

    Raises:
        ModelError: the entry is too small, or torch has no tensors of this shape.
    """
    if meta.end > base.numel():
        raise ModelError(f"weight {name!r} is larger than its entry in the archive")
    try:
        return meta.within(base)
    except Exception as error:  # numbers that torch cannot hold
        raise _damaged(name, error) from error


def _damaged(name: str, error: Exception) -> ModelError:
    return ModelError(f"the description of weight {name!r} is damaged: {first_line(error)}")
