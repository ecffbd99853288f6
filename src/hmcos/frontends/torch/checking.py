"""Check the JSON of a graph before torch reads it: torch evaluates some of its strings as Python code.

torch passes expressions of sizes to `sympy.sympify`, which calls `eval`, looks up operators by attributes
of the module torch, imports modules that a signature names, and compiles guards. hmcos gives torch
expressions of sizes that consist of numbers, symbols and known functions, operators of `torch.ops` and of
arithmetic, and leaves everything else out.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any, cast

from hmcos.errors import ModelError
from hmcos.frontends.torch.archive import WAY_OUT

_SYMBOL = re.compile(r"[a-z]{1,5}[0-9]{1,6}")
_OPERATOR = re.compile(
    r"torch\.ops\.[A-Za-z0-9][A-Za-z0-9_]*\.[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?"
)
_ARITHMETIC = re.compile(
    r"_operator\.(add|sub|mul|truediv|floordiv|mod|neg|pos|pow|eq|ne|lt|le|gt|ge|and_|or_|not_|abs|lshift|rshift)"
    r"|math\.(ceil|floor|trunc|sqrt|pow)"
    r"|torch\.(sym_(int|float|not|max|min|ite|sum|sqrt|fresh_size)|_sym_[a-z0-9]+)"
)
_FORBIDDEN = ("load_library", "import_module", "load_tensor", "_print")
"""Names of functions of torch.ops that are no operators, and of operators that read a store of tensors or
write to the terminal."""
_FUNCTIONS = frozenset(
    {
        "FloorDiv", "ModularIndexing", "Where", "PythonMod", "Mod", "CleanDiv", "CeilToInt",
        "FloorToInt", "CeilDiv", "LShift", "RShift", "PowByNatural", "FloatPow", "FloatTrueDiv",
        "IntTrueDiv", "TruncToFloat", "TruncToInt", "RoundToInt", "RoundDecimal", "ToFloat", "Identity",
        "Max", "Min", "Pow", "floor", "ceiling", "Abs", "IsNonOverlappingAndDenseIndicator", "Eq", "Ne",
        "And", "Or", "Not", "Piecewise", "Add", "Mul", "Integer", "Symbol", "StrictLessThan",
        "LessThan", "StrictGreaterThan", "GreaterThan",
    }
)  # fmt: skip
"""Functions and classes of sympy and torch that compute sizes."""
_CONSTANTS = frozenset({"oo", "int_oo", "True", "False", "true", "false"})
_LONGEST = 4_000
"""Most characters of an expression."""
_MOST_COMPARED = 12
"""Most arguments of Max and Min in an expression: the time that sympy takes grows steeply with them."""
_LARGEST_POWER = 16
_SAFE = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod,
    ast.Pow, ast.USub, ast.UAdd, ast.Load, ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE,
    ast.Tuple,
)  # fmt: skip


def cleaned(graph: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON of a graph without what torch would run and hmcos does not need.

    Of what nodes say of themselves, only the path of the module and the lines of the source stay.

    Raises:
        ModelError: a part that hmcos needs is not safe to read, or missing.
    """
    module = graph.get("graph_module")
    if not isinstance(module, dict):
        raise ModelError("holds no graph_module")
    kept: dict[str, Any] = {
        **cast("dict[str, Any]", module),
        "module_call_graph": [],
        "metadata": {},
        "treespec_namedtuple_fields": {},
    }
    _check(kept)
    ranges = graph.get("range_constraints", {})
    if not isinstance(ranges, dict):
        raise ModelError("its range_constraints are no JSON object")
    # There are ranges of expressions, too, which follow from those of symbols.
    limits = {name: each for name, each in cast("dict[str, Any]", ranges).items() if _SYMBOL.fullmatch(name)}
    return {**graph, "graph_module": _without_metadata(kept), "guards_code": [], "range_constraints": limits}


def _check(value: object) -> None:
    for key, content in _entries(value):
        if key == "expr_str":
            check_expression(content)
        elif key in ("target", "as_operator") and isinstance(content, str):
            check_target(content)
        elif key in ("as_custom_obj", "custom_obj") and content is not None:
            raise ModelError(
                f"holds an object of a class of its own, which would have to be unpickled; {WAY_OUT}"
            )


def _entries(value: object) -> Iterator[tuple[str, object]]:
    """Yield the entries of all objects in a JSON value, except those about nodes that are dropped."""
    open_values: list[object] = [value]
    while open_values:
        here = open_values.pop()
        if isinstance(here, list):
            open_values += cast("list[object]", here)
        elif isinstance(here, dict):
            for key, content in cast("dict[str, object]", here).items():
                if key == "metadata":
                    continue
                yield key, content
                open_values.append(content)


def _without_metadata(value: Any) -> Any:
    """Return a JSON value in which nodes say only where they come from; recurses as deep as JSON is read."""
    if isinstance(value, list):
        return [_without_metadata(item) for item in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    made: dict[str, Any] = {}
    for key, content in cast("dict[str, Any]", value).items():
        if key == "metadata" and isinstance(content, dict):
            told = cast("dict[str, Any]", content)
            made[key] = {
                name: told[name]
                for name in ("stack_trace", "nn_module_stack")
                if isinstance(told.get(name), str)
            }
        else:
            made[key] = _without_metadata(content)
    return made


def check_target(target: str) -> None:
    """Check that the target of a node is an operator, or arithmetic with sizes.

    Raises:
        ModelError: it is something else.
    """
    names = target.split(".")
    known = _OPERATOR.fullmatch(target) or _ARITHMETIC.fullmatch(target)
    opens = any("file" in name.split("_") for name in names)  # aten::from_file, image::write_file, ...
    if known is None or opens or any(name in _FORBIDDEN or name.startswith("__") for name in names):
        raise ModelError(f"calls {target!r}, which is no operator that hmcos lets a file call; {WAY_OUT}")


def check_expression(text: object) -> None:
    """Check that an expression of a size consists of numbers, symbols and known functions.

    Raises:
        ModelError: it does not, or is too long.
    """
    if not isinstance(text, str) or len(text) > _LONGEST:
        raise ModelError("has a size that is no short expression")
    try:
        tree = ast.parse(text.strip(), mode="eval")
        safe = all(_is_safe(part) for part in ast.walk(tree)) and _compared(tree) <= _MOST_COMPARED
    except (SyntaxError, RecursionError, MemoryError, ValueError):
        safe = False
    if not safe:
        raise ModelError(f"has a size {text!r} that is no expression of numbers and symbols")


def _is_safe(part: ast.AST) -> bool:
    if isinstance(part, ast.Constant):
        return _is_safe_constant(part.value)
    if isinstance(part, ast.Call):
        known = isinstance(part.func, ast.Name) and part.func.id in _FUNCTIONS
        power = isinstance(part.func, ast.Name) and part.func.id == "Pow"
        return known and (not power or (len(part.args) == 2 and _is_small_power(part.args[0], part.args[1])))
    if isinstance(part, ast.keyword):  # of Symbol('s0', integer=True)
        return isinstance(part.value, ast.Constant) and isinstance(part.value.value, bool)
    if isinstance(part, ast.Name):
        return part.id in _FUNCTIONS | _CONSTANTS or _SYMBOL.fullmatch(part.id) is not None
    if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Pow):
        return _is_small_power(part.left, part.right)
    return isinstance(part, _SAFE)


def _compared(tree: ast.AST) -> int:
    """Return how many arguments all Max and Min of an expression have."""
    calls = [part for part in ast.walk(tree) if isinstance(part, ast.Call)]
    return sum(len(call.args) for call in calls if getattr(call.func, "id", "") in ("Max", "Min"))


def _is_safe_constant(value: object) -> bool:
    if isinstance(value, str):  # the name in Symbol('s0')
        return _SYMBOL.fullmatch(value) is not None
    return isinstance(value, int | float) and abs(value) < 2**63


def _is_small_power(base: ast.AST, power: ast.AST) -> bool:
    """Return whether a power takes no time to compute: the exponent is small, and the base has no powers."""
    exponents = [part.value for part in ast.walk(power) if isinstance(part, ast.Constant)]
    within = [
        part for part in ast.walk(base) if isinstance(part, ast.Pow) or getattr(part, "id", "") == "Pow"
    ]
    return len(exponents) == 1 and exponents[0] in range(_LARGEST_POWER + 1) and not within
