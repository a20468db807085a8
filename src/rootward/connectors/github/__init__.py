"""GitHub: its API in, signals out; knows no other connector."""

from rootward.connectors.github.source import GitHubSource

__all__ = ["GitHubSource"]
