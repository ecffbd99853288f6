"""Small valid files to damage: models of three formats, plans of them, lives and targets."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module, resources
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import onnx
from onnx import numpy_helper, parser

import hmcos
from hmcos.memory.instance import write_instance

HEAD = '<ir_version: 8, opset_import: ["" : 17]>'
NETWORKS = {
    "fan": """net (float[2,4] x) => (float[2,4] y) {
        a = Relu(x) b = Exp(x) c = Neg(a) d = Add(c, b) y = Mul(d, a) }""",
    "views": """net (float[2,8] x) => (float[4,2] y, float[2,4] z)
        <int64[2] s = {4, 2}, int64[2] q = {4, 4}> {
        a, b = Split<axis = 1>(x, q) c = Reshape(a, s) d = Transpose<perm = [1, 0]>(c) e = Transpose(d)
        y = Sigmoid(e) z = Concat<axis = 1>(b) }""",
    "weights": """net (float[2,4] x) => (float[2,3] y) <float[4,3] w = {1,2,3,4,5,6,7,8,9,10,11,12}> {
        a = MatMul(x, w) b = Relu(a) c = Tanh(a) y = Add(b, c) }""",
    "branches": """net (float[2,4] x, bool k) => (float[2,4] y) { a = Exp(x)
        b = If(k) <then_branch = yes () => (float[2,4] t) { u = Neg(a) t = Relu(u) },
                   else_branch = no () => (float[2,4] t) { v = Abs(a) w = Sqrt(v) t = Add(w, v) }>
        y = Add(b, a) }""",
}
LIVES = {
    "plain": "id,lower,upper,size\na,0,3,10\nb,1,4,20\nc,2,6,7\nd,4,9,30\ne,5,7,1\n",
    "all columns": """id,lower,upper,size,alignment,gaps
a,0,9,16,8,2-4 5-7
b,1,4,20,,
c,2,6,7,4,
d,4,9,30,1,5-6
""",
}


@dataclass(frozen=True)
class Base:
    """A file to damage, and the files beside it."""

    name: str
    """Of the file."""
    content: bytes
    beside: dict[str, bytes] = field(default_factory=dict[str, bytes])


def bases(kind: str) -> list[Base]:
    """Return the files of a kind: onnx, tflite, pt2, plan, csv or toml."""
    return {"onnx": _onnx, "tflite": _tflite, "pt2": _pt2, "plan": _plans, "csv": _csv, "toml": _toml}[kind]()


def _onnx() -> list[Base]:
    found = [Base("model.onnx", _network(name)) for name in NETWORKS]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        model = onnx.load_from_string(_network("weights"))
        for tensor in model.graph.initializer:  # only raw data can be put into a file
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor), tensor.name))
        cast(Any, onnx).save(
            model, path, save_as_external_data=True, location="weights.bin", size_threshold=0
        )
        beside = {"weights.bin": (Path(folder) / "weights.bin").read_bytes()}
        return [*found, Base("model.onnx", path.read_bytes(), beside)]


def _network(name: str) -> bytes:
    return parser.parse_model(f"{HEAD} {NETWORKS[name]}").SerializeToString()


def _pt2() -> list[Base]:
    """Return exported programs; those without notes about nodes are damaged elsewhere more often."""
    programs = import_module("exported_programs")
    files: list[bytes] = programs.files()
    return [Base("model.pt2", each) for each in (*files, *map(programs.without_notes, files))]


def _csv() -> list[Base]:
    return [Base("lives.csv", text.encode()) for text in LIVES.values()]


def _toml() -> list[Base]:
    targets = resources.files("hmcos.memory") / "targets"
    files = [(targets / f"{name}.toml").read_bytes() for name in ("default", "tflm", "onnxruntime")]
    return [Base("target.toml", file, {"model.onnx": _network("views")}) for file in files]


def _plans() -> list[Base]:
    """Return plans of a problem, of models with and without bodies, and of a TensorFlow Lite model."""
    with TemporaryDirectory() as folder:
        problem = write_instance(hmcos.lower(onnx.load_from_string(_network("fan")))).encode()
        sources = [
            ("model.json", problem),
            ("model.onnx", _network("fan")),
            ("model.onnx", _network("branches")),
            ("model.tflite", _tflite()[0].content),
        ]
        found: list[Base] = []
        for number, (name, content) in enumerate(sources):
            path = Path(folder) / str(number) / name
            path.parent.mkdir()
            path.write_bytes(content)
            hmcos.schedule(path, output=path.parent / "out")
            made = {f"out/{file.name}": file.read_bytes() for file in (path.parent / "out").iterdir()}
            found.append(Base("out/plan.json", made.pop("out/plan.json"), {name: content} | made))
        return [found[0], *found]  # what is not run is checked quickly: more of it


def _tflite() -> list[Base]:
    return [
        Base("model.tflite", content) for content in (_sketch(), _sketch(offsets=True), _sketch(branches=2))
    ]


def _sketch(branches: int = 0, offsets: bool = False) -> bytes:
    """Return a network of additions, with an IF, and with a table of offsets."""
    schema: Any = import_module("ai_edge_litert.schema_py_generated")
    flatbuffers: Any = schema.flatbuffers
    kinds = [schema.OperatorCodeT(kind, builtinCode=kind) for kind in (0, schema.BuiltinOperator.IF)]
    graphs = [_subgraph(schema, branches if number == 0 else 0) for number in range(1 + branches)]
    model = schema.ModelT(version=3, operatorCodes=kinds, subgraphs=graphs, description="a base")
    model.buffers = [schema.BufferT(), schema.BufferT(list(range(16)))]
    model.metadata = [schema.MetadataT("labels", 0)]
    if offsets:
        words = [1, 0, len(graphs[0].tensors), 16, *[-1] * (len(graphs[0].tensors) - 1)]
        data = b"".join(word.to_bytes(4, "little", signed=True) for word in words)
        model.buffers.append(schema.BufferT(list(data)))
        model.metadata.append(schema.MetadataT("OfflineMemoryAllocation", 2))
    builder = flatbuffers.Builder(4096)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _subgraph(schema: Any, branches: int) -> Any:
    def tensor(name: str, buffer: int = 0, element: int = 0) -> Any:
        shape = [1] if element else [1, 4]
        return schema.TensorT(shape=shape, type=element, buffer=buffer, name=name)

    def add(inputs: list[int], output: int) -> Any:
        kind = schema.BuiltinOptions.AddOptions
        return schema.OperatorT(
            inputs=inputs, outputs=[output], builtinOptionsType=kind, builtinOptions=schema.AddOptionsT()
        )

    tensors = [tensor("x"), tensor("w", 1), tensor("a"), tensor("b"), tensor("c"), tensor("y")]
    operators = [add([0, 1], 2), add([0, 0], 3), add([2, 2], 4), add([3, 4], 5)]
    inputs, outputs = [0], [5]
    if branches:
        tensors += [tensor("k", element=schema.TensorType.BOOL), tensor("z")]
        chosen = schema.OperatorT(opcodeIndex=1, inputs=[6, 5], outputs=[7])
        chosen.builtinOptionsType = schema.BuiltinOptions.IfOptions
        chosen.builtinOptions = schema.IfOptionsT(thenSubgraphIndex=1, elseSubgraphIndex=2)
        operators.append(chosen)
        inputs, outputs = [6, 0], [7]
    return schema.SubGraphT(tensors=tensors, inputs=inputs, outputs=outputs, operators=operators, name="main")
