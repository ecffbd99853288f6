from __future__ import annotations
from dataclasses import dataclass
@dataclass(frozen=True)
class Arranging:
    target: str|None
    time_limit: float|None
    cache: bool
class Arranged:
    summary=''
    def __init__(self,module): self.module=module
    def run(self,inputs): return self.module.forward(*inputs)
def arranged(module,examples,a): return Arranged(module)
