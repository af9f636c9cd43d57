"""sipcheck's replay: a captured registration replayed to a live peer.

    flow (what was captured) -> plan (steps) -> rewrite (edits) -> session (transactions) -> net (sockets) -> compare

All but `net` is without sockets and clocks: octets and instants come in, commands go out (`machine.py`). `analyzer`
never imports this package.
"""
