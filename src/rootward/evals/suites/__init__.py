"""Suites that come with Rootward, as YAML files beside this one: `smoke` for a quick look, `standard` for figures to believe."""
