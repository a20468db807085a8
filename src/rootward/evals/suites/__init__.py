"""Suites that come with Rootward, as YAML files beside this one: `smoke` for a quick look, `standard` for figures to believe,
`calibration` (other seeds than `standard`) for what confidence means and when to speak."""
