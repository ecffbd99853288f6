"""The order of the operators in the file of a bundled network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def depth_first(names: Sequence[str], reads: Sequence[Sequence[int]]) -> list[int]:
    """Return the operators in reverse depth-first post-order, readers visited by name.

    Operator `i` is called `names[i]` and reads the outputs of the operators `reads[i]`. Exporters such as
    tf2onnx write this order, and so do the published files, so it is what users run who do not reschedule.
    Apart from sorting the names, it takes O(operators + reads).
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
    """Append all operators that can be reached from the root and were not seen, each after its readers."""
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
