"""Prometheus: its API in, signals out; knows no other connector."""

from rootward.connectors.prometheus.source import PrometheusSource

__all__ = ["PrometheusSource"]
