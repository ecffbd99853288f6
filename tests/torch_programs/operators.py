"""The operators that random programs consist of; each maker appends one call, or a few."""

from __future__ import annotations

import torch

from torch_programs.drawing import Drawing, Makers, UnfitError
from torch_programs.program import Ref

aten = torch.ops.aten


# Operators that make a tensor of one


def unary(d: Drawing) -> Ref:
    names = (
        "sin",
        "cos",
        "tanh",
        "sigmoid",
        "neg",
        "relu",
        "abs",
        "gelu",
        "silu",
        "floor",
        "clone",
        "square",
    )
    return d.call(getattr(aten, d.rng.choice(names)).default, d.floats())


def with_number(d: Drawing) -> Ref:
    target = d.rng.choice((aten.mul.Tensor, aten.add.Tensor, aten.sub.Tensor))
    return d.call(target, d.floats(), d.rng.choice((0.5, 2.0, -1.5)))


def comparison(d: Drawing) -> Ref:
    return d.call(d.rng.choice((aten.gt.Scalar, aten.le.Scalar)), d.floats(), 0.0)


def reduction(d: Drawing) -> Ref:
    x = d.floats(1)
    keep = d.rng.random() < 0.5
    target = d.rng.choice((aten.sum.dim_IntList, aten.mean.dim, aten.amax.default, aten.logsumexp.default))
    return d.call(target, x, [d.dim(x)], keep)


def along(d: Drawing) -> Ref:
    x = d.floats(1)
    dim = d.dim(x)
    if d.rng.random() < 0.5:
        return d.call(d.rng.choice((aten.softmax.int, aten.cumsum.default)), x, dim)
    return (
        d.call(aten.roll.default, x, [1], [dim])
        if d.rng.random() < 0.5
        else d.call(aten.flip.default, x, [dim])
    )


def padded(d: Drawing) -> Ref:
    return d.call(aten.constant_pad_nd.default, d.floats(1), [d.rng.randint(0, 2), d.rng.randint(0, 2)], 0.5)


def converted(d: Drawing) -> Ref:
    """A conversion; to the type that a tensor has already, it returns the tensor itself."""
    x = d.any()
    return d.call(aten.to.dtype, x, d.rng.choice((torch.float32, torch.float32, torch.float64, torch.bool)))


def filled(d: Drawing) -> Ref:
    shape = list(d.value(d.floats()).shape)
    kind = d.rng.randrange(4)
    if kind == 0:
        return d.call(aten.zeros.default, shape)
    if kind == 1:
        return d.call(aten.full.default, shape, 0.25)
    if kind == 2:
        return d.call(aten.ones_like.default, d.floats())
    return d.call(aten.arange.default, d.rng.randint(1, 30), dtype=torch.float32)


# Operators that make a tensor of several


def binary(d: Drawing) -> Ref:
    x = d.floats()
    target = d.rng.choice((aten.add.Tensor, aten.mul.Tensor, aten.sub.Tensor, aten.maximum.default))
    return d.call(target, x, d.like(x))


def broadcast(d: Drawing) -> Ref:
    other = d.any(lambda t: t.dtype is torch.float32 and t.dim() == 0)
    return d.call(aten.add.Tensor, d.floats(), other)


def chosen(d: Drawing) -> Ref:
    mask = d.any(lambda t: t.dtype is torch.bool)
    shape = d.value(mask).shape
    x = d.any(lambda t: t.dtype is torch.float32 and t.shape == shape)
    return d.call(aten.where.self, mask, x, d.like(x))


def joined(d: Drawing) -> Ref:
    x = d.floats(1)
    parts = [x, *(d.like(x) for _ in range(d.rng.randint(1, 2)))]
    return d.call(
        d.rng.choice((aten.cat.default, aten.stack.default)), parts, d.rng.randrange(d.value(x).dim())
    )


def product(d: Drawing) -> Ref:
    x = d.any(lambda t: t.dtype is torch.float32 and t.dim() == 2)
    turned = d.call(aten.t.default, d.like(x))
    return (
        d.call(aten.mm.default, x, turned) if d.rng.random() < 0.5 else d.call(aten.matmul.default, x, turned)
    )


def indexed(d: Drawing) -> Ref:
    x = d.floats(1)
    rows = d.value(x).shape[0]
    index = d.call(aten.arange.default, d.rng.randint(1, rows))
    if d.rng.random() < 0.5:
        return d.call(aten.index.Tensor, x, [index])
    return d.call(aten.index_select.default, x, 0, index)


# Views, and operators that may return their input


def sliced(d: Drawing) -> Ref:
    x = d.any(lambda t: t.dim() > 0)
    size = d.value(x).shape[dim := d.dim(x)]
    begin = d.rng.randint(0, max(0, size - 1))
    return d.call(aten.slice.Tensor, x, dim, begin, d.rng.randint(begin, size), d.rng.randint(1, 2))


def selected(d: Drawing) -> Ref:
    x = d.any(lambda t: t.dim() > 0 and min(t.shape) > 0)
    return d.call(aten.select.int, x, d.dim(x), d.rng.choice((0, -1)))


def turned(d: Drawing) -> Ref:
    x = d.any(lambda t: t.dim() > 1)
    if d.rng.random() < 0.5:
        return d.call(aten.transpose.int, x, d.dim(x), d.dim(x))
    dims = list(range(d.value(x).dim()))
    d.rng.shuffle(dims)
    return d.call(aten.permute.default, x, dims)


def expanded(d: Drawing) -> Ref:
    x = d.floats()
    return d.call(aten.expand.default, x, [d.rng.randint(1, 3), *d.value(x).shape])


def reshaped(d: Drawing) -> Ref:
    x = d.floats(1)
    shape = d.rng.choice(([-1], [2, -1], [-1, 3], [1, -1], list(d.value(x).shape)))
    return d.call(d.rng.choice((aten.view.default, aten.reshape.default)), x, shape)


def strided(d: Drawing) -> Ref:
    x = d.any(lambda t: t.dtype is torch.float32 and t.untyped_storage().nbytes() >= 32)
    return d.call(
        aten.as_strided.default, x, [2, 3], d.rng.choice(([3, 1], [1, 2], [0, 1])), d.rng.randint(0, 2)
    )


def other_view(d: Drawing) -> Ref:
    x = d.floats(2)
    kind = d.rng.randrange(6)
    if kind == 0:
        return d.call(aten.diagonal.default, x, d.rng.randint(-1, 1))
    if kind == 1:
        return d.call(aten.unsqueeze.default, x, 0)
    if kind == 2:
        return d.call(aten.view.dtype, x, torch.int32)
    if kind == 3:
        return d.call(aten.unfold.default, x, -1, 2, 1)
    if kind == 4:
        return d.call(aten.squeeze.default, x)
    return d.call(aten.movedim.int, x, 0, -1)


def same(d: Drawing) -> Ref:
    x = d.floats()
    kind = d.rng.randrange(5)
    if kind == 0:
        return d.call(aten.contiguous.default, x)
    if kind == 1:
        return d.call(aten.dropout.default, x, 0.5, False)
    if kind == 2:
        return d.call(aten.alias.default, x)
    if kind == 3:
        return d.call(aten.detach.default, x)
    return d.call(aten.expand_as.default, x, x)


def by_size(d: Drawing) -> Ref:
    """A view whose shape is computed from the sizes of a tensor."""
    x = d.floats(2)
    size = d.call(aten.sym_size.int, x, 0)
    return d.call(aten.reshape.default, x, [size, -1])


# Writes


def write_number(d: Drawing) -> Ref:
    x = d.writable()
    kind = d.rng.randrange(5)
    if kind == 0:
        return d.call(aten.fill_.Scalar, x, 0.75)
    if kind == 1:
        return d.call(aten.mul_.Tensor, x, -0.5)
    if kind == 2:
        return d.call(aten.zero_.default, x)
    if kind == 3:
        return d.call(aten.relu_.default, x)
    return d.call(aten.clamp_.default, x, -0.5, 0.5)


def write_tensor(d: Drawing) -> Ref:
    x = d.writable()
    y = d.like(x)
    kind = d.rng.randrange(4)
    if kind == 0:
        return d.call(aten.copy_.default, x, y)
    if kind == 1:
        return d.call(aten.sub_.Tensor, x, y)
    if kind == 2:
        return d.call(aten.addcmul_.default, x, y, d.like(x))
    return d.call(aten.add_.Tensor, x, y, alpha=0.5)


def write_view(d: Drawing) -> Ref:
    """Write to a part of a tensor, and read the whole."""
    x = d.writable()
    if not d.value(x).dim():
        raise UnfitError("no dimension")
    part = d.call(aten.slice.Tensor, x, d.dim(x), d.rng.randint(0, 1), 2)
    d.call(aten.add_.Tensor, part, 1.0) if d.rng.random() < 0.5 else d.call(aten.sin_.default, part)
    return d.call(aten.cos.default, x)


def write_rows(d: Drawing) -> Ref:
    x = d.writable()
    if not d.value(x).dim() or not d.value(x).shape[0]:
        raise UnfitError("no row")
    index = d.call(aten.arange.default, 1)
    row = d.call(aten.mul.Tensor, d.call(aten.slice.Tensor, x, 0, 0, 1), 2.0)
    if d.rng.random() < 0.5:
        return d.call(aten.index_put_.default, x, [index], row, d.rng.random() < 0.5)
    return d.call(aten.index_copy_.default, x, 0, index, row)


def write_out(d: Drawing) -> Ref:
    x = d.floats()
    if d.rng.random() < 0.5:
        return d.call(aten.sin.out, x, out=d.call(aten.empty_like.default, x))
    shape = d.value(x).shape
    out = d.any(lambda t: t.shape == shape and d.may_write(t))
    return d.call(aten.add.out, x, d.like(x), out=out)


def change_layout(d: Drawing) -> Ref:
    """Change the sizes of a fresh tensor in place."""
    x = d.call(aten.cos.default, d.floats(2))
    return (
        d.call(aten.transpose_.default, x, 0, 1)
        if d.rng.random() < 0.5
        else d.call(aten.unsqueeze_.default, x, 0)
    )


# Random operators


def random(d: Drawing) -> Ref:
    x = d.floats()
    kind = d.rng.randrange(6)
    if kind == 0:
        return d.call(aten.dropout.default, x, 0.5, True)
    if kind == 1:
        return d.call(aten.rand_like.default, x)
    if kind == 2:
        return d.call(aten.bernoulli.p, x, 0.5)
    if kind == 3:
        return d.call(aten.randn.default, list(d.value(x).shape))
    if kind == 4:
        return d.call(aten.bernoulli_.float, d.writable(), 0.25)
    return d.part(d.call(aten.native_dropout.default, x, 0.5, True), d.rng.randrange(2))


# Several results


def in_parts(d: Drawing) -> Ref:
    x = d.floats(1)
    dim = d.dim(x)
    kind = d.rng.randrange(3)
    if kind == 0:
        parts = d.call(aten.split.Tensor, x, d.rng.randint(1, 4), dim)
    elif kind == 1:
        parts = d.call(aten.unbind.int, x, dim)
    else:
        parts = d.call(aten.chunk.default, x, 2, dim)
    return some_of(d, parts)


def with_indices(d: Drawing) -> Ref:
    x = d.floats(1)
    dim = d.dim(x)
    kind = d.rng.randrange(4)
    if kind == 0:
        pair = d.call(aten.topk.default, x, 1, dim)
    elif kind == 1:
        pair = d.call(aten.max.dim, x, dim, True)
    elif kind == 2:
        pair = d.call(aten.sort.default, x, dim)
    else:
        pair = d.call(aten.var_mean.dim, x, [dim], False)
    return some_of(d, pair)


def normalized(d: Drawing) -> Ref:
    x = d.floats(2)
    kind = d.rng.randrange(3)
    if kind == 0:
        return d.call(aten.layer_norm.default, x, [d.value(x).shape[-1]])
    if kind == 1:
        return some_of(d, d.call(aten.native_layer_norm.default, x, [d.value(x).shape[-1]], None, None, 1e-5))
    channels = d.value(x).shape[1]
    if d.value(x).numel() == channels:
        raise UnfitError("one value for each channel has no deviation")
    mean, deviation = (d.call(fill, [channels]) for fill in (aten.zeros.default, aten.ones.default))
    if d.rng.random() < 0.5:
        return d.call(aten.batch_norm.default, x, None, None, mean, deviation, True, 0.1, 1e-5, False)
    found = d.call(aten.native_batch_norm.default, x, None, None, mean, deviation, True, 0.1, 1e-5)
    return some_of(d, found)


def some_of(d: Drawing, results: Ref) -> Ref:
    """Return one of the results that it takes from a call, which are some of them."""
    count = len(d.values[results.number])
    taken = [k for k in range(count) if d.rng.random() < 0.6] or [0]
    return d.rng.choice([d.part(results, k) for k in taken])


OPERATORS: Makers = {
    unary: 6,
    with_number: 2,
    comparison: 1,
    reduction: 3,
    along: 2,
    padded: 1,
    converted: 1,
    filled: 1,
    binary: 5,
    broadcast: 2,
    chosen: 1,
    joined: 3,
    product: 2,
    indexed: 1,
    sliced: 2,
    selected: 1,
    turned: 2,
    expanded: 2,
    reshaped: 2,
    strided: 1,
    other_view: 2,
    same: 2,
    by_size: 1,
    write_number: 3,
    write_tensor: 3,
    write_view: 2,
    write_rows: 2,
    write_out: 1,
    change_layout: 1,
    random: 3,
    in_parts: 3,
    with_indices: 3,
    normalized: 2,
}
"""Maker to its weight."""
