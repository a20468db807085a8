"""One folder per vendor: turns the questions of `signals` into its API and back, adding nothing.

Belongs here: clients, authentication, pagination, rate limits, translation of records, webhook payloads. Each folder stands
alone; `_http.py` is the one shared client (retries with jitter and deadline, byte limits, typed errors).

Does not belong here: judgement, thresholds, caching of answers, environment variables, partial data in silence, writes.
"""
