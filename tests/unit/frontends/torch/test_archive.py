"""Archives that are damaged, or made to do harm."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from hmcos.errors import ModelError
from hmcos.frontends.torch.archive import open_archive

GRAPH: dict[str, Any] = {"graph_module": {"graph": {"nodes": []}}}
ENTRIES = {
    "m/archive_format": b"pt2",
    "m/models/model.json": json.dumps(GRAPH).encode(),
    "m/data/weights/model_weights_config.json": b'{"config": {}}',
    "m/data/weights/weight_0": bytes(64),
}


def zipped(entries: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as file:
        for name, data in entries.items():
            file.writestr(name, data)
    return content.getvalue()


def test_an_archive_is_read_from_a_file_and_from_memory(tmp_path: Path) -> None:
    content = zipped(ENTRIES)
    place = tmp_path / "m.pt2"
    place.write_bytes(content)
    for archive in (open_archive(content), open_archive(place)):
        assert archive.graph() == GRAPH
        assert archive.payloads("weights") == {}
        assert archive.sizes("weights") == {"m/data/weights/weight_0": 64}


def test_another_graph_changes_no_other_entry() -> None:
    archive = open_archive(zipped(ENTRIES))
    made = archive.with_graph({"new": 1})
    assert open_archive(made).graph() == {"new": 1}
    assert archive.first_difference(open_archive(made)) == ""
    with zipfile.ZipFile(io.BytesIO(made)) as file:
        for info in file.infolist():
            begin = info.header_offset + 30 + len(info.filename) + len(info.extra)
            assert begin % 64 == 0, "PyTorch maps weights, so they are aligned"
            assert made[begin : begin + info.file_size] == file.read(info)


def test_a_changed_entry_is_found() -> None:
    other = zipped({**ENTRIES, "m/data/weights/weight_0": bytes(63) + b"x"})
    assert open_archive(zipped(ENTRIES)).first_difference(open_archive(other)) == "data/weights/weight_0"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no archive"),
        (b"PK\x03\x04 torn", "no archive"),
        (zipped({}), "torch 2.9 or newer"),
        (zipped({"serialized_exported_program.json": b"{}"}), "torch 2.9 or newer"),
        (zipped({**ENTRIES, "m/archive_format": b"other"}), "not of an exported program"),
        (zipped(ENTRIES, zipfile.ZIP_DEFLATED), "is compressed"),
        (zipped({**ENTRIES, "m/../../etc/passwd": b""}), "has a name that"),
        (zipped({**ENTRIES, "other/x": b""}), "torch 2.9 or newer"),
        (zipped({**ENTRIES, "m/data/aotinductor/model/x.so": b""}), "compiled code"),
        (zipped({**ENTRIES, "m/models/second.json": b"{}"}), "holds 2 programs"),
    ],
)
def test_what_is_no_archive_of_one_program_is_refused(content: bytes, says: str) -> None:
    with pytest.raises(ModelError, match=says):
        open_archive(content)


def test_an_entry_listed_twice_is_refused() -> None:
    content = io.BytesIO()
    with pytest.warns(UserWarning), zipfile.ZipFile(content, "w") as file:
        file.writestr("m/archive_format", b"pt2")
        file.writestr("m/archive_format", b"pt2")
    with pytest.raises(ModelError, match="listed twice"):
        open_archive(content.getvalue())


def test_entries_that_claim_more_than_the_file_has_are_refused() -> None:
    content = bytearray(zipped(ENTRIES))
    where = content.rindex(b"m/data/weights/weight_0") - 46  # its line in the list at the end
    content[where + 24 : where + 28] = (1 << 30).to_bytes(4, "little")
    with pytest.raises(ModelError, match="larger than the file"):
        open_archive(bytes(content))


def test_an_entry_that_begins_where_no_file_ends_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped(ENTRIES))
    where = content.rindex(b"m/models/model.json")
    extra = b"\x01\x00\x08\x00" + (1 << 62).to_bytes(8, "little")  # the offset, in 64 bits
    content[where - 4 : where] = b"\xff\xff\xff\xff"
    content[where - 16 : where - 14] = len(extra).to_bytes(2, "little")
    content[where + 19 : where + 19] = extra
    ends = content.rindex(b"PK\x05\x06")
    size = int.from_bytes(content[ends + 12 : ends + 16], "little") + len(extra)
    content[ends + 12 : ends + 16] = size.to_bytes(4, "little")
    place = tmp_path / "m.pt2"
    place.write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.json' cannot be read"):
        open_archive(place).graph()


def test_pickled_weights_are_not_read() -> None:
    config: dict[str, Any] = {
        "config": {"w": {"path_name": "weight_0", "use_pickle": True, "tensor_meta": {}}}
    }
    listed = {"m/data/weights/model_weights_config.json": json.dumps(config).encode()}
    archive = open_archive(zipped({**ENTRIES, **listed}))
    with pytest.raises(ModelError, match=r"weight 'w' is pickled.*torch\.export\.load"):
        archive.payloads("weights")


@pytest.mark.parametrize(
    "text", [b"[", b"[]", b"\xff", b'{"a":' * 100_000, b'{"a":' + b"[" * 250 + b"]" * 250 + b"}"]
)
def test_a_graph_that_is_no_json_object_is_refused(text: bytes) -> None:
    archive = open_archive(zipped({**ENTRIES, "m/models/model.json": text}))
    with pytest.raises(ModelError, match=r"models/model\.json"):
        archive.graph()
