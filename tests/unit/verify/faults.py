"""Wrong plans and wrong models, made from right ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from onnx import ModelProto, parser

import hmcos
from hmcos.frontends import onnx
from hmcos.plan.arena import PlacedBuffer
from hmcos.plan.plan import Plan
from hmcos.verify.run.run_request import RunRequest

HEAD = '<ir_version: 10, opset_import: ["" : 21]>\n'

NET = """net (float[1,8] x) => (float[1,8] y)
<float[8,8] w = {1,2,3,4,5,6,7,8,8,1,2,3,4,5,6,7,7,8,1,2,3,4,5,6,6,7,8,1,2,3,4,5,
                 5,6,7,8,1,2,3,4,4,5,6,7,8,1,2,3,3,4,5,6,7,8,1,2,2,3,4,5,6,7,8,1}>
{
  a = Sin(x)
  b = MatMul(a, w)
  c = MatMul(b, w)
  d = Add(a, b)
  e = MatMul(d, w)
  y = Add(e, c)
}"""
"""`a` and `b` have later readers; `c` waits for the end."""

COMPARISON = """net (float[1,4] x, float[4,1] z) => (bool[4,4] y) { a = Neg(x) y = Less(a, z) }"""
"""`y` has as many bytes as the broadcast `a`."""

GELU = """net (float[4,8] x) => (float[4,8] y) { a = Relu(x) b = Gelu(a) y = Add(b, x) }"""


def model(text: str = NET) -> ModelProto:
    return parser.parse_model(HEAD + text)


def saved(folder: Path, text: str = NET) -> Path:
    path = folder / "net.onnx"
    path.write_bytes(model(text).SerializeToString())
    return path


def buffer(plan: Plan, name: str) -> int:
    return next(i for i, b in enumerate(plan.buffers) if b.name == name)


def with_buffers(plan: Plan, buffers: Sequence[PlacedBuffer]) -> Plan:
    """The plan with other buffers, and an arena and memory that say the same."""
    assert plan.arena is not None
    top = max(b.offset + b.size for b in buffers)
    offsets = tuple(b.offset for b in buffers)
    bound = min(plan.arena.lower_bound, top)
    arena = replace(plan.arena, offsets=offsets, size=top, lower_bound=bound)
    steps = range(len(plan.memory.running))
    running = tuple(sum(b.size for b in buffers if b.birth <= step < b.death) for step in steps)
    memory = replace(plan.memory, running=running)
    return replace(plan, buffers=tuple(buffers), arena=arena, memory=memory)


def with_order(plan: Plan, order: Sequence[int]) -> Plan:
    """The plan with another order of its operators, all of which are scheduled."""
    return replace(plan, order=tuple(order), schedule=replace(plan.schedule, order=tuple(order)))


def overlapping(plan: Plan) -> tuple[Plan, str, str]:
    """The plan with two neighbours moved into each other by one byte, and the names of both."""
    taken = {b.takes_over for b in plan.buffers}
    for j, upper in enumerate(plan.buffers):
        for lower in plan.buffers:
            meet = max(lower.birth, upper.birth) < min(lower.death, upper.death)
            alone = upper.takes_over is None and j not in taken
            if meet and alone and upper.size and upper.offset == lower.offset + lower.size:
                buffers = list(plan.buffers)
                buffers[j] = replace(upper, offset=upper.offset - 1)
                return with_buffers(plan, buffers), lower.name, upper.name
    raise AssertionError("no two buffers touch")


def short_lived(plan: Plan, name: str) -> Plan:
    """The plan in which a buffer dies a step too early."""
    i = buffer(plan, name)
    buffers = list(plan.buffers)
    buffers[i] = replace(buffers[i], death=buffers[i].death - 1)
    return with_buffers(plan, buffers)


def overwriting(plan: Plan, name: str, old: str) -> Plan:
    """The plan in which a buffer is written over another one that is still needed."""
    i, j = buffer(plan, name), buffer(plan, old)
    buffers = list(plan.buffers)
    buffers[i] = replace(buffers[i], offset=buffers[j].offset, birth=buffers[i].birth + 1, takes_over=j)
    buffers[j] = replace(buffers[j], death=buffers[i].birth)
    return with_buffers(plan, buffers)


def planned(text: str = NET, target: str = "none") -> Plan:
    return hmcos.schedule(model(text), target=target)


def asked(folder: Path, source: ModelProto, result: ModelProto | bytes | None = None) -> RunRequest:
    """Return the request to compare a model with another one, or itself, and to run it in an arena."""
    first, second = folder / "source.onnx", folder / "result.onnx"
    first.write_bytes(source.SerializeToString())
    made = source if result is None else result
    second.write_bytes(made if isinstance(made, bytes) else made.SerializeToString())
    graph, plan = onnx.load(source).graph, hmcos.schedule(source, target="none")
    return RunRequest(first, first, second, graph, plan, {}, {}, runs=2, seed=0, memory=16 << 30, seconds=600)
