"""Alertmanager: its API in, signals out; knows no other connector."""

from rootward.connectors.alertmanager.source import AlertmanagerSource

__all__ = ["AlertmanagerSource"]
