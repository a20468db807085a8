"""Runs, comparisons and trends told to people: on a terminal, as one HTML page, as Markdown, as JUnit XML. Renders; computes nothing."""
