"""Loki: its API in, signals out; knows no other connector."""

from rootward.connectors.loki.source import LokiSource

__all__ = ["LokiSource"]
