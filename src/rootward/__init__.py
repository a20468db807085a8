"""Rootward: root-causes production alerts by itself, with evidence, or stays quiet.

Importing this package costs nothing: every part is imported where it is used.
"""

__version__ = "0.1.0"
