"""The offset table: in a buffer of its own, and nothing else that anybody reads changes."""

from __future__ import annotations

from pathlib import Path
from struct import pack
from typing import Any

import pytest

from hmcos.errors import ModelError, OptionError
from hmcos.frontends.loading import load
from hmcos.frontends.tflite.offsets import NAME, offsets_in, variables
from hmcos.frontends.tflite.reading import parse
from hmcos.frontends.tflite.schema import content_of
from hmcos.frontends.tflite.writing import pack as packed
from hmcos.frontends.tflite.writing import rewritten
from hmcos.frontends.tflite.written_file import written
from tflite_models import S, Sketch, branches

TENSORS = 8
PLACED = {0: 32, 5: 0}
OFFSETS = (32, -1, -1, -1, -1, 0, -1, -1)
WEIGHTS = 1


def table(offsets: tuple[int, ...], number: int | None = None, version: int = 1, subgraph: int = 0) -> Any:
    count = len(offsets) if number is None else number
    return list(pack(f"<{3 + len(offsets)}i", version, subgraph, count, *offsets))


def named(buffer: int | None = None, data: object = None, name: str | None = NAME) -> Sketch:
    """Return a network with a metadata entry for a buffer, a new one by default."""
    sketch = branches(32, 2)
    add(sketch, buffer, data, name)
    return sketch


def add(sketch: Sketch, buffer: int | None = None, data: object = None, name: str | None = NAME) -> None:
    if buffer is None:
        sketch.model.buffers.append(S.BufferT(data))
        buffer = len(sketch.model.buffers) - 1
    sketch.model.metadata = [*(sketch.model.metadata or []), S.MetadataT(name, buffer)]


def contents(content: bytes) -> list[bytes]:
    return [content_of(buffer) for buffer in parse(content).buffers or []]


def used_twice() -> dict[str, Sketch]:
    """Return networks whose table shares its buffer with something."""
    listed = named(data=[1, 2, 3])
    listed.model.metadataBuffer = [listed.model.metadata[0].buffer]
    twice = named(data=[1, 2, 3])
    add(twice, twice.model.metadata[0].buffer, name="labels")
    elsewhere = named(data=[1, 2, 3])
    elsewhere.subgraph("unreached")
    elsewhere.tensor([1, 3], buffer=elsewhere.model.metadata[0].buffer)
    return {
        "weights": named(WEIGHTS),
        "the shared empty buffer": named(0),
        "another entry": twice,
        "the list of old files": listed,
        "a tensor of another subgraph": elsewhere,
    }


@pytest.mark.parametrize("case", used_twice())
def test_a_table_never_replaces_what_something_else_uses(case: str) -> None:
    source = used_twice()[case].bytes()
    result = rewritten(source, {}, PLACED)
    assert contents(result)[:-1] == contents(source)
    model = parse(result)
    assert [entry.buffer for entry in model.metadata or [] if entry.name == NAME.encode()] == [
        len(contents(source))
    ]
    assert (written(source, result).offsets or ())[:TENSORS] == OFFSETS


def test_a_table_in_a_buffer_of_its_own_is_replaced() -> None:
    source = named(data=table((-1,) * TENSORS)).bytes()
    result = rewritten(source, {}, PLACED)
    assert contents(result)[:-1] == contents(source)[:-1]
    assert len(contents(result)) == len(contents(source))
    assert written(source, result).offsets == OFFSETS


def test_one_table_is_left_of_several() -> None:
    # The runtime takes the last one, so that one left behind would win over ours.
    sketch = named(data=table((512,) * TENSORS))
    add(sketch, 0, name="between")
    add(sketch, data=table((2048,) * TENSORS))
    result = parse(rewritten(sketch.bytes(), {}, PLACED))
    assert [entry.name for entry in result.metadata or []] == [NAME.encode(), b"between"]
    assert offsets_in(result) == OFFSETS
    assert written(sketch.bytes(), rewritten(sketch.bytes(), {}, PLACED)).offsets == OFFSETS
    bare = rewritten(sketch.bytes(), {})
    assert written(sketch.bytes(), bare).offsets is None
    assert contents(bare) == contents(sketch.bytes())


ODD = {
    "short": table((0,) * 3, TENSORS),
    "long": table((0,) * 20, TENSORS),
    "of another number of tensors": table((0,) * 3),
    "of another version and subgraph": table((0,) * TENSORS, version=7, subgraph=3),
    "empty": None,
    "no bytes": [],
    "one byte": [1],
}


@pytest.mark.parametrize("case", ODD)
def test_odd_tables_of_the_source_are_replaced(case: str) -> None:
    source = named(data=ODD[case]).bytes()
    assert written(source, rewritten(source, {}, PLACED)).offsets == OFFSETS
    assert written(source, rewritten(source, {})).offsets is None


@pytest.mark.parametrize("case", ODD)
def test_odd_tables_of_a_result_are_refused(case: str) -> None:
    with pytest.raises(ModelError, match=NAME):
        written(branches(32, 2).bytes(), named(data=ODD[case]).bytes())


def test_a_result_has_one_table_in_a_buffer_of_its_own() -> None:
    good = table((-1,) * TENSORS)
    twice = named(data=good)
    add(twice, data=good)
    with pytest.raises(ModelError, match="appears 2 times in the metadata"):
        written(branches(32, 2).bytes(), twice.bytes())
    shared = named(data=good)
    add(shared, len(shared.model.buffers) - 1, name="labels")
    with pytest.raises(ModelError, match="which something else uses too"):
        written(branches(32, 2).bytes(), shared.bytes())


def test_names_of_metadata_may_be_missing() -> None:
    source = named(data=[1], name=None).bytes()
    result = rewritten(source, {}, PLACED)
    assert [entry.name for entry in parse(result).metadata or []] == [None, NAME.encode()]
    assert written(source, result).offsets == OFFSETS


@pytest.mark.parametrize("case", [*used_twice(), "own"])
def test_any_byte_that_something_uses_is_compared(case: str) -> None:
    source = (used_twice() | {"own": named(data=table((-1,) * TENSORS))})[case].bytes()
    result = parse(rewritten(source, {}, PLACED))
    for changed, buffer in enumerate((result.buffers or [])[:-1]):
        data, good = content_of(buffer), buffer.data
        buffer.data = [*data[:-1], data[-1] ^ 1] if data else [1]
        with pytest.raises(
            ModelError, match=rf"buffers\[{changed}\]\.data|uses buffer 0, which must be empty"
        ):
            written(source, packed(result))
        buffer.data = good
    assert written(source, packed(result)).offsets


@pytest.mark.parametrize("name", [NAME, "labels", None])
def test_metadata_names_buffers_that_exist(name: str | None, tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(named(99, name=name).bytes())
    with pytest.raises(ModelError, match=r"m.tflite: metadata 0 \('.*'\): uses buffer 99; there are 3"):
        load(path)
    sketch = branches(32, 2)
    sketch.model.metadataBuffer = [0, 3]
    path.write_bytes(sketch.bytes())
    with pytest.raises(ModelError, match="entry 1 of metadata_buffer: uses buffer 3; there are 3"):
        load(path)


def test_the_shared_empty_buffer_is_empty(tmp_path: Path) -> None:
    sketch = branches(32, 2)
    sketch.model.buffers[0].data = [1] * 64
    path = tmp_path / "m.tflite"
    path.write_bytes(sketch.bytes())
    with pytest.raises(
        ModelError, match=r"tensor 0 \('t0'\): uses buffer 0, which must be empty but holds 64"
    ):
        load(path)
    for tensor in sketch.model.subgraphs[0].tensors:
        if not tensor.buffer:
            sketch.model.buffers.append(S.BufferT())
            tensor.buffer = len(sketch.model.buffers) - 1
    path.write_bytes(sketch.bytes())
    assert load(path).parameter_bytes == 32 * 16 + 32


def test_variables_are_never_moved_into_the_arena() -> None:
    sketch = branches(32, 2)
    sketch.model.subgraphs[0].tensors[5].isVariable = True
    assert variables(parse(sketch.bytes())) == {5}
    assert offsets_in(parse(rewritten(sketch.bytes(), {}, PLACED))) == (32, *(-1,) * 7)


@pytest.mark.parametrize("offset", [2**31, -2])
def test_offsets_that_the_file_cannot_hold_are_refused(offset: int) -> None:
    with pytest.raises(OptionError, match=f"tensor 1: the file cannot hold the offset {offset}"):
        rewritten(branches(32, 2).bytes(), {}, {1: offset})


def test_data_in_other_files_is_refused(tmp_path: Path) -> None:
    sketch = branches(32, 2)
    sketch.model.subgraphs[0].tensors[3].externalBuffer = 1
    path = tmp_path / "m.tflite"
    path.write_bytes(sketch.bytes())
    with pytest.raises(ModelError, match=r"tensor 3 \('t3'\): its data is in another file"):
        load(path)
