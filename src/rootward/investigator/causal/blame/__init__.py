"""Which change did it: what a diff does (`diffs`), what the symptoms say (`symptoms`), and the mechanisms that join them.

Used by `causal.changes`, the front door.
"""
