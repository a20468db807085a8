"""LogQL, Grafana Loki's query language: parsed into a typed tree and evaluated over log telemetry.

Written from Loki's documentation (grafana.com/docs/loki/latest/query); `parser.parse` reads text, `evaluate` answers it.
"""
