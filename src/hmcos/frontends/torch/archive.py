"""The archives of torch.export.save: zip files with the graph as JSON. Nothing is unpickled here."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from hmcos.errors import ModelError

WAY_OUT = "load it with torch.export.load, if you trust it, and pass the program to hmcos.schedule"
_LARGEST_GRAPH = 1 << 28
"""Most bytes of the JSON of a graph."""
_MOST_ENTRIES = 1 << 20
_ALIGNMENT = 64
"""PyTorch begins every entry at a multiple of it, so that weights can be mapped."""
_PADDING = b"FB"
"""The kind of the extra field that PyTorch pads with."""
_OF_THE_FILE = (".data/serialization_id", "data/sample_inputs/model.pt")
"""Entries that differ from one saving of a program to the next; sample inputs are pickled and never read."""
_DEEPEST = 200
"""Most lists and objects inside each other; bodies of operators take eight levels each."""
_HEADER = 30
"""Bytes of the header before the name of an entry."""


@dataclass(frozen=True)
class Archive:
    """An archive whose entries were checked, but not read."""

    source: Path | bytes
    root: str
    """The folder that all entries are in, with a slash."""
    bytes_of: Mapping[str, int]
    """The size of each entry, by its name without that folder."""
    graph_name: str
    """The entry of the graph."""
    _listed: dict[str, dict[str, dict[str, Any]]] = field(
        default_factory=dict[str, Any], repr=False, compare=False
    )
    """What `payloads` found: a graph and its weights both ask for it."""

    def read(self, name: str) -> bytes:
        """Return the bytes of an entry.

        Raises:
            ModelError: it is missing or damaged.
        """
        with self.reader() as read:
            return read(name)

    @contextmanager
    def reader(self) -> Generator[Callable[[str], bytes]]:
        """Return a function that reads entries, for many of them.

        Raises:
            ModelError: when it is called, of an entry that is missing or damaged.
        """
        with _opened(self.source) as file:

            def read(name: str) -> bytes:
                if name not in self.bytes_of:
                    raise ModelError(
                        f"its entry {name} is missing; torch.export.save of torch 2.9 or newer writes it"
                    )
                return _content(file, self.root + name)

            yield read

    def graph(self) -> dict[str, Any]:
        """Return the graph as parsed JSON.

        Raises:
            ModelError: it is not JSON, or no object.
        """
        return parsed(self.read(self.graph_name), self.graph_name)

    def payloads(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return what the archive says of each of its `weights` or `constants`, by name.

        Raises:
            ModelError: it is not as torch.export.save writes it, or one is pickled.
        """
        if kind not in self._listed:
            self._listed[kind] = self._payloads(kind)
        return self._listed[kind]

    def _payloads(self, kind: str) -> dict[str, dict[str, Any]]:
        entry = f"data/{kind}/model_{kind}_config.json"
        listed = parsed(self.read(entry), entry).get("config")
        if not isinstance(listed, dict):
            raise ModelError(f"its entry {entry} lists no {kind}")
        found: dict[str, dict[str, Any]] = {}
        for name, payload in cast("dict[str, Any]", listed).items():
            known = isinstance(payload, dict) and isinstance(
                cast("dict[str, Any]", payload).get("tensor_meta"), dict
            )
            if not known or cast("dict[str, Any]", payload).get("use_pickle") is not False:
                raise ModelError(
                    f"its {kind.removesuffix('s')} {name!r} is pickled, and a pickle may run any code when "
                    f"it is read; {WAY_OUT}"
                )
            found[name] = cast("dict[str, Any]", payload)
        return found

    def sizes(self, kind: str) -> dict[str, int]:
        """Return the bytes of each entry that holds `weights` or `constants`."""
        return {
            self.root + name: size
            for name, size in self.bytes_of.items()
            if name.startswith(f"data/{kind}/") and not name.endswith(".json")
        }

    def first_difference(self, other: Archive) -> str:
        """Return the first entry besides the graph in which two archives differ; empty if there is none."""
        names = self.bytes_of.keys()
        for name in sorted(names ^ other.bytes_of.keys()):
            return name
        with self.reader() as read, other.reader() as read_other:
            for name in sorted(names - {self.graph_name, *_OF_THE_FILE}):
                if read(name) != read_other(name):
                    return name
        return ""

    def with_graph(self, graph: Mapping[str, Any]) -> bytes:
        """Return the archive with another graph; all other entries have the same bytes."""
        content = io.BytesIO()
        with _opened(self.source) as old, zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as new:
            for info in old.infolist():
                data = _content(old, info.filename)
                if info.filename == self.root + self.graph_name:
                    data = json.dumps(graph).encode()
                entry = zipfile.ZipInfo(info.filename, info.date_time)
                entry.external_attr, entry.create_system = info.external_attr, info.create_system
                entry.extra = _padding(content.tell(), len(info.filename.encode()))
                new.writestr(entry, data)
        return content.getvalue()


def open_archive(source: Path | bytes) -> Archive:
    """Return the archive in a file or in memory, after checking its entries.

    Raises:
        ModelError: it is not an archive of one exported program, or it needs what is not safe to read.
    """
    with _opened(source) as file:
        infos = file.infolist()
        names = [info.filename for info in infos]
        _check_entries(infos, len(source) if isinstance(source, bytes) else source.stat().st_size)
        root = names[0].partition("/")[0] + "/" if names else ""
        inside = {info.filename.removeprefix(root): info.file_size for info in infos}
        if not all(name.startswith(root) for name in names) or "archive_format" not in inside:
            raise ModelError(
                "is no archive of torch.export.save of torch 2.9 or newer; save it with a newer torch"
            )
        if _content(file, f"{root}archive_format") != b"pt2":
            raise ModelError(
                "is an archive of torch, but not of an exported program; save it with torch.export.save"
            )
    if any(name.startswith("data/aotinductor/") for name in inside):
        raise ModelError(
            "holds compiled code, which hmcos does not load; save the program with torch.export.save instead"
        )
    graphs = sorted(name for name in inside if name.startswith("models/") and name.endswith(".json"))
    if graphs != ["models/model.json"]:
        raise ModelError(
            f"holds {len(graphs)} programs; hmcos reads those that torch.export.save writes, of one"
        )
    return Archive(source, root, inside, graphs[0])


def _check_entries(infos: list[zipfile.ZipInfo], size: int) -> None:
    if len(infos) > _MOST_ENTRIES or len({info.filename for info in infos}) != len(infos):
        raise ModelError("its list of entries is damaged: too many, or one listed twice")
    for info in infos:
        parts = info.filename.split("/")
        if ".." in parts or "" in parts or "\\" in info.filename or info.flag_bits & 1:
            raise ModelError(f"its entry {info.filename!r} has a name that torch.export.save does not write")
        if info.compress_type != zipfile.ZIP_STORED:
            raise ModelError(
                f"its entry {info.filename!r} is compressed, which torch.export.save does not do"
            )
    if sum(info.file_size for info in infos) > size:
        raise ModelError("its entries are larger than the file: it is damaged, or made to fill the memory")


def _opened(source: Path | bytes) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, OSError) as error:
        raise ModelError(f"is no archive of an exported program: {error}") from error


def _content(file: zipfile.ZipFile, name: str) -> bytes:
    try:
        return file.read(name)
    except (zipfile.BadZipFile, NotImplementedError, KeyError, EOFError, ValueError, OSError) as error:
        raise ModelError(f"its entry {name!r} cannot be read: {error}") from error


def parsed(content: bytes, name: str) -> dict[str, Any]:
    """Return the JSON object in an entry.

    Raises:
        ModelError: it is too large, nested too deeply, or none.
    """
    if len(content) > _LARGEST_GRAPH:
        raise ModelError(f"its entry {name} has {len(content):,} bytes; the most is {_LARGEST_GRAPH:,}")
    try:
        found: object = json.loads(content)
    except RecursionError:
        raise ModelError(f"its entry {name} is nested too deeply") from None
    except ValueError as error:
        raise ModelError(f"its entry {name} is not JSON: {error}") from error
    if _depth_exceeds(found, _DEEPEST):  # what works on it calls itself for each level
        raise ModelError(f"its entry {name} is nested too deeply")
    if not isinstance(found, dict):
        raise ModelError(f"its entry {name} is no JSON object")
    return cast("dict[str, Any]", found)


def _depth_exceeds(value: object, most: int) -> bool:
    level: list[object] = [value]
    for _ in range(most):
        inner: list[object] = []
        for each in level:
            if isinstance(each, dict):
                inner += cast("dict[str, object]", each).values()
            elif isinstance(each, list):
                inner += cast("list[object]", each)
        level = [each for each in inner if isinstance(each, dict | list)]
        if not level:
            return False
    return True


def _padding(position: int, name: int) -> bytes:
    """Return the extra field after which the content of an entry begins at a multiple of the alignment."""
    begin = position + _HEADER + name + 4
    length = -begin % _ALIGNMENT
    return _PADDING + length.to_bytes(2, "little") + b"Z" * length
