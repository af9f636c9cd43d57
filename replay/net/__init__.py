"""The I/O boundary of a replay: sockets, the clock, waiting. Everything else is told what happened and when."""
