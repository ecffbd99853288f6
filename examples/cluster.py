# pyright: basic, reportMissingImports=false
"""Evaluate 24 NASNets of different depths and widths on a cluster; name the widest that fits into a budget.

python examples/cluster.py [ADDRESS]

Without an address it starts a cluster of Dask on this machine, of two processes. The networks are built where
they are evaluated: only the name of a function and its arguments travel.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

from distributed import Client, LocalCluster  # pip install 'hmcos[dask]'

import hmcos
from hmcos.zoo.catalogue import build

BUDGET = 768 * 1024  # bytes of activations


def candidates() -> Iterator[tuple[str, partial[Any]]]:
    """Yield the name of each network, and the function that builds it."""
    for cells in (1, 2, 3):
        for filters in range(8, 40, 4):
            yield f"{cells} cells, {filters} filters", partial(build, "nasnet", cells=cells, filters=filters)


def connected(address: str | None) -> Client:
    """Return a client of the cluster at an address, or of one on this machine."""
    if address is None:
        return Client(LocalCluster(n_workers=2, threads_per_worker=1))
    try:
        return Client(address, timeout=10)
    except (OSError, ValueError, MemoryError) as error:  # the last if something else than Dask answers
        raise SystemExit(f"cluster.py: no cluster of Dask answers at {address}: {error}") from error


def main(address: str | None) -> None:
    """Print each row as it comes, and the widest network that fits."""
    with connected(address) as client:
        rows = hmcos.evaluate(candidates(), target="hmcos", budget=BUDGET, executor=client.get_executor())
        fit: list[str] = []
        for row in rows:
            print(f"{row.name}: {row.error or row.status}")
            if row.fits:
                fit.append(row.name)
    print(f"{len(fit)} fit into {BUDGET:,} bytes; the widest: {max(fit, key=filters_of)}")


def filters_of(name: str) -> int:
    """Return the number of filters that a name says."""
    return int(name.split()[-2])


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
