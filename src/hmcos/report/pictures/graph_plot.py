"""Pictures of the operators and the tensors between them."""

from __future__ import annotations

from collections.abc import Sequence

from hmcos.hierarchy.tree import Tree, grow_tree
from hmcos.report.pictures.colours import FAINT
from hmcos.report.pictures.marks import operator_nodes, operator_shading, size_legend, tensor_edges
from hmcos.report.pictures.sketch import Group, Sketch, SketchNode
from hmcos.report.words.sizes import brief
from hmcos.tasks.draw.scene import Scene

_CELL = {
    "style": "filled,rounded",
    "fillcolor": "#f6f1e7",
    "color": "#b89b63",
    "fontsize": 12,
    "labeljust": "l",
}
_INTRUSION = {**_CELL, "fillcolor": "#eef3ea", "color": "#7f9f6c"}
_SEQUENCE = {"style": "rounded,dashed", "color": FAINT, "label": ""}


def graph(scene: Scene) -> Sketch:
    """Return the network: operators by their number in the source, coloured by what they make."""
    return _page(scene, operator_nodes(scene, operator_shading(scene)), f"{scene.title}: the graph")


def schedule(scene: Scene) -> Sketch:
    """Return the network with the step of every operator, and the peak marked."""
    return _page(scene, operator_nodes(scene, operator_shading(scene)), f"{scene.title}: {_order(scene)}")


def hierarchy(scene: Scene) -> Sketch:
    """Return the network, cells and sequences as frames (HMCOS, DAC 2022)."""
    tree = grow_tree(scene.problem)
    statements = _frames(tree, operator_nodes(scene, operator_shading(scene)))
    return _page(scene, statements, f"{scene.title}: cells and sequences, {_order(scene)}")


def _frames(tree: Tree, nodes: Sequence[SketchNode]) -> list[SketchNode | Group]:
    """Return the nodes within frames: one per cell, in it one per sequence of several operators."""
    frames: list[SketchNode | Group] = []
    sequences = [
        _sequence(s, [nodes[op] for op in members]) for s, members in enumerate(tree.sequences.operators)
    ]
    for c, cell in enumerate(tree.cells):
        look = {**(_INTRUSION if cell.intrudes else _CELL), "label": f"cell {c}"}
        frames.append(Group(f"cell{c}", tuple(sequences[s] for s in cell.sequences), look))
    return [*frames, *(sequences[s] for s, cell in enumerate(tree.cell_of) if cell is None)]


def _sequence(s: int, nodes: list[SketchNode]) -> SketchNode | Group:
    return Group(f"sequence{s}", tuple(nodes), _SEQUENCE) if len(nodes) > 1 else nodes[0]


def _order(scene: Scene) -> str:
    schedule_shown = scene.result
    return f"steps of order {schedule_shown.title}, peak {brief(schedule_shown.peak)}"


def _page(scene: Scene, members: Sequence[SketchNode | Group], title: str) -> Sketch:
    legend = size_legend(operator_shading(scene), peak=bool(scene.schedules))
    return Sketch(title, tuple(legend), (*members, *tensor_edges(scene)), vertices=scene.problem.operators)
