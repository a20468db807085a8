"""Slack: its API in, signals out; knows no other connector."""

from rootward.connectors.slack.source import SlackSource

__all__ = ["SlackSource"]
