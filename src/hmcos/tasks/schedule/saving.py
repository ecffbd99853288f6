"""Write a model and its plan: both or neither."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hmcos.frontends.copying import copy_data
from hmcos.limits import Watch
from hmcos.log import Log
from hmcos.network.sources import relative_source
from hmcos.plan.file.plan_file import plan_text
from hmcos.plan.plan import Outputs
from hmcos.staging import Staging, staged
from hmcos.tasks.places import Places
from hmcos.tasks.schedule.plan_header import header_text
from hmcos.tasks.schedule.solved import Solved

_LOG = Log("hmcos.schedule")


def save(solved: Solved, places: Places, watch: Watch, offsets: Mapping[int, int] | None = None) -> Solved:
    """Write model and plan, and return the plan with its outputs and seconds.

    `offsets` maps tensors to bytes in the arena, for a format that holds them. The watch is that of the
    whole task: the time since the plan was made counts as seconds of saving. All files are complete on the
    disk before the first one takes its place. The plan comes last and holds the sha256 of the others, so
    that a partly replaced set of files can be detected. The seconds in the file exclude the writing.

    Raises:
        OutputError: a file cannot be written; then none is.
    """
    plan = solved.plan
    with staged(places.folder) as staging:
        digests = _results(solved, places, staging, offsets)
        source = relative_source(plan.source, places.plan)
        plan = replace(
            plan, source=source, outputs=_outputs(places, digests), file=str(places.plan.absolute())
        )
        staging.add(places.plan, plan_text(plan).encode())
    _LOG.info("written to %s", places.folder)
    total = max(watch.seconds, plan.seconds.total)
    seconds = replace(plan.seconds, save=plan.seconds.save + total - plan.seconds.total, total=total)
    return replace(solved, plan=replace(plan, seconds=seconds))


def _results(
    solved: Solved, places: Places, staging: Staging, offsets: Mapping[int, int] | None
) -> dict[str, str]:
    """Write the files that belong to the plan, and return their sha256 by path in the folder."""
    digests = copy_data(places.data, staging)
    opened, plan = solved.opened, solved.plan
    if places.model is not None and opened.model is not None and opened.format is not None:
        content = opened.format.reordered(opened.model, plan.orders, offsets)
        digests[places.model.name] = staging.add(places.model, content)
    if places.header is not None:
        text = header_text(plan, opened.stem)
        digests[places.header.name] = staging.add(places.header, text.encode())
    return digests


def _outputs(places: Places, digests: Mapping[str, str]) -> Outputs:
    paths = (str(p) if p else None for p in (places.model, places.plan, places.header))
    return Outputs(*paths, sha256=digests)
