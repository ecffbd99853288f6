"""Schedule a problem without an ONNX model: each operator says what it reads and what it makes, in bytes.

python examples/own_problem.py
"""

from __future__ import annotations

import hmcos


def fork() -> hmcos.Problem:
    """Return two branches that each make a large buffer, then a small one; the last operator reads both."""
    network = hmcos.ProblemBuilder()
    network.add_input("image", 10)
    for branch in "ab":
        network.add(f"grow {branch}", reads=["image"], makes={f"large {branch}": 100})
    for branch in "ab":
        network.add(f"shrink {branch}", reads=[f"large {branch}"], makes={f"small {branch}": 10})
    network.add("join", reads=["small a", "small b"], makes={"result": 5})
    network.keep("result")
    return network.build()


if __name__ == "__main__":
    plan = hmcos.schedule(fork())
    print("file order:", plan.given_peak, "bytes; best order:", plan.peak, "bytes,", plan.status)
    for number, running in zip(plan.order, plan.memory.running, strict=True):
        print(f"{running:5} bytes  {plan.operators[number].name}")
    print("live at the peak:", ", ".join(f"{tensor.name} ({tensor.size})" for tensor in plan.crest.tensors))
