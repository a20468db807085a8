"""Scenarios, scoring, stability, statistics and reports: how good the investigator is, with its band."""
