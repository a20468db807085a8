"""Settings, wiring, server and command line; imported by nobody."""
