"""Files that are no TensorFlow Lite models, or damaged ones: an error, never a crash or a wait."""

from __future__ import annotations

import random
from pathlib import Path
from struct import pack, pack_into, unpack_from

import pytest

from hmcos.errors import HmcosError, ModelError
from hmcos.frontends.loading import load
from hmcos.frontends.tflite.writing import rewritten
from tflite_models import S, branches, one_operator
from work import lines_run


def refused(content: bytes, folder: Path) -> str:
    """Return the message with which a file is refused."""
    path = folder / "bad.tflite"
    path.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        load(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    good = branches().bytes()
    assert "too short" in refused(b"", tmp_path)
    assert "too short" in refused(good[:7], tmp_path)
    assert "its identifier is b'TFL2'" in refused(good[:4] + b"TFL2" + good[8:], tmp_path)
    assert "its identifier is b' is '" in refused(b"this is text, and no model", tmp_path)
    assert "out of the file" in refused(b"\xff\xff\xff\x7fTFL3" + good[8:], tmp_path)
    with pytest.raises(ModelError, match="does not exist"):
        load(tmp_path / "none.tflite")


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    good = branches(32, 2).bytes()
    for length in range(0, len(good) - 16, 7):
        assert "bad.tflite: is " in refused(good[:length], tmp_path)


def test_other_versions_are_refused(tmp_path: Path) -> None:
    sketch = branches()
    sketch.model.version = 2
    assert "is of version 2 of the schema" in refused(sketch.bytes(), tmp_path)
    sketch.model.version, sketch.model.subgraphs = 3, []
    assert "holds no subgraph" in refused(sketch.bytes(), tmp_path)


def test_options_unknown_to_the_schema_are_refused(tmp_path: Path) -> None:
    sketch = branches()
    operator = sketch.model.subgraphs[0].operators[-1]
    operator.builtinOptionsType = 250
    assert "holds BuiltinOptions of type 250" in refused(sketch.bytes(), tmp_path)


def test_fields_unknown_to_the_schema_are_refused(tmp_path: Path) -> None:
    content = bytearray(branches().bytes())
    (root,) = unpack_from("<I", content, 0)
    old = root - unpack_from("<i", content, root)[0]
    size = unpack_from("<H", content, old)[0]
    place = len(content) + len(content) % 2
    # A longer vtable at the end of the file, with an eleventh field that shares the place of the first.
    fields = content[old + 4 : old + size].ljust(20, b"\0") + b"\x04\x00"
    content = content.ljust(place, b"\0") + pack("<H", 26) + content[old + 2 : old + 4] + fields
    pack_into("<i", content, root, root - place)
    assert "field 10 of Model, which the installed schema does not know" in refused(bytes(content), tmp_path)


@pytest.mark.slow
def test_a_small_file_cannot_stand_for_a_huge_tree(tmp_path: Path) -> None:
    # 250 subgraphs, all of them one and the same, with 500 tensors.
    sketch = branches(16, 2)
    graph = sketch.model.subgraphs[0]
    graph.tensors = [graph.tensors[0]] * 500
    sketch.model.subgraphs = [*[S.SubGraphT(name="x") for _ in range(249)], graph]
    content = bytearray(sketch.bytes())
    root = S.Model.GetRootAs(content, 0)
    vector = root._tab.Vector(root._tab.Offset(8))
    places = [vector + 4 * i for i in range(250)]
    large = places[-1] + unpack_from("<I", content, places[-1])[0]
    for at in places:
        pack_into("<I", content, at, large - at)
    said: list[str] = []
    # To walk through the whole tree takes 700 lines of ours per byte.
    assert lines_run(lambda: said.append(refused(bytes(content), tmp_path))) < 100 * len(content)
    assert "refer to each other again and again" in said[0]


def test_damaged_files_end_in_an_error_or_in_a_model(tmp_path: Path) -> None:
    good = branches(32, 2).bytes()
    rng = random.Random(5)
    path = tmp_path / "m.tflite"
    wrong = 0
    for _ in range(300):
        content = bytearray(good)
        for _ in range(rng.randint(1, 6)):
            content[rng.randrange(8, len(content))] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))
        path.write_bytes(content)
        try:
            load(path)
        except HmcosError as error:
            wrong += 1
            assert "\n" not in str(error)
    assert wrong > 30


def test_what_vela_has_compiled_is_refused(tmp_path: Path) -> None:
    sketch = one_operator("ethos-u")
    assert "operator 0 (ethos-u): Vela has compiled the model" in refused(sketch.bytes(), tmp_path)
    assert "Vela" in refused(rewritten(sketch.bytes(), {}, {0: 16, 1: 0}), tmp_path)  # old ones have offsets
    newer = one_operator("ethos-u")
    newer.model.subgraphs[0].operators[0].inputs.append(newer.tensor([4096], "UINT8"))  # made by nobody
    assert "operator 0 (ethos-u): Vela has compiled the model" in refused(newer.bytes(), tmp_path)
