"""What SIP knows of its transports: their default ports, and which are streams (RFC 3261 18, 19.1.2)."""

from __future__ import annotations

SIP_PORT = 5060
"""RFC 3261 18.1.1, 19.1.2: the default port of UDP, TCP and SCTP."""
SIPS_PORT = 5061
"""RFC 3261 18.1.1, 19.1.2: the default port of TLS."""
DEFAULT_PORTS = {
    "UDP": SIP_PORT,
    "TCP": SIP_PORT,
    "SCTP": SIP_PORT,
    "TLS": SIPS_PORT,
    "TLS-SCTP": SIPS_PORT,  # RFC 4168 4
    "WS": 80,  # RFC 6455 3, on which RFC 7118 stands
    "WSS": 443,
}
"""Upper-case transport of Via -> the port where none is written."""
STREAMS = frozenset(("TCP", "TLS", "WS", "WSS"))
"""Transports that run on TCP: messages are cut by Content-Length (RFC 3261 18.3) or by frames (RFC 7118 5), and nothing
is sent again (17.1.2.2)."""

SECURED = {"TCP": "TLS", "WS": "WSS"}
"""A transport -> the same within TLS (RFC 3261 26.2.1, RFC 7118 5)."""


def default_port(transport: str) -> int:
    """The port of an upper-case transport where none is written; that of UDP for one that is not known."""
    return DEFAULT_PORTS.get(transport, SIP_PORT)
