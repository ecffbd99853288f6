"""The types that operators of onnxruntime-extensions make: texts, tokens, images and sounds.

How long a text is in tokens, or how wide an image, only a run knows. Such a size is unknown until it is bound
or declared in the file; it counts as a bound then, for all outputs of the operator that have it. Each rule is
that of the kind's implementation in onnxruntime-extensions 0.15.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from onnx import TensorProto

from hmcos.frontends.onnx.elements import NUMBERS
from hmcos.frontends.onnx.types import ValueType

if TYPE_CHECKING:
    from hmcos.frontends.onnx.walking import Step

EXTENSION_DOMAINS = frozenset(("ai.onnx.contrib", "com.microsoft.extensions"))

_TOKENS = "int64[...,length] int64[...,length] int64[...,length,2]"
_WORDS = "string[words] int64[words] int64[words] int64[texts+1]"
_MADE: Mapping[str, str] = {
    "AudioDecoder": "float32[1,samples] int64[1]",
    "BasicTokenizer": "string[words]",
    "BertTokenizer": "int64[tokens] int64[tokens] int64[tokens] int64[tokens,2]",
    "BlingFireSentenceBreaker": "string[sentences]",
    "CLIPTokenizer": _TOKENS,
    "DecodeImage": "uint8[rows,columns,3]",
    "DrawBoundingBoxes": "uint8[...]",
    "EncodeImage": "uint8[bytes]",
    "GPT2Tokenizer": _TOKENS,
    "GaussianBlur": "float32[...]",
    "HfBertTokenizer": "int64[1,tokens] int64[1,tokens] int64[1,tokens] int64[tokens,2]",
    "HfJsonTokenizer": _TOKENS,
    "ImageDecoder": "uint8[rows,columns,3]",
    "ImageReader": "uint8[1,rows,columns,3]",
    "Inverse": "float32[...]",
    "MaskedFill": "string[some]",
    "MergeSignalSegments": "int64[first,2]",
    "NegPos": "float32[...] float32[...]",
    "RaggedTensorToDense": "int64[offsets-1,values]",
    "RaggedTensorToSparse": "int64[values of rows,2] int64[2]",
    "RobertaTokenizer": _TOKENS,
    "SegmentExtraction": "int64[some,2] int64[some]",
    "SegmentSum": "float32[segments,rest]",
    "SentencepieceDecoder": "string[1]",
    "SentencepieceTokenizer": "int32[tokens] int64[texts+1] int32[tokens]",
    "SplitSignalSegments": "int64[segments,2]",
    "SpmTokenizer": _TOKENS,
    "StftNorm": "float32[1,frequencies,frames]",
    "StringConcat": "string[...]",
    "StringECMARegexReplace": "string[...]",
    "StringECMARegexSplitWithOffsets": _WORDS,
    "StringLength": "int64[...]",
    "StringLower": "string[...]",
    "StringMapping": "string[...]",
    "StringRaggedTensorToDense": "string[offsets-1,columns]",
    "StringRegexReplace": "string[...]",
    "StringRegexSplitWithOffsets": _WORDS,
    "StringSplit": "int64[words,2] string[words] int64[2]",
    "StringStrip": "string[...]",
    "StringToHashBucket": "int64[...]",
    "StringToHashBucketFast": "int64[...]",
    "StringToVector": "int64[...,vector]",
    "StringUpper": "string[...]",
    "TrieTokenizer": "int64[...,tokens]",
    "WordpieceTokenizer": "string[tokens] int64[ends] int64[rows] int64[rows]",
}
"""Kind to what it makes: `...` is the shape of its first input, `rest` that without the first axis; a name is
a size that `_KNOWN` knows or that depends on data."""

_PART = re.compile(r"(\w+)\[([^\]]*)\]")


def types(step: Step) -> list[ValueType]:
    """Return the types of the outputs of an operator; [] if its kind has no rule, or too little is known."""
    if not step.reads_tensors:
        return []
    special = _SPECIAL.get(step.node.op_type)
    if special is not None:
        return special(step) if step.type_of(0).is_known else []
    return _Sizes(step).types(_MADE.get(step.node.op_type, ""))


class _Sizes:
    """The sizes that an operator makes; those that depend on data are stated once for all outputs."""

    def __init__(self, step: Step) -> None:
        self._step = step
        self._found: dict[str, int | None] = {}

    def types(self, template: str) -> list[ValueType]:
        first = self._step.type_of(0)
        parts = [(NUMBERS[element][0], words.split(",")) for element, words in _PART.findall(template)]
        if not first.is_known and any("..." in words or "rest" in words for _, words in parts):
            return []
        front = {"...": first.shape or (), "rest": (first.shape or ())[1:]}
        for name, (_, words) in zip(self._step.node.output, parts, strict=False):
            sizes = [word for each in words for word in front.get(each, [each])]
            self._learn(name, sizes)
        made: list[ValueType] = []
        for element, words in parts:
            shape: list[int | str | None] = []
            for word in words:
                shape += front[word] if word in front else [self._size(word)]
            made.append(ValueType(element, tuple(shape)))
        return made

    def _learn(self, name: str, sizes: list[int | str | None]) -> None:
        """Find the sizes that are bound or declared for an output."""
        stated = self._step.stated(name, len(sizes)) if name else ()
        for word, size in zip(sizes, stated, strict=False):
            if isinstance(word, str) and size is not None and self._found.get(word) is None:
                self._found[word] = size

    def _size(self, word: str) -> int | None:
        if word.isdecimal():
            return int(word)
        known = _KNOWN.get(word)
        size = None if known is None else known(self._step)
        return self._found.get(word) if size is None else size


def _elements(place: int, more: int = 0) -> Callable[[Step], int | None]:
    def size(step: Step) -> int | None:
        value = step.type_of(place)
        if not value.is_known:
            return None
        found = max(value.elements + more, 0)
        return step.walk.at_most(found) if value.bounds else found

    return size


def _at_most(place: int) -> Callable[[Step], int | None]:
    def size(step: Step) -> int | None:
        value = step.type_of(place)
        return step.walk.at_most(value.elements) if value.is_known else None

    return size


def _first(step: Step) -> int | None:
    """Return the bound of what is merged: no more than there are."""
    value = step.type_of(0)
    return step.walk.at_most(value.sizes[0]) if value.is_known and value.sizes else None


def _length(step: Step) -> int | None:
    """Return to which length tokens are padded; None if that is the longest text's."""
    length = step.attribute("padding_length", -1)
    return length if length > 0 else None


def _vector(step: Step) -> int | None:
    """Return how many numbers belong to a text in the attribute `map`, whose lines are text, tab, numbers."""
    table = next((a.s for a in step.node.attribute if a.name == "map"), b"")
    _, tab, numbers = table.partition(b"\n")[0].partition(b"\t")
    return len(numbers.split()) if tab else None


_KNOWN: Mapping[str, Callable[[Step], int | None]] = {
    "first": _first,
    "length": _length,
    "offsets-1": _elements(3, -1),
    "some": _at_most(0),
    "texts+1": _elements(0, 1),
    "values": _at_most(1),
    "vector": _vector,
}
"""Sizes that follow from inputs and attributes."""


def _joined(step: Step) -> list[ValueType]:
    """StringJoin: one text for each place on the other axes."""
    sizes, axis = step.type_of(0).sizes, step.number_of(2)
    if len(sizes) < 2:
        return [ValueType(TensorProto.STRING, (1,))]
    if axis is None or not 0 <= axis < len(sizes):
        return []
    return [ValueType(TensorProto.STRING, sizes[:axis] + sizes[axis + 1 :])]


def _detokenized(step: Step) -> list[ValueType]:
    return [ValueType(TensorProto.STRING, step.type_of(0).sizes[:-1] or (1,))]


def _decoded(step: Step) -> list[ValueType]:
    """BertTokenizerDecoder: one text, or one for each pair of positions."""
    positions = step.type_of(1)
    if not step.attribute("use_indices", 0):
        return [ValueType(TensorProto.STRING, (1,))]
    known = positions.is_known and len(positions.sizes) == 2
    return [ValueType(TensorProto.STRING, positions.sizes[:1])] if known else []


def _named(step: Step) -> list[ValueType]:
    """VectorToString: one text for each vector."""
    sizes, each = step.type_of(0).sizes, _vector(step)
    if each is None:
        return []
    return [ValueType(TensorProto.STRING, sizes if each == 1 and len(sizes) < 2 else sizes[:-1])]


def _compared(step: Step) -> list[ValueType]:
    """StringEqual: the shape of the larger one."""
    one, other = step.type_of(0), step.type_of(1)
    if not other.is_known or one.bounds or other.bounds:
        return []
    return [ValueType(TensorProto.BOOL, (one if one.elements >= other.elements else other).shape)]


_SPECIAL: Mapping[str, Callable[[Step], list[ValueType]]] = {
    "BertTokenizerDecoder": _decoded,
    "BpeDecoder": _detokenized,
    "StringEqual": _compared,
    "StringJoin": _joined,
    "TrieDetokenizer": _detokenized,
    "VectorToString": _named,
}
