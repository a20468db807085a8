"""What a metric means, from its name, unit, labels and type: one file per convention (OpenTelemetry, Istio, cAdvisor …)."""
