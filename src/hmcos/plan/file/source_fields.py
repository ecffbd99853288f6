"""The fields of a plan file that say where its network came from, and which files belong to it."""

from __future__ import annotations

import re
from pathlib import PureWindowsPath

from hmcos.errors import PlanError
from hmcos.plan.file.fields import MOST, Fields
from hmcos.plan.plan import Source


def source_record(source: Source) -> dict[str, object]:
    """Return a source as its JSON object."""
    places = {"absolute": source.absolute, "relative": source.relative}
    return {
        "name": source.name,
        "format": source.format,
        "sha256": source.sha256,
        "original_sha256": source.original_sha256,
        "inlined": source.inlined,
        "bind": dict(sorted(source.bind.items())),
        **{key: place for key, place in places.items() if place},
        **({"notes": list(source.notes)} if source.notes else {}),
    }


def read_source_fields(fields: Fields) -> Source:
    """Return the source of a plan."""
    bind = fields.part("bind")
    return Source(
        name=fields.text("name"),
        format=fields.text("format"),
        sha256=fields.text("sha256"),
        original_sha256=fields.text("original_sha256"),
        inlined=fields.flag("inlined"),
        bind={name: bind.number(name, -MOST) for name in bind.values},
        absolute=fields.text("absolute") if "absolute" in fields.values else "",
        relative=fields.text("relative") if "relative" in fields.values else "",
        notes=fields.texts("notes") if "notes" in fields.values else (),
    )


def read_digests(fields: Fields) -> dict[str, str]:
    """Return the sha256 of files by path; no path may lead out of the plan's folder."""
    digests = {name: fields.text(name) for name in fields.values}
    for name, digest in digests.items():
        # A malicious plan could name other files of the user, also with the path syntax of another system.
        path = PureWindowsPath(name)
        inside = path.name and not (path.drive or path.root or ".." in path.parts or "\0" in name)
        if not inside:
            raise PlanError(f"{fields.where(repr(name))}: must be a path within the folder of the plan")
        if re.fullmatch("[0-9a-f]{64}", digest) is None:
            raise PlanError(f"{fields.where(name)}: must be a sha256 in hex")
    return digests
