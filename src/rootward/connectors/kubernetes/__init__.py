"""Kubernetes: its API in, signals out; knows no other connector."""

from rootward.connectors.kubernetes.source import KubernetesSource

__all__ = ["KubernetesSource"]
