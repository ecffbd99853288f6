"""The smallest arena with a proof: items are reduced to clusters, then searched and given to a solver."""
