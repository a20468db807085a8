"""The trade-off between speaking and being wrong, shown: on a terminal and as a page."""
