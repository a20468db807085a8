"""PromQL over the dojo's metrics, answering as a real Prometheus would.

`engine.Engine` is the front door. A query is parsed by `syntax`, walked by `evaluate`, and computed for all series and all
steps at once: `store` finds samples, `windows` turns range selectors into index windows, one file per family of functions.
"""
