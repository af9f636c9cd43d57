"""sipcheck's replay: a captured registration said again to a live peer.

The package begins with this head only: the plan of its modules is in the project's design, and `analyzer` never
imports it.
"""
