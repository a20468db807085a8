"""What Kubernetes objects say against what exists: invariants of a cluster, checked.

An invariant compares one thing that an object states (a service account, a selector, a port, a request, an address) with what
is there. A contradiction is a clue; a contradiction that hurts nothing is an oddity and weighs little. One file per family,
each a pure function from a `state.View` to clues, listed in `inspect.FAMILIES`. Nothing here knows a product's or a data set's
names. Every invariant is in docs/reference/cluster_invariants.md.
"""
