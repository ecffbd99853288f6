"""Schedule a problem without an ONNX model: numbers say what each operator reads and makes, and what is kept.

python examples/own_problem.py
"""

from __future__ import annotations

import hmcos

# Two branches: each makes a large buffer from the input, then a small one; the last operator reads both.
FORK = hmcos.Problem(
    names=("grow a", "grow b", "shrink a", "shrink b", "join"),
    sizes=(10, 100, 100, 10, 10, 5),
    inputs=(0,),
    kept=(5,),
    reads=((0,), (0,), (1,), (2,), (3, 4)),
    makes=((1,), (2,), (3,), (4,), (5,)),
    may_overwrite=((), (), (), (), ()),
    scratch=(0, 0, 0, 0, 0),
)


if __name__ == "__main__":
    plan = hmcos.schedule(FORK)
    print("file order:", plan.given_peak, "bytes; best order:", plan.peak, "bytes,", plan.status)
    for number, running in zip(plan.order, plan.memory.running, strict=True):
        print(f"{running:5} bytes  {plan.operators[number].name}")
