"""The questions one can ask of a running system, and the evidence that comes back, whatever the back end.

Belongs here: entities, windows, alerts, series, logs, spans, events, changes, messages, edges; answers and evidence; the
protocols that a back end fulfils; metric roles (what `http_server_request_duration_seconds` *means*) and the questions
above the vendors (rate, errors, duration, saturation; what changed; who calls whom).

Does not belong here: anything that names a vendor's URL or query language (connectors), any judgement about what caused
what (investigator.causal), any I/O.
"""
