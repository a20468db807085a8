"""Query languages (PromQL, LogQL, Elasticsearch's) evaluated over telemetry. Pure: telemetry and a query in, a result out."""
