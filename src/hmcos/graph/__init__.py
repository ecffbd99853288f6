"""The network as a graph, the same for every file format."""
