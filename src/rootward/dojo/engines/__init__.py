"""Query languages (PromQL, LogQL) evaluated over telemetry. Pure: telemetry and a query in, a result out."""
