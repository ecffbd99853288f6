"""Operators that run graphs within them: cond, while_loop, scan, map and set_grad_enabled."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import torch
from torch import Tensor

from torch_programs.drawing import Drawing, Makers, extend
from torch_programs.operators import OPERATORS
from torch_programs.program import Calling, Ref

aten, higher = torch.ops.aten, torch.ops.higher_order
Finish = Callable[[Drawing], Any]


def body(seed: int, given: list[Tensor], finish: Finish, makers: Makers = OPERATORS) -> Calling:
    """Return a random body on tensors like some; `finish` makes its outputs, fresh ones."""
    rng = Random(seed)
    drawing = Drawing(rng, [tensor.clone() for tensor in given], [], guarded=True)
    extend(drawing, makers, rng.randint(0, 6))
    return Calling(drawing.program(finish(drawing)))


def scaled(d: Drawing, ref: Ref) -> Ref:
    """Append a fresh tensor like one, which depends on the last tensor of floats, too."""
    factor = d.call(aten.tanh.default, d.call(aten.sum.default, d.refs(_is_float)[-1]))
    return d.call(aten.mul.Tensor, ref, factor)


def _is_float(tensor: Tensor) -> bool:
    return tensor.dtype is torch.float32


def doubled(d: Drawing) -> Ref:
    """Append a fresh tensor like the last one of floats."""
    return d.call(aten.mul.Tensor, d.refs(_is_float)[-1], 2.0)


def cond(d: Drawing, makers: Makers = OPERATORS) -> Ref:
    x, y = d.floats(), d.floats()
    predicate = d.call(aten.gt.Scalar, d.call(aten.sum.default, y), 0.0)
    seed = d.rng.randrange(1 << 30)
    other = seed if d.rng.random() < 0.7 else seed + 1
    given = [d.value(x), d.value(y)]
    yes, no = (body(s, given, lambda inner: (scaled(inner, Ref(0)),), makers) for s in (seed, other))
    return d.part(d.call(higher.cond, predicate, yes, no, (x, y)), 0)


def while_loop(d: Drawing) -> Ref:
    # The layout is the same in every round; otherwise, memory depends on the round.
    x = d.call(aten.clone.default, d.floats(), memory_format=torch.contiguous_format)
    zero = d.call(aten.zeros.default, [], dtype=torch.int64)
    given = [d.value(zero), d.value(x)]
    test = Drawing(d.rng, [tensor.clone() for tensor in given], [], guarded=True)
    below = test.call(aten.lt.Scalar, Ref(0), d.rng.randint(2, 4))

    def finish(inner: Drawing) -> tuple[Ref, Ref]:
        return inner.call(aten.add.Tensor, Ref(0), 1), scaled(inner, Ref(1))

    rounds = body(d.rng.randrange(1 << 30), given, finish)
    return d.part(d.call(higher.while_loop, Calling(test.program(below)), rounds, (zero, x), ()), 1)


def scan(d: Drawing) -> Ref:
    x = d.any(lambda t: t.dtype is torch.float32 and t.dim() > 1 and t.shape[0] > 1 and t.numel() > 0)
    carry = d.call(aten.zeros.default, list(d.value(x).shape[1:]))

    def finish(inner: Drawing) -> tuple[Ref, Ref]:
        return inner.call(aten.add.Tensor, Ref(0), Ref(1)), doubled(inner)

    combine = body(d.rng.randrange(1 << 30), [d.value(carry), d.value(x)[0]], finish)
    scanned = d.call(higher.scan, combine, [carry], [x], ())
    return d.rng.choice([d.part(scanned, k) for k in d.rng.choice(([0], [1], [0, 1]))])


def mapped(d: Drawing) -> Ref:
    x, y = d.floats(1), d.floats()
    each = body(d.rng.randrange(1 << 30), [d.value(x)[0], d.value(y)], lambda inner: (doubled(inner),))
    return d.part(d.call(higher.map_impl, each, [x], [y]), 0)


def without_grad(d: Drawing) -> Ref:
    x = d.floats()
    inner = body(
        d.rng.randrange(1 << 30), [d.value(x)], lambda inner: (scaled(inner, Ref(0)), doubled(inner))
    )
    made = d.call(higher.wrap_with_set_grad_enabled, False, inner, x)
    return d.part(made, d.rng.randrange(2))


def nested(d: Drawing) -> Ref:
    """A branch inside a branch."""
    return cond(d, {**OPERATORS, cond: 20})


BODIES: Makers = {cond: 2, while_loop: 1, scan: 1, mapped: 1, without_grad: 1, nested: 1}
EXPORTED: Makers = {cond: 1, while_loop: 1, scan: 1, mapped: 1}
"""Those that a user's module can call."""
