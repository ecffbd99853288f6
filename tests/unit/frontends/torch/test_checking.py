"""What a file may make torch evaluate."""

from __future__ import annotations

from typing import Any

import pytest

from hmcos.errors import ModelError
from hmcos.frontends.torch.checking import check_expression, check_target, cleaned


@pytest.mark.parametrize(
    "text",
    [
        "s77",
        "2*s77 + 1",
        "FloorDiv(s0, 2)",
        "Max(1, s0) - Mod(s1, 4)",
        "Add(Mul(Integer(72), Symbol('u0', integer=True)), Integer(-72))",
        "s0**2",
        "Pow(Symbol('s0', integer=True), Integer(2))",
    ],
)
def test_sizes_are_expressions_of_symbols(text: str) -> None:
    check_expression(text)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "s0.__class__",
        "().__class__.__bases__[0].__subclasses__()",
        "open('x')",
        "Symbol('__import__')",
        "[s0 for s0 in (1,)]",
        "lambda: 1",
        "f'{s0}'",
        "9**9**9**9",
        "Pow(Pow(Integer(9), Integer(16)), Integer(16))",
        "(9**16)**16",
        "s0 +",
        "Symbol('s0', **{})",
        "1" * 40,
        "(" * 5000 + "1" + ")" * 5000,
        "1+" * 6000 + "1",
        "+".join(["s0"] * 2_000),
        f"Max({','.join(f's{number}' for number in range(13))})",
        f"{'Min(' * 13}s0{',s1)' * 13}",
        7,
        None,
    ],
)
def test_other_code_is_no_size(text: object) -> None:
    with pytest.raises(ModelError, match="has a size"):
        check_expression(text)


@pytest.mark.parametrize(
    "target",
    [
        "torch.ops.aten.add.Tensor",
        "torch.ops.higher_order.cond",
        "torch.ops.profiler._record_function_enter_new.default",
        "_operator.add",
        "torch.sym_max",
        "math.floor",
    ],
)
def test_operators_may_be_called(target: str) -> None:
    check_target(target)


@pytest.mark.parametrize(
    "target",
    [
        "torch.load",
        "torch.os.system",
        "torch.hub.load",
        "torch.ops.load_library",
        "torch.ops.load_library.__call__",
        "torch.ops.aten.from_file.default",
        "torch.ops.image.write_file.default",
        "torch.ops.debugprims.load_tensor.default",
        "torch.ops.aten._print.default",
        "torch.ops.aten.add.__class__",
        "_operator.attrgetter",
        "_operator.methodcaller",
        "math.__loader__",
        "#extension",
        "os.system",
        "torch.ops.aten.add.Tensor.decompose",
    ],
)
def test_nothing_else_may_be_called(target: str) -> None:
    with pytest.raises(ModelError, match="no operator that hmcos lets a file call"):
        check_target(target)


def graph(**node: Any) -> dict[str, Any]:
    return {"graph_module": {"graph": {"nodes": [node]}, "module_call_graph": [{"signature": "s"}]}}


def test_what_torch_would_compile_or_import_is_left_out() -> None:
    metadata = {"stack_trace": "line 1", "source_fn_stack": "a,torch.os.system", "custom": "{}"}
    source: dict[str, Any] = {
        **graph(target="torch.ops.aten.add.Tensor", metadata=metadata),
        "guards_code": ["evil()"],
    }
    kept = cleaned(source)
    assert kept["guards_code"] == [] and kept["graph_module"]["module_call_graph"] == []
    assert kept["graph_module"]["graph"]["nodes"][0]["metadata"] == {"stack_trace": "line 1"}
    assert source["guards_code"] == ["evil()"], "the source is not changed"


def test_code_in_a_nested_graph_is_found() -> None:
    inner = {"as_graph": {"graph": {"nodes": [{"target": "torch.os.system"}]}}}
    with pytest.raises(ModelError, match=r"os\.system"):
        cleaned(graph(target="torch.ops.higher_order.cond", inputs=[{"arg": inner}]))


def test_objects_of_other_classes_are_refused() -> None:
    with pytest.raises(ModelError, match=r"unpickled; load it with torch.export.load"):
        cleaned(graph(inputs=[{"arg": {"as_custom_obj": {"name": "x", "class_fqn": "y"}}}]))


def test_ranges_of_expressions_are_not_needed() -> None:
    source: dict[str, Any] = {**graph(), "range_constraints": {"s0": {}, "2*s0": {}, "__import__('os')": {}}}
    assert list(cleaned(source)["range_constraints"]) == ["s0"]
