"""Check a plan's arena by running the network in it: one operator at a time, all activations in one block.

Where a plan has several memories, each of them is a block of its own.

Every operator runs twice: once apart, with each tensor in memory of its own at the same address modulo 64,
and once in the arena, with its inputs and outputs bound to their planned offsets, so that buffers that the
plan lets overlap really do. Both runs must read and make the same bytes. Buffers that the plan considers dead
are overwritten with poison at once, so that a life that ends a step too early, or two buffers that overlap,
make a later operator read poison.

If an operator does not run apart, nothing is known about the plan (NotRunError). If it runs apart but not in
the arena, the plan is wrong (VerifyError): its inputs were compared before, so only its offsets can be wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from hmcos.errors import LimitError, NotRunError, VerifyError
from hmcos.frontends.feeding import Bytes
from hmcos.graph.graph import Operator
from hmcos.plan.arena import PlacedBuffer
from hmcos.plan.plan import Plan
from hmcos.verify.run.blocks import NOISE, PAGE, POISON, Span, blocks, meet, span, union, without
from hmcos.verify.run.kernels import forbids_overwrite
from hmcos.verify.run.operators import LINE, Lent, Made, Operators, Shape, blank, byte_size
from hmcos.verify.run.telling import Begin, RunPart, nobody


@dataclass
class Ran:
    """The outcome of a run in the arena."""

    outputs: dict[str, Made] = field(default_factory=dict[str, Made])
    """The network's outputs, as they were in the arena at the end."""
    ends: list[int] = field(default_factory=list[int])
    """Per block, the end of the highest place that was used: its last byte plus one."""
    steps: int = 0
    in_place: int = 0
    """Steps at which a kernel overwrote its input."""
    views: int = 0
    """Steps at which a kernel made a view of its input, writing the same bytes over themselves."""
    unproved: list[str] = field(default_factory=list[str])
    """Operators that ran on a copy of their input, because their kernels cannot overwrite it."""
    shapes: dict[int, Shape] = field(default_factory=dict[int, Shape])
    """Tensors whose actual shapes differ from those that the model declares."""


def run_in_arena(operators: Operators, plan: Plan, fed: Mapping[int, Bytes], begin: Begin = nobody) -> Ran:
    """Run a network in the arena of a plan and return the outcome; `fed` maps inputs to their bytes.

    Raises:
        VerifyError: an operator reads or makes other bytes in the arena than apart, or the number of bytes in
            use differs from the plan; names the first step and the tensor.
        NotRunError: an operator does not run apart, or makes larger outputs than the plan counts.
        LimitError: there is not enough memory.
    """
    return _Stepper(operators, plan, fed, begin).run()


class _Stepper:
    def __init__(self, operators: Operators, plan: Plan, fed: Mapping[int, Bytes], begin: Begin) -> None:
        self.operators, self.plan, self.fed, self.begin = operators, plan, fed, begin
        self.graph = operators.graph
        self.blocks = blocks(plan)
        self.buffer_of = {t: i for i, buffer in enumerate(plan.buffers) for t in buffer.tensors}
        self.scratch_of = {b.operator: i for i, b in enumerate(plan.buffers) if b.operator is not None}
        self.apart: dict[int, Bytes] = {}
        """Activations in memory of their own: the reference for every step."""
        self.outside: dict[int, Bytes] = {}
        """Activations without a place in the plan: the caller's, empty ones, and those never read."""
        self.shapes: dict[int, Shape] = {}
        """Actual shapes that differ from those that the model declares."""
        self.held: set[int] = set()
        """Buffers that hold a live value."""
        self.waiting = {t: len(readers) for t, readers in self.graph.readers.items()}
        self.ran = Ran(ends=[0] * len(self.blocks))

    def run(self) -> Ran:
        for t in self.graph.inputs:
            self.apart[t] = self._own(t, self.fed[t])
            self._write(t, self.apart[t])
            self._hold(self._buffer(t))
        order = [self.graph.operators[number] for number in self.plan.order]
        steps = [op for op in order if not self.graph.computes_parameters(op)]
        for step, op in enumerate(steps):
            self._step(step, op)
            if step + 1 < len(steps):
                self._bury(step + 1)
        self.ran.steps = len(steps)
        self._finish(len(steps))
        return self.ran

    def _step(self, step: int, op: Operator) -> None:
        reads = [t for t in op.reads if not self.graph.tensors[t].is_parameter]
        made = self._made_apart(op, reads)
        for t in made:
            if self._place(t) is None:
                self.outside[t] = self._own(t)
        for t in reads:
            self._compare(step, op, t, self.apart[t], ", which it reads,")
        used, scratch = self._use(op, made)
        copies = self._copies(op, reads, made)
        inputs = {
            t: Lent(copies[t].ctypes.data if t in copies else self._address(t), self._shape(t)) for t in reads
        }
        self._run_in_arena(step, op, inputs, {t: Lent(self._address(t), self._shape(t)) for t in made})
        if scratch is not None:
            self._fill([span(scratch)], NOISE)
        for t, right in made.items():
            if op.is_random:
                right[: self._size(t)] = self._read(t)
            try:
                self._compare(step, op, t, right)
            except VerifyError:
                self._check_steady(op, reads, t, right)
                raise
        planned = self.plan.memory.running[step]
        if used != planned:
            raise VerifyError(f"step {step}, {op.title}: uses {used} bytes, but the plan says {planned}")
        self.apart.update(made)
        self._forget(op, reads)

    def _made_apart(self, op: Operator, reads: Sequence[int]) -> dict[int, Bytes]:
        """Run an operator apart, return its outputs, and record their actual shapes.

        The runtime refuses memory of another shape; then it is asked for the actual shape first.
        """
        self.begin(RunPart.APART)
        inputs = {t: Lent(self.apart[t].ctypes.data, self._shape(t)) for t in reads}
        made = {t: self._own(t) for t in op.makes}
        try:
            self._run_apart(op, inputs, made)
        except LimitError:
            raise
        except NotRunError:
            shapes = self.operators.shapes(op, inputs)
            if all(shapes[t] == self._shape(t) for t in op.makes):
                raise
            self._learn(op, shapes)
            made = {t: self._own(t) for t in op.makes}
            self._run_apart(op, inputs, made)
        return made

    def _check_steady(self, op: Operator, reads: Sequence[int], t: int, right: Bytes) -> None:
        """Check that an operator makes the same bytes of a tensor when it runs again.

        Raises:
            NotRunError: it does not, so that the bytes say nothing about the plan.
        """
        inputs = {t: Lent(self.apart[t].ctypes.data, self._shape(t)) for t in reads}
        again = {t: self._own(t) for t in op.makes}
        try:
            self._run_apart(op, inputs, again)
        except NotRunError:  # it ran before, so a failure now must not excuse the plan
            return
        if again[t][: self._size(t)].tobytes() != right[: self._size(t)].tobytes():
            name = self.graph.tensors[t].name
            raise NotRunError(f"{op.title}: makes other bytes of {name!r} each time that it runs")

    def _run_apart(self, op: Operator, inputs: Mapping[int, Lent], made: Mapping[int, Bytes]) -> None:
        self.operators.run(op, inputs, {t: Lent(made[t].ctypes.data, self._shape(t)) for t in made})

    def _learn(self, op: Operator, shapes: Mapping[int, Shape]) -> None:
        """Record the shapes of an operator's outputs for these inputs; they have to fit their places."""
        for t, shape in shapes.items():
            tensor, index = self.graph.tensors[t], self._buffer(t)
            self.shapes[t] = self.ran.shapes[t] = shape
            if index is not None and self._size(t) > self.plan.buffers[index].size:
                raise NotRunError(
                    f"{op.title}: makes {tensor.name!r} of {list(shape)} from these inputs, but the plan "
                    f"counts {list(tensor.shape)}; bind its dimensions to the most that they can be, or "
                    "correct the shape that the model declares"
                )

    def _run_in_arena(
        self, step: int, op: Operator, inputs: Mapping[int, Lent], outputs: Mapping[int, Lent]
    ) -> None:
        self.begin(RunPart.ARENA)
        try:
            self.operators.run(op, inputs, outputs)
        except LimitError:
            raise
        except NotRunError as error:
            raise VerifyError(
                f"step {step}: runs in memory of its own, but not in the arena: {error}"
            ) from error

    def _use(self, op: Operator, made: Mapping[int, Bytes]) -> tuple[int, PlacedBuffer | None]:
        """Record the memory that an operator uses; return the bytes in use while it runs, and its scratch."""
        buffers, now = self.plan.buffers, set(self.held)
        for t in made:
            index = self._buffer(t)
            if index is not None:
                over = buffers[index].takes_over
                now |= set() if over is not None and over in self.held else {index}
                self._hold(index)
        scratch = self.scratch_of.get(op.number)
        now |= set() if scratch is None else {scratch}
        self._hold(scratch)
        self.held.discard(-1 if scratch is None else scratch)
        used = union([span(buffers[i]) for i in now])
        return used, None if scratch is None else buffers[scratch]

    def _copies(self, op: Operator, reads: Sequence[int], made: Mapping[int, Bytes]) -> dict[int, Bytes]:
        """Return copies of the inputs that the operator overwrites although its kernel cannot do that."""
        places = [place for t in made if (place := self._place(t)) and place[1] < place[2]]
        over = [t for t in reads if (own := self._place(t)) and any(meet(own, place) for place in places)]
        if not over:
            return {}
        if not forbids_overwrite(op, over, self.operators.opset):
            views = {self._buffer(t) for t in over} <= {self._buffer(t) for t in made}
            self.ran.views += views
            self.ran.in_place += not views
            return {}
        self.ran.unproved.append(op.title)
        return {t: self._own(t, self._read(t)) for t in over}

    def _compare(self, step: int, op: Operator, t: int, right: Bytes, role: str = "") -> None:
        """Check that a tensor has these bytes in the arena; `role` follows its name in the message."""
        content, size = self._read(t), self._size(t)
        if content.tobytes() == right[:size].tobytes():
            return
        wrong = int(np.flatnonzero(content != right[:size])[0])
        place, name = self._place(t), self.graph.tensors[t].name
        where = f", at offset {place[1]} of {self._called(place[0])}" if place is not None else ""
        raise VerifyError(
            f"step {step}, {op.title}: tensor {name!r}{role} differs from byte {wrong} on{where}"
        )

    def _bury(self, step: int) -> None:
        """Poison the buffers that are dead when a step begins, except for bytes of live buffers."""
        buffers = self.plan.buffers
        dead = [i for i in self.held if buffers[i].death <= step]
        self.held.difference_update(dead)
        alive = [span(buffers[i]) for i in self.held]
        gone = [*dead, *(i for i in self.scratch_of.values() if buffers[i].death == step)]
        for i in gone:
            self._fill(without(span(buffers[i]), alive), POISON)

    def _finish(self, steps: int) -> None:
        for t in self.graph.outputs:
            name = self.graph.tensors[t].name
            known = self.operators.parameters.get(t)
            content = self._read(t) if known is None else known[: self._size(t)]
            if t in self.apart and content.tobytes() != self.apart[t][: self._size(t)].tobytes():
                raise VerifyError(
                    f"after step {steps - 1}: output {name!r} is not what it was when it was made"
                )
            self.ran.outputs[name] = Made(self._shape(t), content.copy())
        self._check_ends(steps)

    def _check_ends(self, steps: int) -> None:
        """Check that nothing behind a block was written, and that each is as large as the plan says."""
        memories, arena = self.plan.memories, self.plan.arena
        said = [] if memories is None else list(memories.placement.sizes)
        said = said if arena is None else [arena.size]
        for k, block in enumerate(self.blocks):
            name = self._called(k)
            if (block[len(block) - PAGE :] != POISON).any():
                raise VerifyError(f"after step {steps - 1}: bytes behind the end of {name} were written")
            if said and self.ran.ends[k] != said[k]:
                used = f"the highest byte in use is {self.ran.ends[k]}"
                raise VerifyError(f"{used}, but {name} has {said[k]} bytes")

    def _called(self, k: int) -> str:
        """Return what messages call a block."""
        return "the arena" if self.plan.memories is None else self.plan.memories.placement.blocks[k].name

    def _forget(self, op: Operator, reads: Sequence[int]) -> None:
        """Free the memory outside the arena of tensors that no operator reads any more."""
        for t in reads:
            self.waiting[t] -= 1
        for t in (*reads, *op.makes):
            if not self.waiting.get(t, 0) and t not in self.graph.outputs:
                self.apart.pop(t, None)
                self.outside.pop(t, None)

    def _hold(self, buffer: int | None) -> None:
        if buffer is not None:
            self.held.add(buffer)
            placed = self.plan.buffers[buffer]
            k, _, end = span(placed)
            self.ran.ends[k] = max(self.ran.ends[k], end)

    def _buffer(self, t: int) -> int | None:
        return self.buffer_of.get(t)

    def _shape(self, t: int) -> Shape:
        return self.shapes.get(t, self.graph.tensors[t].shape)

    def _size(self, t: int) -> int:
        return byte_size(self._shape(t), self.graph.tensors[t].bits)

    def _place(self, t: int) -> Span | None:
        """Return the bytes of a tensor in its block; None if it has no place."""
        index = self._buffer(t)
        if index is None:
            return None
        k, offset, _ = span(self.plan.buffers[index])
        size = self._size(t)
        if offset + size > len(self.blocks[k]) - PAGE:
            name = self.graph.tensors[t].name
            raise VerifyError(f"tensor {name!r}: does not fit {self._called(k)} at offset {offset}")
        return k, offset, offset + size

    def _address(self, t: int) -> int:
        place = self._place(t)
        return self.outside[t].ctypes.data if place is None else self.blocks[place[0]].ctypes.data + place[1]

    def _read(self, t: int) -> Bytes:
        place = self._place(t)
        if place is None:
            return self.outside[t][: self._size(t)]
        return self.blocks[place[0]][place[1] : place[2]]

    def _write(self, t: int, content: Bytes) -> None:
        if self._place(t) is None:
            self.outside[t] = self._own(t)
        self._read(t)[:] = content[: self._size(t)]

    def _own(self, t: int, content: Bytes | None = None) -> Bytes:
        """Return separate memory for a tensor with this content, at the address of its place modulo LINE."""
        size, place = self._size(t), self._place(t)
        block = blank(size, place[1] % LINE if place is not None else 0)
        if content is not None:
            block[:size] = content[:size]
        return block

    def _fill(self, spans: Sequence[Span], value: int) -> None:
        for k, begin, end in spans:
            self.blocks[k][begin:end] = value
