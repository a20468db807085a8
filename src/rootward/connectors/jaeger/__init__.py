"""Jaeger: its API in, signals out; knows no other connector."""

from rootward.connectors.jaeger.source import JaegerSource

__all__ = ["JaegerSource"]
