"""Query languages (PromQL, LogQL, Elasticsearch's, Datadog's, CloudWatch's) evaluated over telemetry. Pure: telemetry and a query in, a result out."""
