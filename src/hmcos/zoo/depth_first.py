"""The order in which the operators of a zoo network stand in its file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def depth_first(names: Sequence[str], reads: Sequence[Sequence[int]]) -> list[int]:
    """Return the operators in reverse depth-first post-order, readers visited by name.

    Operator `i` is called `names[i]` and follows the operators `reads[i]`. This is the order that
    exporters such as tf2onnx leave behind, and the one of the published files: what a user has who
    does not reschedule. It costs O(operators + reads), apart from sorting names.
    """
    by_name = sorted(range(len(names)), key=names.__getitem__)
    readers: list[list[int]] = [[] for _ in names]
    for op in by_name:
        for read in dict.fromkeys(reads[op]):
            readers[read].append(op)
    seen = [False] * len(names)
    finished: list[int] = []
    for root in by_name:
        if not reads[root]:
            _visit(root, readers, seen, finished)
    finished.reverse()
    return finished


def _visit(root: int, readers: Sequence[Sequence[int]], seen: list[bool], finished: list[int]) -> None:
    """Append all that is reached from the root and not seen yet, each after its readers."""
    seen[root] = True
    path: list[tuple[int, Iterator[int]]] = [(root, iter(readers[root]))]
    while path:
        op, rest = path[-1]
        following = next((reader for reader in rest if not seen[reader]), None)
        if following is None:
            finished.append(op)
            path.pop()
        else:
            seen[following] = True
            path.append((following, iter(readers[following])))
