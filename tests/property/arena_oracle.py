"""The smallest arena by trying every offset, in the plainest way, for a handful of lives."""

from __future__ import annotations

from hmcos.allocation.fit import Board, filled
from hmcos.allocation.lives import EXTERNAL, Lives
from hmcos.allocation.sections import sections


def needs(lives: Lives, i: int, step: int) -> bool:
    """Return whether a life needs its bytes at a step."""
    life, demand = lives.lives[i], lives.demand(i)
    return life.birth <= step < life.death and not any(a <= step < b for a, b in demand.gaps)


def faults(lives: Lives, offsets: tuple[int, ...]) -> list[str]:
    """Return what is wrong with an arena."""
    found = [text for i in range(len(offsets)) for text in faults_of(lives, offsets, i)]
    for i in range(len(offsets)):
        found += [f"{j} meets {i}" for j in range(i) if collide(lives, offsets, i, j)]
    return found


def faults_of(lives: Lives, offsets: tuple[int, ...], i: int) -> list[str]:
    """Return what is wrong with the place of one life, the others aside."""
    at, demand, life = offsets[i], lives.demand(i), lives.lives[i]
    if demand.external:
        return [] if at == EXTERNAL else [f"{i} is not external"]
    if at < 0:
        return [f"{i} has no place"]
    pool, within = lives.pool_of(at)
    found: list[str] = []
    if within % lives.alignment or within % demand.alignment:
        found.append(f"{i} is not aligned")
    if demand.offset not in (None, at):
        found.append(f"{i} is not where it is pinned")
    inside = pool < len(lives.pools)
    if inside and at + lives.footprint(i) > lives.walls[pool + 1]:
        found.append(f"{i} crosses the end of its pool")
    if inside and demand.pools and pool not in demand.pools:
        found.append(f"{i} is in a pool that it may not be in")
    if life.takes_over is not None and offsets[life.takes_over] != at:
        found.append(f"{i} is not where {life.takes_over} was")
    return found


def collide(lives: Lives, offsets: tuple[int, ...], i: int, j: int) -> bool:
    """Return whether two lives need the same byte at the same step."""
    if EXTERNAL in (offsets[i], offsets[j]) or not (lives.footprint(i) and lives.footprint(j)):
        return False
    apart = offsets[i] >= offsets[j] + lives.footprint(j) or offsets[j] >= offsets[i] + lives.footprint(i)
    steps = range(
        max(lives.lives[i].birth, lives.lives[j].birth), min(lives.lives[i].death, lives.lives[j].death)
    )
    return not apart and any(needs(lives, i, step) and needs(lives, j, step) for step in steps)


def end(lives: Lives, offsets: tuple[int, ...]) -> int:
    """Return the highest end of the lives that need any byte, or share the offset of one that does."""
    group = sharing(lives)
    used = {
        group[i]
        for i, life in enumerate(lives.lives)
        if any(needs(lives, i, step) for step in range(life.birth, life.death)) and lives.footprint(i)
    }
    ends = (at + lives.footprint(i) for i, at in enumerate(offsets) if at >= 0 and group[i] in used)
    return max(ends, default=0)


def sharing(lives: Lives) -> list[int]:
    """Return per life the first of those that share its offset."""
    group = list(range(len(lives.lives)))
    for _ in group:
        for i, life in enumerate(lives.lives):
            if life.takes_over is not None:
                group[i] = group[life.takes_over] = min(group[i], group[life.takes_over])
    return group


def smallest(lives: Lives, enough: int) -> int:
    """Return the size of the smallest arena, which is known to be at most `enough`."""
    return next((size for size in range(enough) if fits(lives, size)), enough)


def fits(lives: Lives, size: int) -> bool:
    """Return whether there is an arena of at most that size."""
    count = len(lives.lives)
    nowhere = (EXTERNAL,) * count
    places = [
        [
            at
            for at in [EXTERNAL, *range(size + 1)]
            if alone(lives, (*nowhere[:i], at, *nowhere[i + 1 :]), i, size)
        ]
        for i in range(count)
    ]
    stack: list[tuple[int, ...]] = [()]
    while stack:
        offsets = stack.pop()
        i = len(offsets)
        if i == count:
            return True
        for at in places[i]:
            longer = (*offsets, at)
            overs = [(k, over) for k in range(i + 1) if (over := lives.lives[k].takes_over) is not None]
            kept = all(longer[k] == longer[over] for k, over in overs if over <= i)
            if kept and not any(collide(lives, longer, i, j) for j in range(i)):
                stack.append(longer)
    return False


def alone(lives: Lives, offsets: tuple[int, ...], i: int, size: int) -> bool:
    """Return whether a life may be at its offset as far as nothing but itself and the size is concerned."""
    wrong = [text for text in faults_of(lives, offsets, i) if "is not where" not in text or "pinned" in text]
    return not wrong and end(lives, offsets) <= size


def best_fit_offsets(found: Board) -> list[int]:
    """Return the offsets of best fit after Sekiyama et al., section by section in the plainest way."""
    items, rows = found.items, sections(found.items)
    inside = [{s: size for s, row in enumerate(rows) for k, size in row if k == i} for i in range(len(items))]
    offsets = [item.offset for item in items]
    tops = [0] * len(rows)
    by_birth = sorted((i for i in range(len(items)) if inside[i]), key=lambda i: (min(inside[i]), i))
    longest = sorted(by_birth, key=lambda i: (-len(inside[i]), -items[i].size))
    while waiting := [i for i in longest if offsets[i] is None]:
        top = min(tops)
        line = range(tops.index(top), len(tops))
        line = line[: next((k for k, s in enumerate(line) if tops[s] != top), len(line))]
        for i in waiting:
            if (
                line[0] <= min(inside[i])
                and max(inside[i]) <= line[-1]
                and all(tops[s] == top for s in inside[i])
            ):
                offsets[i] = filled(found, offsets).lowest(i, top) if pinned(found) else items[i].legal(top)
                for s, size in inside[i].items():
                    tops[s] = (offsets[i] or 0) + size
        for s in line:
            if tops[s] == top:
                last = next((k for k in range(s, len(tops)) if tops[k] != top), len(tops))
                beside = [tops[k] for k in (s - 1, last) if 0 <= k < len(tops)]
                tops[s:last] = [min(beside, default=top + 1)] * (last - s)
    return [item.legal(0) if at is None else at for item, at in zip(items, offsets, strict=True)]


def pinned(found: Board) -> bool:
    """Return whether any item has its offset from the start."""
    return any(item.offset is not None for item in found.items)
