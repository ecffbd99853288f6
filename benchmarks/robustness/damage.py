"""Ways to damage a file: its bytes, its words, or the tree that its format contains."""

from __future__ import annotations

import io
import json
import re
import warnings
import zipfile
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from importlib import import_module
from random import Random
from typing import Any, cast

from google.protobuf import json_format
from onnx import ModelProto

NUMBERS = (
    0,
    1,
    2,
    3,
    7,
    127,
    255,
    65536,
    2**31 - 1,
    2**31,
    2**32,
    2**63 - 1,
    2**63,
    10**30,
    -1,
    -16,
    -(2**63),
)
TEXTS = (
    "",
    "a",
    "x",
    "\0",
    "w" * 5000,
    "ün",
    "../up",
    "a\nb",
    "\x1b[31m",
    "-1",
    "nan",
    "OfflineMemoryAllocation",
)
WORDS = (
    *map(str, NUMBERS),
    *TEXTS,
    "1e999",
    "1.5",
    "true",
    "null",
    "[]",
    "{}",
    '"',
    ",",
    "=",
    "\r",
    "\ufeff",
    "2-4",
)
OTHERS = (None, True, False, 0.5, float("nan"), float("inf"))
BYTES = (0, 1, 127, 128, 254, 255)

Tree = Any
Place = tuple[Any, Any]
"""A container and the key of a value in it."""


def damaged(kind: str, content: bytes, rng: Random) -> bytes:
    """Return a file that differs from a valid one of that kind."""
    way = rng.random()
    if way < 0.15:
        return _cut(content, rng)
    if way < 0.45 or (way < 0.6 and kind in ("onnx", "tflite")):
        return _bytes_changed(content, rng)
    try:
        return STRUCTURED[kind](content, rng)
    except Exception:
        return _bytes_changed(content, rng)


def _cut(content: bytes, rng: Random) -> bytes:
    """Return a file that lacks its end, lacks or repeats a piece, or has one in another place."""
    low, high = sorted(rng.randrange(len(content) + 1) for _ in range(2))
    piece, at = content[low:high], rng.randrange(len(content) + 1)
    return rng.choice(
        (content[:at], content[:low] + content[high:], content[:at] + piece + content[at:], piece, b"")
    )


def _bytes_changed(content: bytes, rng: Random) -> bytes:
    made = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        at = rng.randrange(len(made))
        if rng.random() < 0.2:
            width = rng.choice((2, 4, 8))
            made[at : at + width] = (rng.choice(NUMBERS) % 256**width).to_bytes(width, "little")
        else:
            made[at] = rng.choice((made[at] ^ 1 << rng.randrange(8), rng.choice(BYTES), rng.randrange(256)))
    return bytes(made)


def _words_changed(content: bytes, rng: Random) -> bytes:
    """Return a text of which lines or words were changed."""
    text = content.decode()
    for _ in range(rng.choice((1, 1, 2, 3))):
        separator = rng.choice(("\n", ""))
        parts = text.split("\n") if separator else re.split(r"(\W)", text)
        at, other = rng.randrange(len(parts)), rng.randrange(len(parts))
        change = rng.randrange(4)
        if change == 0:
            parts[at] = rng.choice(WORDS)
        elif change == 1:
            parts[at] = parts[other]
        elif change == 2:
            parts.insert(at, parts[other])
        else:
            del parts[at]
        text = separator.join(parts)
    return text.encode(errors="replace")


def _json_changed(content: bytes, rng: Random) -> bytes:
    if rng.random() < 0.3:
        return _words_changed(content, rng)
    tree = json.loads(content)
    _change(tree, rng)
    return json.dumps(tree).encode()


def _onnx_changed(content: bytes, rng: Random) -> bytes:
    tree = json_format.MessageToDict(ModelProto.FromString(content))
    _change(tree, rng)
    return json_format.ParseDict(tree, ModelProto()).SerializeToString()


def _tflite_changed(content: bytes, rng: Random) -> bytes:
    schema: Any = import_module("ai_edge_litert.schema_py_generated")
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    _change(model, rng)
    builder = schema.flatbuffers.Builder(4096)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _pt2_changed(content: bytes, rng: Random) -> bytes:
    """Return an archive of which some entries were changed, mostly JSON, or listed otherwise."""
    archive = Archive.of(content)
    for _ in range(rng.choice((1, 1, 1, 2))):
        name = rng.choice(list(archive.entries))
        if rng.random() < 0.7:
            name = rng.choice([each for each in archive.entries if each.endswith(".json")])
        if name.endswith(".json") and rng.random() < 0.9:
            archive.entries[name] = _json_changed(archive.entries[name], rng)
        elif rng.random() < 0.4:
            archive.entries[name] = _bytes_changed(archive.entries[name] or b"\0", rng)
        else:
            archive = archive.relisted(name, rng)
    return archive.content()


@dataclass(frozen=True)
class Archive:
    """A zip file in memory."""

    entries: dict[str, bytes]
    repeated: tuple[tuple[str, bytes], ...] = ()
    """Entries that are listed once more."""
    compression: int = zipfile.ZIP_STORED

    @staticmethod
    def of(content: bytes) -> Archive:
        """Return the archive in a file."""
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            return Archive({info.filename: file.read(info) for info in file.infolist()})

    def relisted(self, name: str, rng: Random) -> Archive:
        """Return the archive with an entry missing, called otherwise, listed twice, or packed."""
        rest = {other: data for other, data in self.entries.items() if other != name}
        data, way = self.entries[name], rng.randrange(6)
        if way == 0:
            return replace(self, entries=rest)
        if way == 1:
            return replace(self, repeated=((name, rng.choice(list(self.entries.values()))),))
        if way == 2:
            return replace(self, compression=zipfile.ZIP_DEFLATED)
        if way == 3:
            return replace(self, entries={**self.entries, rng.choice(list(self.entries)): data})
        folder = name.rpartition("/")[0] if rng.random() < 0.5 else ""
        return replace(self, entries={**rest, f"{folder}/{rng.choice(TEXTS)}": data})

    def content(self) -> bytes:
        """Return the archive as a file."""
        made = io.BytesIO()
        with warnings.catch_warnings(), zipfile.ZipFile(made, "w", self.compression) as file:
            warnings.simplefilter("ignore")  # it warns of entries that are listed twice
            for name, data in (*self.entries.items(), *self.repeated):
                file.writestr(zipfile.ZipInfo(name), data, self.compression)
        return made.getvalue()


STRUCTURED: dict[str, Callable[[bytes, Random], bytes]] = {
    "onnx": _onnx_changed,
    "tflite": _tflite_changed,
    "pt2": _pt2_changed,
    "plan": _json_changed,
    "csv": _words_changed,
    "toml": _words_changed,
}
"""Kind of file to what damages it without leaving its format."""


def _change(tree: Tree, rng: Random) -> None:
    """Change values of a tree of dictionaries, lists and objects: to others of their kind, or to any."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        places = _places(tree)
        container, key = rng.choice(places)
        value = _at(container, key)
        _set(container, key, _other(value, places, rng))


def _places(tree: Tree) -> list[Place]:
    found: list[Place] = []
    open_trees: list[Tree] = [tree]
    while open_trees:
        here = open_trees.pop()
        keys = _keys(here)
        found += [(here, key) for key in keys]
        open_trees += [_at(here, key) for key in keys]
    return found


def _keys(tree: Tree) -> list[Any]:
    if isinstance(tree, dict):
        return list(cast("dict[str, object]", tree))
    if isinstance(tree, list):
        return [*range(len(cast("list[object]", tree)))]
    return [*cast("dict[str, object]", vars(tree))] if hasattr(tree, "__dict__") else []


def _at(container: Any, key: Any) -> Any:
    return container[key] if hasattr(container, "__getitem__") else getattr(container, key)


def _set(container: Any, key: Any, value: Any) -> None:
    if hasattr(container, "__setitem__"):
        container[key] = value
    else:
        setattr(container, key, value)


def _other(value: Any, places: list[Place], rng: Random) -> Any:
    way = rng.random()
    if way < 0.1:
        return rng.choice((*OTHERS, rng.choice(NUMBERS), rng.choice(TEXTS)))
    if way < 0.2:
        return deepcopy(_at(*rng.choice(places)))  # a copy, since it may hold the place that it is put into
    value = value.tolist() if hasattr(value, "tolist") else value  # an array of numpy's
    if isinstance(value, list):
        return _other_list(cast("list[object]", value), rng)
    if isinstance(value, dict):
        kept = cast("dict[str, object]", value)
        dropped = rng.choice(["", *kept])
        return {key: entry for key, entry in kept.items() if key != dropped}
    if isinstance(value, str | bytes):
        return rng.choice(TEXTS)
    return rng.choice(NUMBERS) if isinstance(value, int | float) else None


def _other_list(value: list[object], rng: Random) -> list[object]:
    """Return a list that lacks entries, repeats them, or has them in another order."""
    if not value:
        return [rng.choice(NUMBERS)]
    entry = rng.choice(value)
    changed = rng.choice((list(value), value[:-1], [*value, entry], [], value * rng.choice((2, 30))))
    if rng.random() < 0.5:
        rng.shuffle(changed)
    if changed and isinstance(entry, int) and rng.random() < 0.7:
        changed[rng.randrange(len(changed))] = rng.choice(NUMBERS)
    return changed
