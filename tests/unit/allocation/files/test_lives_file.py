from pathlib import Path

import pytest

import hmcos
from hmcos.allocation.files.lives_file import parse_csv, parse_json_lives, read_lives, write_csv
from hmcos.allocation.planner_table import allocator
from hmcos.errors import InstanceError
from hmcos.limits import Limits, Watch

PUBLIC = "id,lower,upper,size\nb1,0,3,4\nb2,3,9,4\nb3,0,9,4\nb4,9,21,4\nb5,0,21,4\n"


def test_the_published_example_is_written_back_with_an_offset_column() -> None:
    instance = parse_csv(PUBLIC)
    arena = allocator("auto")(instance.lives, Limits(budget=12), Watch())
    lines = write_csv(instance, arena).splitlines()
    assert lines[0] == "id,lower,upper,size,offset"
    assert [line.rsplit(",", 1)[0] for line in lines[1:]] == PUBLIC.splitlines()[1:]
    assert parse_csv("\n".join(lines)) == instance


def test_alignment_and_gaps_are_read_and_written() -> None:
    text = "id,lower,upper,size,alignment,gaps\na,0,9,4,8,2-4 5-6\nb,0,9,4,1,\n"
    instance = parse_csv(text)
    assert instance.lives.demand(0).gaps == ((2, 4), (5, 6))
    assert instance.lives.demand(0).alignment == 8
    assert write_csv(instance) == text


def test_pins_are_written_as_offsets() -> None:
    text = (
        '{"format": "hmcos-lives/1", "lives": [{"id": "a", "birth": 0, "death": 2, "size": 5, "offset": 6}]}'
    )
    instance = parse_json_lives(text)
    arena = allocator("auto")(instance.lives, Limits(), Watch())
    assert write_csv(instance, arena) == "id,lower,upper,size,offset\na,0,2,5,6\n"
    with pytest.raises(InstanceError, match="'a' is pinned, which CSV has no column for; write JSON instead"):
        write_csv(instance)


@pytest.mark.parametrize(
    ("head", "life", "message"),
    [
        ('"pools": [{"name": "fast", "capacity": 9}],', "", "CSV has no column for pools; write JSON"),
        ('"alignment": 8,', "", "CSV has no column for a common alignment; write JSON"),
        ("", ', "external": true', "'b' is supplied from outside, which CSV has no column for"),
        ("", ', "takes_over": 0', "'b' takes over another one, which CSV has no column for"),
        ("", '}, {"id": "\\ud800", "birth": 2, "death": 3, "size": 5', r"is no Unicode text, which CSV"),
    ],
)
def test_what_csv_cannot_say_is_told_before_any_search(
    head: str, life: str, message: str, tmp_path: Path
) -> None:
    source = tmp_path / "lives.json"
    source.write_text(
        f"""{{"format": "hmcos-lives/1", {head} "lives": [
            {{"id": "a", "birth": 0, "death": 2, "size": 5}},
            {{"id": "b", "birth": 2, "death": 3, "size": 5{life}}}]}}"""
    )
    with pytest.raises(InstanceError, match=message):
        hmcos.allocate(source, output=tmp_path / "out.csv", interrupted=_never_asked)


def _never_asked() -> bool:
    raise AssertionError("a search began")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,lower,size\na,0,1\n", "f.csv: column 'upper' is missing"),
        ("", "f.csv: column 'id' is missing"),
        ("id,lower,upper,size\na,0,5,x\n", "f.csv:2: size is 'x'"),
        ("id,lower,upper,size\na,0,5\n", "f.csv:2: size is ''"),
        ("id,lower,upper,size\na,5,3,1\n", r"f.csv:2: 'a' lives in \[5, 3\)"),
        ("id,lower,upper,size\na,-5,3,1\n", r"f.csv:2: 'a' lives in \[-5, 3\)"),
        ("id,lower,upper,size\na,0,3,0\n", "f.csv:2: 'a' has 0 bytes"),
        ("id,lower,upper,size\na,0,3,1\na,0,3,1\n", "f.csv:3: id 'a' appears twice"),
        ("id,lower,upper,size,gaps\na,0,3,1,2-9\n", r"f.csv: life 0: gap \[2, 9\)"),
    ],
)
def test_bad_csv_is_a_clear_error(text: str, message: str) -> None:
    with pytest.raises(InstanceError, match=message):
        parse_csv(text, "f.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "f.json: not a JSON object"),
        ('{"format": "hmcos-lives/2", "lives": []}', "format is not 'hmcos-lives/1'"),
        ('{"format": "hmcos-lives/1", "live": []}', "unknown key 'live'"),
        (
            '{"format": "hmcos-lives/1", "lives": [{"id": "a", "birth": 0, "death": 1}]}',
            "life 0: size is not an",
        ),
    ],
)
def test_bad_json_is_a_clear_error(text: str, message: str) -> None:
    with pytest.raises(InstanceError, match=message):
        parse_json_lives(text, "f.json")


def test_a_file_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InstanceError, match="No such file"):
        read_lives(tmp_path / "none.csv")


def test_ids_with_line_ends_in_them_come_back() -> None:
    text = 'id,lower,upper,size\n"a\rb",0,3,1\n"c\nd",0,3,1\n'
    instance = parse_csv(text)
    assert instance.names == ("a\rb", "c\nd")
    assert parse_csv(write_csv(instance)) == instance
