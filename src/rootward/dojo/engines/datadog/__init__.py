"""Datadog's query languages: metric queries and formulas over tagged series, searches and analytics over events.

Meanings follow docs.datadoghq.com/metrics, /dashboards/functions and /logs/explorer/search_syntax. A wrong query is a typed error in
Datadog's words; limits have names.
"""
