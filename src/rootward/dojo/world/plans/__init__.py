"""The systems that can be built, one module each with `NAME`, `DESCRIPTION` and `blueprint(seed, services)`."""
