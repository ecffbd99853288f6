"""Make of an ONNX model the one that tiling begins with.

Sizes that operators compute at run time (Shape, Gather, Concat, ... before a Resize or a Reshape) become
constants, Pads disappear in the convolutions that read them, and sizes that were bound are fixed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import prod
from typing import cast

from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from hmcos.frontends.model import Model
from hmcos.frontends.onnx.body_graphs import bodies, free_names
from hmcos.frontends.onnx.broadcasting import broadcasting
from hmcos.frontends.onnx.dimensions import evaluate, symbols
from hmcos.frontends.onnx.elements import NUMBERS
from hmcos.frontends.onnx.folding import Array, values
from hmcos.frontends.onnx.given_values import keys_of
from hmcos.frontends.onnx.listing import listed
from hmcos.frontends.onnx.message_fields import copied, fresh_name, keep, names_used
from hmcos.frontends.onnx.nodes import nodes
from hmcos.frontends.onnx.padding import with_padding
from hmcos.frontends.onnx.reading import load
from hmcos.frontends.onnx.shapes import value_types
from hmcos.frontends.onnx.types import ValueType
from hmcos.frontends.prepared import Prepared, unchanged

Absorb = Callable[[NodeProto, NodeProto], NodeProto | None]
"""From a reader of an operator, and the operator, to what reads the operator's input instead; None if it
would not compute the same."""

IMAGE, SEQUENCE = 4, 3
"""Numbers of axes."""


def prepared(model: Model) -> Prepared:
    """Return the model that a tiling begins with; see `Format.prepared`."""
    nodes(model)  # refuses old models
    source = cast(ModelProto, model.proto)
    sizes = _Sizes(model, source)
    graph = _Graph(model, sizes)
    graph.fold()
    graph.resize()
    graph.absorb("Pad", lambda reader, pad: with_padding(reader, pad, graph.known, sizes.of, graph.made))
    graph.absorb("Expand", lambda reader, expand: broadcasting(reader, expand, (sizes.of, sizes.others)))
    graph.sweep()
    fixed = sizes.fixed
    if not fixed and not graph.is_changed:
        return unchanged(model)
    content = graph.written(source)
    _fix_sizes(content.graph, sizes.of, fixed)
    known = {tensor.name: tensor for tensor in model.graph.tensors if tensor.name and not tensor.is_parameter}
    found = load(content, {s: n for s, n in model.bind.items() if s not in fixed}, known)
    return Prepared(replace(found, path=model.path, data_files=model.data_files), graph.kept)


class _Sizes:
    """The sizes of all tensors, and which of them are the same whatever the free symbols are.

    The batch stays free: it is a symbol that stands only in front. Whatever changes with it is found by
    determining all sizes once more, for another batch.
    """

    def __init__(self, model: Model, source: ModelProto) -> None:
        self.of = {
            t.name: ValueType(NUMBERS[t.element][0], t.shape)
            for t in model.graph.tensors
            if t.name and t.element in NUMBERS and not t.at_most
        }
        self.others = self.of
        inputs = [value.type.tensor_type.shape.dim for value in source.graph.input]
        inner = symbols(d.dim_param for dims in inputs for d in dims[1:] if d.dim_param)
        given = {model.graph.tensors[t].name: value for t, value in model.graph.values}
        valued = keys_of(given, model.bind).difference(model.graph.symbols)
        free = {s: n for s, n in model.bind.items() if s not in inner and s not in valued}
        if free:
            bind = dict(model.bind) | {symbol: size + 1 for symbol, size in free.items()}
            self.others = (
                self.of | value_types(source, listed(source.graph), bind, {}, values=given).types[""]
            )
            if not all(self._is_steady(name) for name in self.of):
                free, self.others = {}, self.of
        self.fixed = {s: n for s, n in model.bind.items() if s not in free and s not in valued}
        """The symbols that the prepared model does not have any more, with their sizes."""

    def _is_steady(self, name: str) -> bool:
        """Return whether what may be cut of a tensor is the same whatever the batch is.

        These are rows and columns of images, and tokens of sequences.
        """
        one, other = self.of[name], self.others[name]
        if len(one.sizes) not in (IMAGE, SEQUENCE):
            return True
        end = None if len(one.sizes) == IMAGE else 2
        return (
            other.is_known and len(other.sizes) == len(one.sizes) and other.sizes[1:end] == one.sizes[1:end]
        )

    def factors(self, read: str, made: str) -> list[int] | None:
        """Return by how much one tensor is larger than another; None where it is by no fixed whole factor."""
        found: list[list[int]] = []
        for types in (self.of, self.others):
            both = [types.get(name) for name in (read, made)]
            if not all(each is not None and each.is_known and 0 not in each.sizes for each in both):
                return None
            inner, outer = (each.sizes for each in both if each is not None)
            if len(inner) != len(outer) or any(b % a for a, b in zip(inner, outer, strict=True)):
                return None
            found.append([b // a for a, b in zip(inner, outer, strict=True)])
        return found[0] if found[0] == found[1] else None


class _Graph:
    """The nodes of a model's main graph while they are changed."""

    def __init__(self, model: Model, sizes: _Sizes) -> None:
        self.source = cast(ModelProto, model.proto)
        self.operators, self.sizes = model.graph.operators, sizes
        self.nodes: list[NodeProto | None] = list(self.source.graph.node)
        self.is_changed = False
        self.is_parameter = {t.name: t.is_parameter for t in model.graph.tensors}
        self.computes_parameters = [model.graph.computes_parameters(op) for op in self.operators]
        self.outputs = {value.name for value in self.source.graph.output}
        self.captured = {n for node in self.source.graph.node for _, b in bodies(node) for n in free_names(b)}
        self.readers = Counter(name for node in self.source.graph.node for name in _read(node))
        self.readers.update(self.outputs)
        self.were_read = frozenset(self.readers)
        self.made = frozenset(name for node in self.source.graph.node for name in node.output)
        self.parameters: dict[str, TensorProto] = {}
        self.names = names_used(self.source.graph)
        known = values(self.source, sizes.of)
        others = known if sizes.others is sizes.of else values(self.source, sizes.others)
        self.known = {name: value for name, value in known.items() if _same(value, others.get(name))}

    @property
    def kept(self) -> tuple[int, ...]:
        """Numbers of the nodes that are left."""
        return tuple(number for number, node in enumerate(self.nodes) if node is not None)

    def put(self, number: int, node: NodeProto | None) -> None:
        """Replace a node, or remove it."""
        old = self.nodes[number]
        self.readers.subtract(() if old is None else _read(old))
        self.readers.update(() if node is None else _read(node))
        self.nodes[number] = node
        self.is_changed = True

    def fold(self) -> None:
        """Remove what computes values that are known."""
        for number, node in enumerate(self.source.graph.node):
            made = [name for name in node.output if name]
            is_run = not self.computes_parameters[number] and not self.operators[number].is_random
            if is_run and made and all(n in self.known and n not in self.outputs for n in made):
                self.put(number, None)
                self.parameters |= {name: numpy_helper.from_array(self.known[name], name) for name in made}

    def resize(self) -> None:
        """Let a Resize have constant factors where its sizes are computed from a batch that is not known."""
        for number, node in enumerate(self.nodes):
            if node is None or node.op_type != "Resize" or self.operators[number].domain:
                continue
            told = [name for name in node.input[2:] if name]
            modes = {a.name: a.s for a in node.attribute}
            plain = modes.get("coordinate_transformation_mode") != b"tf_crop_and_resize" and (
                modes.get("keep_aspect_ratio_policy", b"stretch") == b"stretch" and "axes" not in modes
            )
            if not plain or all(n in self.parameters or self.is_parameter.get(n, False) for n in told):
                continue
            factors = self.sizes.factors(node.input[0], node.output[0])
            if factors is not None:
                new = copied(node)
                del new.input[2:]
                new.input.append(self._parameter(factors))
                self.put(number, new)

    def _parameter(self, factors: list[int]) -> str:
        name = fresh_name("resize_factors", self.names)
        tensor = helper.make_tensor(name, TensorProto.FLOAT, [len(factors)], [float(f) for f in factors])
        self.parameters[name] = tensor
        return name

    def absorb(self, kind: str, changed: Absorb) -> None:
        """Remove operators of a kind of which all readers can do the work themselves."""
        read_by: dict[str, list[int]] = {}
        for number, node in enumerate(self.nodes):
            for name in () if node is None else dict.fromkeys(node.input):
                read_by.setdefault(name, []).append(number)
        for number in reversed(range(len(self.nodes))):
            node = self.nodes[number]
            if node is None or node.op_type != kind or self.operators[number].domain:
                continue
            made = node.output[0]
            readers = {i: reader for i in read_by.get(made, ()) if (reader := self.nodes[i]) is not None}
            new = {i: changed(reader, node) for i, reader in readers.items()}
            is_kept = made in self.outputs or made in self.captured or self.computes_parameters[number]
            if new and not is_kept and all(reader is not None for reader in new.values()):
                self.put(number, None)
                for i, reader in new.items():
                    self.put(i, reader)
                    read_by.setdefault(node.input[0], []).append(i)

    def sweep(self) -> None:
        """Remove what was read before and is no more."""
        for number in reversed(range(len(self.nodes))):
            node = self.nodes[number]
            made = [] if node is None else [name for name in node.output if name]
            was_read = any(name in self.were_read for name in made)
            if was_read and not any(self.readers[name] > 0 for name in made):
                self.put(number, None)

    def written(self, source: ModelProto) -> ModelProto:
        """Return the changed model."""
        copy = ModelProto()
        copy.CopyFrom(source)
        graph = copy.graph
        del graph.node[:]
        graph.node.extend(node for node in self.nodes if node is not None)
        used = [self.readers[t.name] > 0 or t.name not in self.were_read for t in graph.initializer]
        fed = {value.name for value in graph.input}
        keep(graph.initializer, [u or t.name in fed for u, t in zip(used, graph.initializer, strict=True)])
        graph.initializer.extend(t for name, t in self.parameters.items() if self.readers[name] > 0)
        if self.parameters:
            copy.ir_version = max(copy.ir_version, 4)  # before it, every parameter had to be an input
        made = {name for node in graph.node for name in node.output} | fed
        made |= {tensor.name for tensor in graph.initializer}
        keep(graph.value_info, [value.name in made for value in graph.value_info])
        keep(graph.quantization_annotation, [a.tensor_name in made for a in graph.quantization_annotation])
        return copy


def _read(node: NodeProto) -> set[str]:
    """Return the names that a node and its bodies read."""
    names = {name for name in node.input if name}
    return names.union(*(free_names(body) for _, body in bodies(node)))


def _same(value: Array, other: Array | None) -> bool:
    return (
        other is not None
        and value.dtype == other.dtype
        and value.shape == other.shape
        and value.tobytes() == other.tobytes()
    )


def _fix_sizes(graph: GraphProto, sizes: Mapping[str, ValueType], fixed: Mapping[str, int]) -> None:
    """Write the numbers of fixed symbols, and of rows and columns that outputs give names of their own."""
    for value in (*graph.input, *graph.output, *graph.value_info):
        dims = value.type.tensor_type.shape.dim
        known = sizes.get(value.name)
        for axis, dim in enumerate(dims):
            size = evaluate(dim.dim_param, fixed) if dim.dim_param else None
            named = bool(dim.dim_param) and bool(fixed) and axis >= 2 and len(dims) == IMAGE
            if size is None and named and known is not None and prod(known.sizes):
                size = known.sizes[axis]
            if size is not None:
                dim.dim_value = size
