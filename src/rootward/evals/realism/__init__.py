"""How far simulated telemetry can be told from recorded telemetry, signal by signal: distributions side by side, and a classifier.

A signal is a module with `NAME`, `FEATURES` and `samples(telemetry, until_s)`: rows of numbers that have no unit, so that systems of
any size compare. `compare` knows nothing of what the numbers mean. How worlds are built or capsules found does not belong here.
"""
