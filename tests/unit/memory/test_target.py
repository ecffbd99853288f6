from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hmcos.errors import TargetError
from hmcos.memory.target import Condition, Overwrite, kind_name, load_target, parse_target, target_names
from hmcos.tasks.request import chosen_target


def test_these_targets_are_shipped() -> None:
    assert target_names() == (
        "default",
        "executorch",
        "hmcos",
        "none",
        "onnxruntime",
        "tflm",
        "torch",
        "torch-cuda",
    )


def test_default_is_a_careful_runtime() -> None:
    target = load_target("default")
    assert target.views == {"Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"}
    assert target.overwrite["Add"] == Overwrite(None, False, Condition.SAME_SHAPE)
    assert target.overwrite["Where"] == Overwrite((1, 2), False, Condition.SAME_SHAPE)
    assert (
        target.overwrite["Dropout"]
        == target.overwrite["Cast"]
        == Overwrite((0,), False, Condition.SAME_SHAPE)
    )
    assert {
        "Gelu",
        "Mish",
        "Swish",
        "BitwiseNot",
        "IsNaN",
        "Sum",
        "Max",
        "Min",
        "Mean",
    } <= target.overwrite.keys()
    assert target.overwrite_inputs and target.alignment == 1


def test_hmcos_is_the_published_rule() -> None:
    target = load_target("hmcos")
    assert not target.views
    assert len(target.overwrite) == 56
    assert set(target.overwrite.values()) == {Overwrite(None, True, Condition.SAME_SIZE)}
    assert {"Add", "Reshape", "Flatten"} <= target.overwrite.keys()
    assert not {"Identity", "Sum", "Where", "Concat", "Dropout", "Cast"} & target.overwrite.keys()


def test_default_overwrites_all_that_hmcos_counts_as_element_wise() -> None:
    default, published = load_target("default"), load_target("hmcos")
    assert published.overwrite.keys() - default.overwrite.keys() == default.views - {"Identity"}


def test_none_shares_nothing() -> None:
    target = load_target("none")
    assert not target.views and not target.overwrite and target.alignment == 1


def test_every_key_has_a_default(tmp_path: Path) -> None:
    (tmp_path / "bare.toml").write_text('[[overwrite]]\nkinds = ["Relu"]\n')
    target = load_target(tmp_path / "bare.toml")
    assert target.name == str(tmp_path / "bare.toml")
    assert target.overwrite == {"Relu": Overwrite(None, False, Condition.SAME_SHAPE)}
    assert (target.alignment, target.overwrite_inputs, target.views) == (1, True, frozenset())
    assert not target.scratch_of_kind and not target.scratch_of_operator
    assert target.data == {"overwrite": [{"kinds": ["Relu"]}]}


def test_kinds_carry_their_domain() -> None:
    assert kind_name("Relu", "") == kind_name("Relu", "ai.onnx") == "Relu"
    assert kind_name("Gelu", "com.microsoft") == "com.microsoft:Gelu"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("alignment = 0", "alignment must be an integer of at least 1, not 0"),
        ("alignment = true", "alignment must be an integer"),
        ("alignment = 1.5", "alignment must be an integer"),
        ('overwrite_inputs = "yes"', "overwrite_inputs must be true or false"),
        ("colour = 1", "unknown key 'colour'; there are alignment"),
        ("views = 3", "views must be a list of operator kinds"),
        ("views = [3]", "views must be a list of operator kinds"),
        ("overwrite = 3", "written [[overwrite]]"),
        ("overwrite = [3]", "overwrite[0] must be a table"),
        ("[[overwrite]]\ninputs = [0]", "overwrite[0].kinds is missing"),
        ('[[overwrite]]\nkinds = ["A"]\nkind = 1', "unknown key 'overwrite[0].kind'"),
        ('[[overwrite]]\nkinds = ["A"]\ninputs = "all"', "overwrite[0].inputs must be"),
        (
            '[[overwrite]]\nkinds = ["A"]\ninputs = [-1]',
            "overwrite[0].inputs must be an integer of at least 0",
        ),
        ('[[overwrite]]\nkinds = ["A"]\ncondition = "x"', "condition must be one of same-shape, same-size"),
        ('[[overwrite]]\nkinds = ["A", "A"]', "which already has a rule"),
        ('views = ["A"]\n[[overwrite]]\nkinds = ["A"]', "views and overwrite both list kind 'A'"),
        ("[scratch]\nkind = 1", "unknown key 'scratch.kind'"),
        ("scratch = 1", "scratch must be a table"),
        ("[scratch.kinds]\nConv = -1", "scratch.kinds.Conv must be an integer of at least 0"),
        ('[scratch.operators]\nn = "1"', "scratch.operators.n must be an integer"),
        ("a = [", "not TOML"),
        ("a = " + "[" * 5000, "nested too deeply"),
        ("a." * 500_000 + "b = 1", "nested too deeply"),  # took minutes
        ('["a"' + " . 'a'" * 500_000 + "]", "nested too deeply"),
        ('"a b"' + '."a b"' * 500_000 + " = 1", "nested too deeply"),
        ("a" + """.'a b'.c."\\" d" """ * 200_000 + " = 1", "nested too deeply"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "npu.toml"
    path.write_text(text)
    with pytest.raises(TargetError) as raised:
        load_target(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_unknown_names_list_the_shipped_ones() -> None:
    with pytest.raises(TargetError, match="no target is called 'npu'; there are default, executorch"):
        load_target("npu")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"npu\.toml: cannot be read as a target: No such file"):
        load_target(tmp_path / "npu.toml")
    (tmp_path / "latin.toml").write_bytes(b"# \xe9")
    with pytest.raises(TargetError, match="not UTF-8"):
        load_target(tmp_path / "latin.toml")


def test_the_name_of_a_shipped_target_means_its_rules() -> None:
    shipped = load_target("none")
    assert parse_target("none", {"overwrite_inputs": False}, "here") == replace(
        shipped, data={"overwrite_inputs": False}
    )
    words = "^here: hmcos ships a target called 'none', whose overwrite differs from this one's; give"
    with pytest.raises(TargetError, match=words):
        parse_target("none", {"overwrite_inputs": False, "overwrite": [{"kinds": ["Relu"]}]}, "here")
    assert parse_target("mine", {"overwrite": [{"kinds": ["Relu"]}]}, "here").name == "mine"
    scratch = {"scratch": {"operators": {"stem": 64}}}
    with pytest.raises(TargetError, match="scratch_of_operator differs from this one's"):
        parse_target("none", {"overwrite_inputs": False, **scratch}, "here")
    tflm = load_target("tflm")
    assert parse_target("tflm", {**tflm.data, **scratch}, "here").scratch_of_operator == {"stem": 64}
    with pytest.raises(TargetError, match="alignment differs from this one's"):
        parse_target("tflm", {**tflm.data, "alignment": 8}, "here")


def test_a_file_of_ones_own_is_never_called_like_a_shipped_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("none", "none.toml"):
        (tmp_path / name).write_text("alignment = 64\n")
    assert load_target("none").alignment == 1
    for name in ("none.toml", "./none", tmp_path / "none"):
        assert (load_target(name).alignment, load_target(name).name) == (64, str(name))


def test_a_target_that_only_borrows_a_name_is_not_searched_for() -> None:
    liar = replace(load_target("none"), overwrite_inputs=True)
    with pytest.raises(TargetError, match="give this one a name of its own"):
        chosen_target(liar)
    assert chosen_target(replace(liar, name="mine")).name == "mine"
