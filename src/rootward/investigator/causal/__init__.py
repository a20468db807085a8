"""The reasoner: pure functions over evidence, no I/O, no model, no clock.

Change detection, dependency graph, explaining-away, signatures, cluster invariants, change correlation, posterior. Every
method names its source in its docstring. Constants are general; none may depend on a data set or a case.
"""
