"""Data behind the flatbuffer, where large models have it: read, written again, and refused if it is wrong."""

from __future__ import annotations

from copy import copy
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest

import hmcos
from hmcos.errors import ModelError
from hmcos.frontends.tflite import reading
from hmcos.frontends.tflite.arena.prediction import predicted_arena
from hmcos.frontends.tflite.behind import NOT_IN_TFLM, is_behind, take_in
from hmcos.frontends.tflite.reading import parse
from hmcos.frontends.tflite.schema import content_of, unpacked
from hmcos.frontends.tflite.writing import packed_as
from tflite_models import Sketch, branches, one_operator, planned


def large(sketch: Sketch) -> Sketch:
    """Put the data of all constants behind the flatbuffer."""
    for number, buffer in enumerate(sketch.model.buffers):
        if buffer.data:
            buffer.data = bytes(buffer.data)
            buffer.offset, buffer.size = 2 + number, len(buffer.data)
    return sketch


def run(content: bytes, x: Any) -> Any:
    session: Any = import_module("ai_edge_litert.interpreter").Interpreter(model_content=content)
    session.allocate_tensors()
    session.set_tensor(session.get_input_details()[0]["index"], x)
    session.invoke()
    return session.get_tensor(session.get_output_details()[0]["index"])


def places(content: bytes) -> list[tuple[int, int]]:
    """Return where the data of each buffer begins that has it behind the flatbuffer, and its bytes."""
    return [(b.offset, b.size) for b in unpacked(content).buffers or [] if b.offset]  # pyright: ignore


def test_litert_finds_what_was_written_behind_the_flatbuffer() -> None:
    inside, behind = branches().bytes(), large(branches()).bytes()
    x = np.arange(16, dtype="int8").reshape(1, 16)
    assert run(inside, x).tobytes() == run(behind, x).tobytes()
    found = places(behind)
    assert len(found) == 2
    assert all(begin % 16 == 0 and begin + size <= len(behind) for begin, size in found)
    one, other = parse(inside).buffers or [], parse(behind).buffers or []
    assert [content_of(buffer) for buffer in one] == [content_of(buffer) for buffer in other]


def test_a_written_model_has_it_there_again_and_holds(tmp_path: Path) -> None:
    sketch = large(branches())
    plan, written = planned(sketch, tmp_path)
    assert plan.peak < plan.given_peak
    assert plan.tflm is None
    assert NOT_IN_TFLM in plan.source.notes
    before, after = parse(sketch.bytes()).buffers or [], parse(written).buffers or []
    assert [content_of(b) for b in before] == [content_of(b) for b in after][: len(before)]
    answer = hmcos.verify(tmp_path / "model.tflite", tmp_path / "out" / "plan.json")
    assert answer.holds
    found = {check.name: str(check.answer) for check in answer.checks}
    assert (found["outputs in LiteRT"], found["outputs in TFLM"]) == ("holds", "not run")


def test_other_data_behind_the_flatbuffer_does_not_hold(tmp_path: Path) -> None:
    _, written = planned(large(branches()), tmp_path)
    place = tmp_path / "out" / "model.tflite"
    place.write_bytes(written[:-1] + bytes([written[-1] ^ 1]))
    answer = hmcos.verify(tmp_path / "model.tflite", place)
    assert not answer.holds
    assert "buffers[2].data" in answer.checks[-1].words


def test_buffers_share_what_they_shared() -> None:
    sketch = large(branches())
    sketch.model.buffers.append(copy(sketch.model.buffers[-1]))
    content = sketch.bytes()
    assert [begin for begin, _ in places(content)].count(places(content)[-1][0]) == 2
    again = packed_as(parse(content), content)
    assert again == content


def test_options_of_an_operator_may_be_there_too() -> None:
    sketch = one_operator("MadeUp")
    (operator,) = sketch.model.subgraphs[0].operators
    operator.customOptions = b"what a kernel of your own reads"
    operator.largeCustomOptionsOffset, operator.largeCustomOptionsSize = 2, len(operator.customOptions)
    content = sketch.bytes()
    assert content.endswith(operator.customOptions)
    (found,) = (parse(content).subgraphs or [])[0].operators or []
    assert bytes(found.customOptions) == operator.customOptions  # pyright: ignore
    assert packed_as(parse(content), content) == content


def test_files_appended_to_the_model_stay_behind_all(tmp_path: Path) -> None:
    archive = BytesIO()
    with ZipFile(archive, "w") as writing:
        writing.writestr("labels.txt", "cat\ndog")
    content = large(branches()).bytes() + archive.getvalue()
    path = tmp_path / "m.tflite"
    path.write_bytes(content)
    hmcos.schedule(path, output=tmp_path / "out")
    with ZipFile(tmp_path / "out" / "m.tflite") as written:
        assert written.read("labels.txt") == b"cat\ndog"
    assert hmcos.verify(path, tmp_path / "out" / "plan.json").holds


@pytest.mark.parametrize(
    ("spots", "words"),
    [
        ([(5000, 10**9)], r"buffer 1: its data would end at 1,000,005,000, but the file has [\d,]+ bytes"),
        ([(2**63, 2**63)], "buffer 1: its data would end at"),
        ([(100, 50), (120, 4)], "buffer 2: its data at 120 overlaps other data"),
    ],
)
def test_wrong_places_are_refused(spots: list[tuple[int, int]], words: str) -> None:
    model, content = unpacked(branches().bytes()), branches().bytes()
    for buffer, (begin, size) in zip((model.buffers or [])[1:], spots, strict=False):
        buffer.data = None
        buffer.offset, buffer.size = begin, size  # pyright: ignore
    with pytest.raises(ModelError, match=words):
        take_in(model, content)


def test_data_inside_and_behind_is_refused() -> None:
    model, content = unpacked(branches().bytes()), branches().bytes()
    buffers = model.buffers or []
    buffers[1].offset, buffers[1].size = 16, 16  # pyright: ignore
    with pytest.raises(ModelError, match="buffer 1: has data in the flatbuffer and behind it"):
        take_in(model, content)


def test_only_files_with_data_behind_the_flatbuffer_may_be_larger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LARGEST", 1000)
    with pytest.raises(ModelError, match="is larger than 2 GB"):
        parse(branches().bytes())
    assert is_behind(parse(large(branches()).bytes()))


def test_its_arena_in_tflm_is_not_predicted() -> None:
    with pytest.raises(ModelError, match="TFLM does not"):
        predicted_arena(large(branches()).bytes())
