"""Tempo: its API in, signals out; knows no other connector."""

from rootward.connectors.tempo.source import TempoSource

__all__ = ["TempoSource"]
