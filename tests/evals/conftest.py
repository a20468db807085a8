"""Its place puts this folder on the path, so that tests in folders below find `simulations` and `synthetic`."""
