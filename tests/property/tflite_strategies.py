"""Random TensorFlow Lite networks whose tensors and metadata share buffers in every way."""

from __future__ import annotations

from io import BytesIO
from random import Random
from struct import pack
from typing import Any
from zipfile import ZipFile

from hypothesis import strategies as st

from hmcos.frontends.tflite.offsets import NAME
from property.strategies import generators
from tflite_models import NUMPY, S, Sketch

WIDTH = 4
"""Numbers in every tensor but the choice of an IF."""
UNARY, BINARY = ("ABS", "NEG"), ("ADD", "MAXIMUM", "MINIMUM")
NAMES = (NAME, NAME, "labels", "", None, f"{NAME}\0", NAME.lower())


def networks() -> st.SearchStrategy[bytes]:
    """Files with branches, bodies and subgraphs that nothing runs; with tables of offsets, right and wrong,
    in buffers of their own and of others; with names that are missing and archives behind."""
    return st.builds(random_network, generators())


def random_network(rng: Random) -> bytes:
    """Return a file that LiteRT runs."""
    return _Growth(rng).grow()


class _Growth:
    """A file that grows by one subgraph, operator, buffer and metadata entry at a time."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.sketch = Sketch()
        self.buffers: list[Any] = self.sketch.model.buffers
        self.empty = [0]
        """Buffers without data, that tensors may name."""

    def grow(self) -> bytes:
        rng, model = self.rng, self.sketch.model
        if rng.random() < 0.3:
            self.buffers[0].data = []
        for _ in range(rng.choice((0, 1, 3))):
            self.new_buffer()
        self.weights = [self.new_buffer(16) for _ in range(rng.randint(1, 3))]
        branches = rng.choice((0, 0, 2))
        self.subgraph(branches)
        for _ in range(branches + rng.choice((0, 0, 1))):
            self.subgraph(0)
        for _ in range(rng.choice((0, 1, 1, 2, 3))):
            self.add_entry()
        if rng.random() < 0.3:
            model.metadataBuffer = [rng.randrange(len(self.buffers)) for _ in range(rng.randint(0, 2))]
        content = self.sketch.bytes()
        return content if rng.random() < 0.7 else _with_labels(content)

    def new_buffer(self, numbers: int = 0) -> int:
        """Return a new buffer: of so many numbers, or without data, of which there are two forms.

        LiteRT takes a tensor that names the second form for a constant of no bytes, unless it is buffer 0.
        """
        rng = self.rng
        data = NUMPY.array([rng.randint(-9, 9) for _ in range(numbers)], "float32").tobytes()
        self.buffers.append(S.BufferT(list(data) if data else rng.choice((None, []))))
        if self.buffers[-1].data is None:
            self.empty.append(len(self.buffers) - 1)
        return len(self.buffers) - 1

    def subgraph(self, branches: int) -> None:
        rng, sketch = self.rng, self.sketch
        sketch.subgraph(rng.choice(("main", "", "ünnamed")))
        choice = [self.tensor([1], "BOOL")] if branches else []
        fed = self.tensor()
        made = [fed]
        constants = [self.tensor(buffer=rng.choice(self.weights)) for _ in range(rng.randint(0, 2))]
        square = self.tensor([WIDTH, WIDTH], buffer=rng.choice(self.weights))
        for _ in range(rng.randint(1, 6)):
            inputs, kind = [rng.choice(made), rng.choice([*made, *constants])], rng.choice((*UNARY, *BINARY))
            inputs = inputs[:1] if kind in UNARY else inputs
            if rng.random() < 0.2:
                kind, inputs = "FULLY_CONNECTED", [inputs[0], square, -1]
            made.append(self.tensor())
            sketch.operator(kind, inputs, [made[-1]])
        if branches:
            made.append(self.tensor())
            inputs = [*choice, made[-2]]
            sketch.operator("IF", inputs, [made[-1]], thenSubgraphIndex=1, elseSubgraphIndex=2)
        sketch.ports([*choice, fed], [made[-1]])

    def tensor(
        self, shape: list[int] | None = None, element: str = "FLOAT32", buffer: int | None = None
    ) -> int:
        place = self.rng.choice(self.empty) if buffer is None else buffer
        return self.sketch.tensor(shape or [1, WIDTH], element, buffer=place)

    def add_entry(self) -> None:
        """Add a metadata entry, for any buffer or for a new one with a table of offsets or something else."""
        rng, model = self.rng, self.sketch.model
        buffer = rng.randrange(len(self.buffers))
        if rng.random() < 0.6:
            self.buffers.append(S.BufferT(list(self.table())))
            buffer = len(self.buffers) - 1
        entry = S.MetadataT(rng.choice(NAMES), buffer)
        model.metadata = [*(model.metadata or []), entry]

    def table(self) -> bytes:
        rng = self.rng
        tensors = sum(len(graph.tensors) for graph in self.sketch.model.subgraphs)
        listed = rng.choice((tensors, tensors, rng.randint(0, 2 * tensors)))
        offsets = [rng.choice((-1, 0, 16, 64, -16, 1 << 20)) for _ in range(listed)]
        head = (rng.choice((1, 1, 2)), rng.choice((0, 0, 1)), rng.choice((tensors, listed)))
        return pack(f"<{3 + listed}i", *head, *offsets)


def _with_labels(content: bytes) -> bytes:
    stream = BytesIO(content)
    with ZipFile(stream, "a") as archive:
        archive.writestr("labels.txt", "cat\ndog\n")
    return stream.getvalue()
