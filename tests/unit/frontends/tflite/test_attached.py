"""Files that metadata tools append to a model, such as labels: they stay, and can still be read."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from random import Random
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from hmcos.errors import ModelError
from hmcos.frontends.tflite.attached import attach, attached
from hmcos.frontends.tflite.writing import rewritten
from hmcos.frontends.tflite.written_file import written
from tflite_models import branches

FILES = {"labels.txt": b"cat\ndog\n", "vocab.txt": bytes(range(256)) * 40, "empty": b""}


def with_files(content: bytes, files: dict[str, bytes], comment: bytes = b"") -> bytes:
    """Return a model with files, appended as the TensorFlow Lite Metadata Writer does."""
    stream = BytesIO(content)
    with ZipFile(stream, "a", ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
        archive.comment = comment
    return stream.getvalue()


def files_in(content: bytes) -> dict[str, bytes]:
    with ZipFile(BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("offsets", [None, {0: 16}])
@pytest.mark.parametrize("comment", [b"", b"made by a test"])
def test_attached_files_stay(offsets: dict[int, int] | None, comment: bytes) -> None:
    source = with_files(branches(32, 2).bytes(), FILES, comment)
    result = rewritten(source, {"": (1, 0, 3, 2, 4)}, offsets)
    assert files_in(result) == FILES
    assert attached(result) == attached(source) != b""
    written(source, result)
    begin = len(result) - len(attached(result))
    with ZipFile(BytesIO(result)) as archive:  # places are those in the file, for readers that trust them
        assert result[archive.start_dir : archive.start_dir + 4] == b"PK\x01\x02"
        assert min(entry.header_offset for entry in archive.infolist()) == begin
    end = result.rindex(b"PK\x05\x06")
    assert int.from_bytes(result[end + 16 : end + 20], "little") == archive.start_dir


def test_changed_or_missing_files_are_found() -> None:
    good = branches(32, 2).bytes()
    source = with_files(good, FILES)
    for other in (good, with_files(good, FILES | {"labels.txt": b"dog\ncat\n"}), with_files(good, {})):
        with pytest.raises(ModelError, match="in the files appended to the model"):
            written(source, other)


def test_an_archive_made_apart_is_found_too() -> None:
    apart = with_files(b"", FILES)
    assert attached(branches().bytes() + apart) == apart
    assert files_in(attach(b"x" * 1000, apart)) == FILES


def test_most_models_have_no_files() -> None:
    content = branches(32, 2).bytes()
    assert attached(content) == b""
    assert attach(content, b"") == content
    assert attached(with_files(content, {})) == b""


def test_damaged_archives_are_no_archives(tmp_path: Path) -> None:
    good = with_files(branches(32, 2).bytes(), FILES)
    begin = len(good) - len(attached(good))
    rng = Random(3)
    for _ in range(500):
        content = bytearray(good)
        for _ in range(rng.randint(1, 4)):
            content[rng.randrange(begin, len(content))] = rng.randrange(256)
        for cut in (len(content), rng.randrange(begin, len(content))):
            found = attached(bytes(content[:cut]))
            assert attach(b"", found) == found
