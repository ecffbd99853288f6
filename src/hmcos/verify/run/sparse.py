"""Turn sparse constants into dense tensors."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np
from onnx import SparseTensorProto, TensorProto

from hmcos.frontends.feeding import Bytes
from hmcos.frontends.onnx.elements import ELEMENTS


def dense(sparse: SparseTensorProto, read: Callable[[TensorProto], Bytes]) -> Bytes:
    """Return the bytes of a sparse tensor as a dense one (ONNX IR, SparseTensorProto).

    `read` returns the bytes of a dense tensor; it may return more bytes after them.

    Raises:
        ValueError, IndexError, KeyError: the indices do not match the shape, or the elements are packed.
    """
    shape, stored = tuple(sparse.dims), prod(sparse.values.dims)
    width, rest = divmod(ELEMENTS[sparse.values.data_type][1], 8)
    if rest:
        raise ValueError("elements of less than a byte")
    rank = len(shape) if len(sparse.indices.dims) > 1 else 1
    places = read(sparse.indices)[: 8 * stored * rank].view(np.int64).reshape(stored, rank)
    if len(sparse.indices.dims) > 1:
        places = np.ravel_multi_index(tuple(places.T), shape).reshape(stored, 1)
    if (places < 0).any():
        raise IndexError("an index below 0")
    content = np.zeros((prod(shape), width), np.uint8)
    content[places[:, 0]] = read(sparse.values)[: width * stored].reshape(stored, width)
    return content.reshape(-1)
