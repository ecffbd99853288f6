"""The types that operators of classical machine learning (domain ai.onnx.ml) make.

Each rule is that of the kind's schema in onnx, which itself infers few of them; the tests compare it with
what ONNX Runtime makes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from onnx import AttributeProto, TensorProto

from hmcos.frontends.onnx.runtime_kinds import bounds_kept
from hmcos.frontends.onnx.sequences import MOST_PARTS
from hmcos.frontends.onnx.types import UNKNOWN, ValueType

if TYPE_CHECKING:
    from hmcos.frontends.onnx.walking import Step

Rule = Callable[["Step"], list[ValueType]]
FLOAT, INT64, STRING = TensorProto.FLOAT, TensorProto.INT64, TensorProto.STRING


def types(step: Step) -> list[ValueType]:
    """Return the types of the outputs of an operator: by its rule, or as onnx infers them."""
    rule = _RULES.get(step.node.op_type)
    reads = {value.kind for value in step.reads().values()}
    found = [] if rule is None or not reads <= {"tensor", "map"} else bounds_kept(step, rule(step))
    inferred = step.inferred()
    return [
        found[place] if place < len(found) and found[place].is_known else value
        for place, value in enumerate(inferred)
    ]


def _attributes(step: Step) -> dict[str, AttributeProto]:
    return {attribute.name: attribute for attribute in step.node.attribute}


def _rows(step: Step) -> tuple[int, int] | None:
    """Return the numbers of rows and columns of the first input; a vector is one row."""
    first = step.type_of(0)
    if not first.is_known or first.parts is not None or not 1 <= len(first.sizes) <= 2:
        return None
    return (first.sizes[0], first.sizes[1]) if len(first.sizes) == 2 else (1, first.sizes[0])


def _floats(step: Step) -> list[ValueType]:
    first = step.type_of(0)
    return [ValueType(FLOAT, first.shape)] if first.is_known else []


def _alike(step: Step) -> list[ValueType]:
    return [step.type_of(0)]


def _joined(step: Step) -> list[ValueType]:
    """FeatureVectorizer: as many columns as its inputs have together."""
    parts = [step.type_of(place) for place in range(len(step.node.input))]
    if not parts or not all(part.is_known and 1 <= len(part.sizes) <= 2 for part in parts):
        return []
    wanted = list(_attributes(step)["inputdimensions"].ints) if "inputdimensions" in _attributes(step) else []
    wide = sum(wanted) if wanted else sum(part.sizes[-1] for part in parts)
    return [ValueType(FLOAT, (parts[0].sizes[0] if len(parts[0].sizes) == 2 else 1, wide))]


def _picked(step: Step) -> list[ValueType]:
    """ArrayFeatureExtractor: some columns of the last axis."""
    first, numbers = step.type_of(0), step.type_of(1)
    if not first.is_known or not numbers.is_known:
        return []
    before = first.sizes[:-1] if len(first.sizes) > 1 else (1,)
    return [ValueType(first.element, (*before, numbers.elements))]


def _labels(step: Step) -> tuple[int, int] | None:
    """Return the element type and the number of the classes of a classifier; None without labels."""
    given = _attributes(step)
    for name, element in (
        ("classlabels_strings", STRING),
        ("classlabels_int64s", INT64),
        ("classlabels_ints", INT64),
    ):
        if name in given and (many := len(given[name].strings) or len(given[name].ints)):
            return element, many
    return None


def _classified(step: Step) -> list[ValueType]:
    """Classifiers: a label per row, and a score per row and class; two for one label."""
    rows, labels = _rows(step), _labels(step)
    if rows is None or labels is None:
        return []
    element, many = labels
    return [ValueType(element, (rows[0],)), ValueType(FLOAT, (rows[0], max(many, 2)))]


def _vector_classified(step: Step) -> list[ValueType]:
    """SVMClassifier: scores of pairs of classes, unless it has probabilities or is linear."""
    rows, labels = _rows(step), _labels(step)
    if rows is None or labels is None:
        return []
    given, (element, many) = _attributes(step), labels
    vectors = "vectors_per_class" in given and len(given["vectors_per_class"].ints) > 0
    apart = vectors and not ("prob_a" in given and given["prob_a"].floats) and many > 2
    scores = many * (many - 1) // 2 if apart else max(many, 2)
    return [ValueType(element, (rows[0],)), ValueType(FLOAT, (rows[0], scores))]


def _regressed(step: Step) -> list[ValueType]:
    rows, given = _rows(step), _attributes(step)
    if rows is None:
        return []
    targets = next((given[name].i for name in ("n_targets", "targets") if name in given), 1)
    element = step.type_of(0).element if step.node.op_type == "TreeEnsemble" else FLOAT
    return [ValueType(element, (rows[0], max(targets, 1)))]


def _single(step: Step) -> list[ValueType]:
    rows = _rows(step)
    return [] if rows is None else [ValueType(FLOAT, (rows[0], 1))]


def _mapped(step: Step) -> list[ValueType]:
    """LabelEncoder: another element per element; CategoryMapper: text to number or back."""
    first, given = step.type_of(0), _attributes(step)
    if not first.is_known:
        return []
    if step.node.op_type == "CategoryMapper" or "classes_strings" in given:
        return [ValueType(INT64 if first.element == STRING else STRING, first.shape)]
    for name, element in (("values_strings", STRING), ("values_int64s", INT64), ("values_floats", FLOAT)):
        if name in given:
            return [ValueType(element, first.shape)]
    if "values_tensor" in given:
        return [ValueType(given["values_tensor"].t.data_type, first.shape)]
    return []


def _encoded(step: Step) -> list[ValueType]:
    """OneHotEncoder: one axis more, as long as there are categories."""
    first, given = step.type_of(0), _attributes(step)
    many = max(
        (len(given[name].strings) or len(given[name].ints) for name in given if name.startswith("cats_")),
        default=0,
    )
    return [ValueType(FLOAT, (*first.sizes, many))] if first.is_known and many else []


def _zipped(step: Step) -> list[ValueType]:
    """ZipMap: a map per row, from label to score."""
    rows, labels = _rows(step), _labels(step)
    if rows is None or labels is None:
        return []
    key, many = labels
    if rows[0] > MOST_PARTS or step.type_of(0).bounds:
        return []
    each = ValueType(FLOAT, (many,), kind="map", key=key)
    return [ValueType(FLOAT, kind="sequence", parts=(each,) * rows[0], key=key)]


def _from_map(step: Step) -> list[ValueType]:
    """DictVectorizer and CastMap: a column per word that there is, whatever the map holds."""
    given = _attributes(step)
    for name in ("string_vocabulary", "int64_vocabulary"):
        if name in given:
            first = step.type_of(0)
            return [ValueType(first.element or FLOAT, (1, len(given[name].strings) or len(given[name].ints)))]
    if "max_map" in given and step.node.op_type == "CastMap":
        cast = given["cast_to"].s if "cast_to" in given else b"TO_FLOAT"
        element = {b"TO_STRING": STRING, b"TO_INT64": INT64}.get(cast, FLOAT)
        return [ValueType(element, (1, given["max_map"].i))] if given["max_map"].i > 0 else []
    return [UNKNOWN]


_RULES: dict[str, Rule] = {
    "ArrayFeatureExtractor": _picked,
    "Binarizer": _alike,
    "CastMap": _from_map,
    "CategoryMapper": _mapped,
    "DictVectorizer": _from_map,
    "FeatureVectorizer": _joined,
    "Imputer": _alike,
    "LabelEncoder": _mapped,
    "LinearClassifier": _classified,
    "LinearRegressor": _regressed,
    "Normalizer": _floats,
    "OneHotEncoder": _encoded,
    "SVMClassifier": _vector_classified,
    "SVMRegressor": _single,
    "Scaler": _floats,
    "TreeEnsemble": _regressed,
    "TreeEnsembleClassifier": _classified,
    "TreeEnsembleRegressor": _regressed,
    "ZipMap": _zipped,
}
"""Kind to the rule for the types of its outputs."""
