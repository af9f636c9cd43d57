"""Digest (RFC 7616, RFC 8760, RFC 3261 22.4): arithmetic, a diagnosis on it, the verdict on top; secrets and their
files.

References point down: `verdict` -> `diagnosis` -> `arithmetic` -> `input`, `secrets` -> `secret`.
"""
