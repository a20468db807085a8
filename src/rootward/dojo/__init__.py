"""A whole production system in one process from one seed (or from a capsule), spoken to only over the vendors' own APIs.

An island: it imports nothing of the product but errors, clock, randomness and tasks, so that the simulator and its client
cannot share a mistake. Its truth is sealed in `oracle`, which `wire` never imports.
"""
