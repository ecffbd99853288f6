"""The smallest arena with a proof: lives cut down to clusters, a search, and a constraint solver."""
