"""The parts of the table: head, clients, digests, remarks, what was not judged."""
