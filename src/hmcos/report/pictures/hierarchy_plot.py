"""Pictures of the hierarchy's top level and of the dominator trees."""

from __future__ import annotations

from collections.abc import Sequence

from hmcos.hierarchy.dominators import ROOT, DominatorTree, operator_dominators, operator_post_dominators
from hmcos.hierarchy.tree import Tree, grow_tree
from hmcos.report.pictures.colours import INK, shading
from hmcos.report.pictures.marks import operator_nodes, operator_shading, shown, size_legend
from hmcos.report.pictures.sketch import Edge, Sketch, SketchNode
from hmcos.report.words.sizes import brief
from hmcos.tasks.draw.scene import Scene

_WIDEST = 3.0
"""Points: the line of the largest flow between two blocks."""


def top(scene: Scene) -> Sketch:
    """Return the top level of the hierarchy: cells and the sequences outside them."""
    tree = grow_tree(scene.problem)
    made = [sum(_leaving(tree, block).values()) for block in range(len(tree.blocks))]
    shades = shading(made)
    statements = [
        SketchNode(
            f"block{block}",
            {
                "label": f"{_block(scene, tree, block)}\nleaves {brief(made[block])}",
                "fillcolor": shades.shade(made[block]),
                "fontcolor": shades.ink(made[block]),
            },
        )
        for block in range(len(tree.blocks))
    ]
    legend = [(colour, f"leaves {size}") for colour, size in shades.legend]
    title = f"{scene.title}: the top level, {len(tree.cells)} cells in {len(tree.blocks)} blocks"
    return Sketch(title, tuple(legend), (*statements, *_flows(tree)), vertices=len(tree.blocks))


def _block(scene: Scene, tree: Tree, block: int) -> str:
    members = tree.blocks[block]
    operators = [op for s in members for op in tree.sequences.operators[s]]
    cell = tree.cell_of[members[0]]
    if cell is not None:
        return f"cell {cell}\n{len(operators)} operators in {len(members)} sequences"
    kinds = [shown(scene.kind(op)) for op in operators]
    first = f"#{scene.rows[operators[0]].number}"
    return (
        f"{first}  {kinds[0]}"
        if len(kinds) == 1
        else f"{first}  {kinds[0]} … {kinds[-1]}, {len(kinds)} operators"
    )


def _leaving(tree: Tree, block: int) -> dict[int, int]:
    """Return the buffers that a block makes for others, or for the end, with their bytes."""
    problem, owner, block_of = tree.problem, tree.sequences.owner, tree.block_of
    return {
        b: problem.sizes[b]
        for s in tree.blocks[block]
        for op in tree.sequences.operators[s]
        for b in problem.makes[op]
        if b in problem.held or any(block_of[owner[reader]] != block for reader in problem.readers[b])
    }


def _flows(tree: Tree) -> list[Edge]:
    """Return an edge per pair of blocks, the wider the more bytes one makes for the other."""
    problem, owner, block_of = tree.problem, tree.sequences.owner, tree.block_of
    flows: dict[tuple[int, int], int] = {}
    for block in range(len(tree.blocks)):
        for b, size in _leaving(tree, block).items():
            for reader in sorted({block_of[owner[r]] for r in problem.readers[b]} - {block}):
                flows[block, reader] = flows.get((block, reader), 0) + size
    most = max(flows.values(), default=0) or 1
    return [
        Edge(
            f"block{a}",
            f"block{b}",
            {
                "label": f"  {brief(size)}",
                "fontcolor": INK,
                "penwidth": round(1 + (_WIDEST - 1) * size / most, 2),
            },
        )
        for (a, b), size in flows.items()
    ]


def dominators(scene: Scene) -> Sketch:
    """Return the dominator tree of the operators."""
    return _tree(scene, operator_dominators(scene.problem), ("start", "the dominator tree"))


def post_dominators(scene: Scene) -> Sketch:
    """Return the post-dominator tree of the operators."""
    return _tree(scene, operator_post_dominators(scene.problem), ("end", "the post-dominator tree"))


def _tree(scene: Scene, tree: DominatorTree, words: Sequence[str]) -> Sketch:
    shades = operator_shading(scene)
    root, name = words
    statements = [
        SketchNode("root", {"label": root, "shape": "ellipse"}),
        *operator_nodes(scene, shades),
        *(
            Edge("root" if parent == ROOT else f"op{parent}", f"op{op}", {})
            for op, parent in enumerate(tree.parent)
        ),
    ]
    legend = tuple(size_legend(shades, peak=False))
    # Trees are broad: drawn sideways they fill a column instead of a line.
    return Sketch(f"{scene.title}: {name}", legend, tuple(statements), scene.problem.operators, sideways=True)
