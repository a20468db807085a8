"""Guidance, skills, facts, past incidents and the graph of what depends on what: what is known beforehand, scoped per environment,
each with its provenance and age.

Everybody above may read it (`store.Memory`); only `feedback` writes it (`writing`, held by a contract of the import linter). What is
kept here is data and structured effects, never prompts, and it can steer where the investigator looks, never what it may claim.
The graph is kept fresh by scans, which speak only the protocols of `signals`. Does not belong here: deciding (that is `investigator`), vendors,
settings.
"""
