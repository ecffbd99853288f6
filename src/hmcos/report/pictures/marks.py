"""What all pictures of a graph share: operators, tensors and a legend."""

from __future__ import annotations

from collections.abc import Iterator

from hmcos.report.pictures.colours import FAINT, PAPER, PEAK, Shading, shading
from hmcos.report.pictures.sketch import Attributes, Edge, SketchNode
from hmcos.report.words.sizes import brief
from hmcos.tasks.draw.scene import Scene
from hmcos.words import LONGEST as TOLD
from hmcos.words import shortened

LONGEST = 32
"""Letters of a name that are shown."""


def operator_shading(scene: Scene) -> Shading:
    """Return the classes of what the operators make, in bytes."""
    return shading(scene.problem.outputs)


def operator_nodes(scene: Scene, shades: Shading) -> list[SketchNode]:
    """Return one node per operator: its step (or number in the source), its kind, the bytes it makes."""
    return [SketchNode(f"op{op}", _operator(scene, shades, op)) for op in range(scene.problem.operators)]


def _operator(scene: Scene, shades: Shading, op: int) -> Attributes:
    size = scene.problem.outputs[op]
    at = scene.steps[op] if scene.schedules else None
    first = f"#{scene.rows[op].number}" if at is None else str(at)
    look: dict[str, str | int | float] = {
        "label": "  ".join(filter(None, (first, shown(scene.kind(op)), brief(size) if size else ""))),
        "fillcolor": shades.shade(size),
        "fontcolor": shades.ink(size),
        "tooltip": f"operator {scene.rows[op].number} {shortened(scene.rows[op].name, TOLD)}",
    }
    if at is not None and scene.profile.running[at] == scene.profile.peak:
        look |= {"color": PEAK, "penwidth": 4}
    return look


def tensor_edges(scene: Scene) -> Iterator[SketchNode | Edge]:
    """Yield inputs, outputs, and one edge per buffer and reader; buffers live at the peak stand out."""
    problem = scene.problem
    outside = {"shape": "ellipse", "fillcolor": PAPER, "color": FAINT}
    for b, source in enumerate(problem.producer):
        look = _tensor(scene, b)
        if source < 0:
            yield SketchNode(f"in{b}", {**outside, "label": _port(scene, b)})
        tail = f"in{b}" if source < 0 else f"op{source}"
        for reader in problem.readers[b]:
            yield Edge(tail, f"op{reader}", look)
        if b in problem.kept:
            yield SketchNode(f"out{b}", {**outside, "label": _port(scene, b)})
            yield Edge(tail, f"out{b}", look)


def _tensor(scene: Scene, b: int) -> Attributes:
    size = scene.problem.sizes[b]
    look: dict[str, str | int | float] = {"tooltip": f"{shortened(scene.buffers[b], TOLD)}: {brief(size)}"}
    if not size:
        look["style"] = "dashed"
    elif scene.schedules and b in scene.buffers_at_peak:
        look |= {"color": PEAK, "penwidth": 3}
    return look


def _port(scene: Scene, b: int) -> str:
    return f"{shown(scene.buffers[b])}\n{brief(scene.problem.sizes[b])}"


def shown(name: str) -> str:
    """Return a name, without its middle when it is long."""
    return shortened(name, LONGEST)


def size_legend(shades: Shading, *, peak: bool) -> list[tuple[str, str]]:
    """Return what colours mean: bytes that an operator makes and, on an order, the peak."""
    legend = list(shades.legend)
    return [*legend, (PEAK, "at the peak: the operator, and the tensors live then")] if peak else legend
