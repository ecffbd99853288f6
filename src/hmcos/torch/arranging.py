from __future__ import annotations
from dataclasses import dataclass
from hmcos.torch.ordering import ordered
import time,os
@dataclass(frozen=True)
class Arranging:
    target: str|None
    time_limit: float|None
    cache: bool
class Arranged:
    summary=''
    def __init__(self,o): self.o=o; self.forward=o.module.forward
    def run(self,inputs): return self.forward(*inputs)
def arranged(module,examples,a,parameters=()):
    t=time.time()
    if os.environ.get('PROF'):
        import cProfile,pstats
        pr=cProfile.Profile(); pr.enable()
    o=ordered(module,examples,parameters=parameters,time_limit=60.)
    if os.environ.get('PROF'):
        pr.disable(); pstats.Stats(pr).sort_stats('cumulative').print_stats(45)
    p=o.plan
    print('ordered',len(module.graph.nodes),p.problem.operators if hasattr(p,'problem') else '',round(time.time()-t,2),'s; search',p.schedule.seconds,p.seconds, p.given_peak,p.peak,p.lower_bound,p.schedule.status, round(p.peak/p.given_peak,3))
    return Arranged(o)
