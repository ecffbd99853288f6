"""Find the source of a plan again; the plan may have been moved, with or without its source."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from hmcos.errors import PlanError
from hmcos.folders import temporary_folder
from hmcos.frontends import loading
from hmcos.frontends.model import Model
from hmcos.graph.graph import body_path
from hmcos.network.opening import ZOO, Opened, open_source
from hmcos.network.restoring import opened_for
from hmcos.network.results import digest_of, written_model
from hmcos.plan.plan import Plan, Source


def source_of(plan: Plan, way_out: str) -> Opened:
    """Open the network that a plan was made for, and return it.

    A file is looked up by its path relative to the plan, by its absolute path, and by its name; its sha256
    must be that in the plan. If it is at none of these places, the model that was written with the plan is
    used instead, with its operators put back into the order of the source.

    Raises:
        PlanError: the source is missing or has changed; the message ends with the `way_out`.
        HmcosError: the source cannot be read.
    """
    name = plan.source.name
    places: Sequence[Path] = ()
    if name.startswith(ZOO):
        opened = opened_for(plan, name)
        if opened.source.sha256 == plan.source.sha256:
            return opened
    elif not name.startswith("<"):
        places = source_places(plan.source, plan.file, plan.outputs.plan)
    digests = {place: digest_of(place) for place in places}
    for place, digest in digests.items():
        if digest is not None and digest == plan.source.original_sha256:
            return opened_for(plan, place)
    written = written_model(plan)
    if written is not None and written.name in plan.outputs.sha256:
        return replace(open_source(restored(plan, written)), source=plan.source)
    raise _gone(plan, digests, way_out)


def _gone(plan: Plan, digests: Mapping[Path, str | None], way_out: str) -> PlanError:
    """Return the error for a plan whose source was not found."""
    title, name = plan.file or "the plan", plan.source.name
    there = [str(place) for place, digest in digests.items() if digest is not None]
    if there or name.startswith(ZOO):
        changed = there[0] if there else name
        return PlanError(
            f"{changed}: has changed since the plan was made; run hmcos schedule on it again, or {way_out}"
        )
    if not digests:
        return PlanError(f"{title}: is of a model in memory; {way_out}")
    return PlanError(f"{title}: its model is not at {' or '.join(map(str, digests))}; {way_out}")


def source_places(source: Source, file: str | None, written: str | None = None) -> list[Path]:
    """Return the paths where the source of a plan may be, the most likely first.

    Args:
        source: the source as the plan records it; plans of the first edition hold only its name.
        file: where the plan is now.
        written: where the plan was written, relative to the same folder as the name of the source.
    """
    places: list[Path] = []
    name = Path(source.name)
    if file is not None:
        relative = source.relative
        if not (relative or written is None or name.is_absolute() or Path(written).is_absolute()):
            relative = os.path.relpath(name, Path(written).parent)
        places += [Path(os.path.normpath(Path(file).parent.resolve() / relative))] if relative else []
    places += [Path(source.absolute)] if source.absolute else []
    return list(dict.fromkeys([*places, name]))


def relative_source(source: Source, plan: Path) -> Source:
    """Return a source with its path relative to the folder of a plan, if it is a file and has such a path."""
    if not source.absolute:
        return source
    place = Path(source.absolute)
    try:
        relative = os.path.relpath(place.parent.resolve() / place.name, plan.parent.resolve())
    except ValueError:  # on another drive
        return source
    return replace(source, relative=Path(relative).as_posix())


def restored(plan: Plan, written: Path) -> Model:
    """Rebuild the source of a plan from the model that was written with the plan, and return it.

    Raises:
        PlanError: the plan does not match the model.
        HmcosError: the model cannot be read.
    """
    bind = plan.source.bind or None
    content = loading.serialised(loading.load(written, bind), _turned_back(plan.orders))
    with temporary_folder() as folder:
        place = folder / f"source{written.suffix}"
        place.write_bytes(content)
        model = loading.load(place, bind)
    return replace(
        model,
        path=written,
        sha256=plan.source.sha256,
        original_sha256=plan.source.original_sha256,
        inlined=plan.source.inlined,
    )


def _turned_back(orders: Mapping[str, Sequence[int]]) -> dict[str, list[int]]:
    """Return the orders that undo others; the numbers in their paths are those of the permuted model."""
    return {_moved(path, orders): _inverse(order) for path, order in orders.items()}


def _moved(path: str, orders: Mapping[str, Sequence[int]]) -> str:
    """Return the path of a body, such as `node 17/then_branch`, after all graphs were put into their orders.

    Raises:
        PlanError: the plan has no order for a graph around the body.
    """
    source_path, moved_path = "", ""
    words = path.split("/") if path else []
    try:
        for node, attribute in zip(words[::2], words[1::2], strict=True):
            number = int(node.removeprefix("node "))
            step = list(orders[source_path]).index(number)
            source_path = body_path(source_path, number, attribute)
            moved_path = body_path(moved_path, step, attribute)
    except (KeyError, ValueError) as error:
        raise PlanError(
            f"the plan has no order for the graph around {path}; run hmcos schedule on the model again"
        ) from error
    return moved_path


def _inverse(order: Sequence[int]) -> list[int]:
    """Return the inverse of an order; those of bodies in a plan file may not be permutations."""
    return sorted(range(len(order)), key=order.__getitem__)
