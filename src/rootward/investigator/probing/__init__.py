"""Probe: every question of an investigation, asked in parallel, each within its budget; answers become a `Case`.

One file per kind of signal. Nothing here judges: what is normal and what caused what is `causal`'s. A probe that fails leaves a
`Gap` (what is missing, from whom, why) and never stops the others.
"""
