"""The `rootward` command: one file per command group, each importing what it needs only when it runs."""
