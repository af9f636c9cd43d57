"""Who speaks SIP in a capture, so that TLS which is nobody's business here is told from TLS that may carry SIP.

Most encrypted packets of an office are the web. A note about them would be noise, and where it stands beside a phone
that failed it would lead astray. So TLS is told where something speaks for SIP: its port is SIP's, a message names
the port (Via, Contact, Route with TLS), or one end spoke SIP in this capture and the port is not that of another
protocol. A capture without any SIP keeps all: TLS is the only trace there may be.
"""

from __future__ import annotations

import re

from analyzer.evidence import Endpoint, Item, RawMessage

SIP_PORTS = frozenset((5060, 5061))
"""RFC 3261 19.1.2: the defaults, without and with TLS."""
OTHER_PROTOCOLS = frozenset((22, 443, 465, 563, 587, 636, 853, 989, 990, 992, 993, 994, 995, 3269, 3389, 5223, 5228,
                             5349, 6514, 6697, 8443, 8883))  # fmt: skip
"""Ports of what else is encrypted (IANA; push services of phones): web, mail, directory, DNS, TURN, syslog, MQTT."""
MOST = 100_000
"""Hosts, and ports, that are remembered."""
_LOOKED_AT = 2048
"""Octets of a message that are looked through for ports: its Via, Route and Contact stand there."""

_NAMED = re.compile(
    rb"SIP/2\.0/TLS\s+[^\s:;,]{1,255}:(\d{1,5})"
    rb"|<?sips:[^\s<>]{0,255}?:(\d{1,5})(?=[;>\s?]|\Z)"
    rb"|sip:[^\s<>:;]{1,255}:(\d{1,5})[^\s<>]{0,255}?;transport=tls",
    re.IGNORECASE,
)


class Speakers:
    """`hear` every item; `concern` says whether TLS between two ends may carry SIP."""

    def __init__(self) -> None:
        self.hosts: set[str] = set()
        self.ports: set[int] = set()

    def hear(self, item: Item) -> None:
        """Remember the ends of a message, and the ports of TLS that it names."""
        if isinstance(item, RawMessage):
            self.heard(item.source, item.destination, item.payload)

    def heard(self, source: Endpoint, destination: Endpoint, payload: bytes) -> None:
        """The same for the parts of a message."""
        hosts = self.hosts
        if len(hosts) < MOST:
            hosts.add(source.host)
            hosts.add(destination.host)
        words = payload.decode("latin-1")  # asked of every message, and `in` takes half as long in a str
        if "TLS" in words or "tls" in words or "sips:" in words:
            self._note_ports(payload)

    def _note_ports(self, payload: bytes) -> None:
        if len(self.ports) < MOST:
            for ports in _NAMED.findall(payload[:_LOOKED_AT]):
                self.ports.update(int(port) for port in ports if port)

    def concern(self, one: Endpoint, server: Endpoint) -> bool:
        """Whether TLS between a client and what is most likely the server may be SIP's."""
        if not self.hosts or {one.port, server.port} & SIP_PORTS or server.host in self.hosts:
            return True
        if server.port in OTHER_PROTOCOLS:
            return False
        return server.port in self.ports or one.host in self.hosts

    def may_serve(self, server: Endpoint) -> bool:
        """Whether a port may be SIP's where nothing that was said there is known: a SYN without a connection."""
        if server.port in SIP_PORTS or server.port in self.ports:
            return True
        return server.host in self.hosts and server.port not in OTHER_PROTOCOLS
