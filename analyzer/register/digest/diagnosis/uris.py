"""The little that the hypotheses need of a URI: parts by text, for values that may be no URI at all."""

from __future__ import annotations

import re

from analyzer.sip.text import octets

__all__ = ["host_of", "host_port_of", "octets", "scheme_of", "user_of", "with_host"]

_PARTS = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*:)?(?:(?P<user>[^@]*)@)?(?P<host>\[[^]]*\]|[^:;?/]*)(?P<port>:\d+)?"
)


def _parts(uri: str) -> re.Match[str]:
    found = _PARTS.match(uri.strip("<> "))
    assert found is not None  # every part is optional
    return found


def scheme_of(uri: str) -> str:
    """`sip:` with its colon, or nothing."""
    return _parts(uri)["scheme"] or ""


def user_of(uri: str) -> str:
    """The user part without password, or nothing."""
    return (_parts(uri)["user"] or "").partition(":")[0]


def host_of(uri: str) -> str:
    """The host as written, or nothing."""
    return _parts(uri)["host"]


def host_port_of(uri: str) -> str:
    """Host and, if there, port as written."""
    return host_of(uri) + (_parts(uri)["port"] or "")


def with_host(uri: str, host_port: str) -> str:
    """The same URI at another host (and port)."""
    found, bare = _parts(uri), uri.strip("<> ")
    return bare[: found.start("host")] + host_port + bare[found.end("port") if found["port"] else found.end("host") :]
