"""Telemetry in memory and on disk, and importers that turn public incident data sets into capsules."""
