"""Bars that compare: whole tensors and rows at their peaks."""

from __future__ import annotations

from dataclasses import dataclass

from hmcos.tasks.draw.row_scene import RowScene


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of the comparison."""

    name: str
    size: int
    """Bytes."""
    parts: tuple[tuple[int, int], ...]
    """From the bottom: operator that makes it (-1: input) and bytes; empty where not known."""
    is_result: bool = False


def bars(scene: RowScene) -> tuple[Bar, ...]:
    """Return the bars that are known: whole tensors in the best order, and rows."""
    plan, found = scene.plan, list[Bar]()
    if plan.whole is not None:
        maker = {t: k for k, operator in enumerate(plan.operators) for t in operator.makes}
        parts = sorted((maker.get(t, -1), size) for t, size in plan.whole.live)
        # Inputs lie on top, as in the map of the arena.
        parts.sort(key=lambda part: scene.depth(part[0]) < 0)
        found.append(Bar("whole\ntensors", plan.whole.peak, tuple(parts)))
    found.append(Bar("row by\nrow", plan.arena, scene.at_peak, is_result=True))
    return tuple(found)
