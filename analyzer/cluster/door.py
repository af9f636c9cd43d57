"""The door to a Dask scheduler that somebody started: which addresses are spoken to, and with which keys.

Who reaches a scheduler runs code as its workers, and who is taken for one is sent what was on the wire. So it is TLS,
with a certificate on either side, or a plain address that cannot leave this machine, or a word that says: I know.

An address counts as this machine's where it says so by itself: 127.0.0.0/8, `::1`, and `localhost`, for which 127.0.0.1
is taken (RFC 6761 6.3), so that nobody is asked. Another name that leads there today may lead elsewhere tomorrow. Dask
has more transports (`ucx`, `ws`, `wss`, `inproc`); none of them is spoken here.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, NamedTuple

from analyzer.escape import Told

if TYPE_CHECKING:
    from distributed import Security

OPTIONS = "--tls-ca, --tls-cert and --tls-key"
_CONFIGURED = "or in Dask's configuration (distributed.comm.tls)"


class ClusterError(Told):
    """There is no cluster to be had: one line that says why, and what to do."""


class ClusterUsage(ClusterError):
    """It was asked for in a way that cannot be."""


class Keys(NamedTuple):
    """Files in PEM: the authority that signed the scheduler's certificate, our certificate, and its private key (None:
    it stands in the certificate's file). What is not named is Dask's configuration's."""

    ca: str | None = None
    cert: str | None = None
    key: str | None = None


class Door(NamedTuple):
    """A scheduler as it was asked for; `insecure` lets a plain address leave this machine."""

    scheduler: str
    keys: Keys = Keys()
    insecure: bool = False

    def open(self) -> tuple[str, Security]:
        """The address to speak to, and what Dask needs to do so safely. ClusterUsage where that may not, or cannot
        be."""
        from distributed import Security

        scheme, host, port = self._parts()
        place = f"[{host}]" if ":" in host else host
        if scheme == "tls":
            return f"tls://{place}:{port}", self._with_keys()
        if any(self.keys):
            raise ClusterUsage(f"{self.scheduler} is not encrypted, so keys are of no use: give tls://{place}:{port}")
        if Security().require_encryption:
            raise ClusterUsage(
                f"{self.scheduler} is not encrypted, and Dask's configuration (require-encryption) asks for that"
            )
        if not self.insecure and not is_here(host):
            raise ClusterUsage(
                f"{self.scheduler} is not encrypted and not on this machine: give tls://{place}:{port} with {OPTIONS}, "
                "or say --insecure-scheduler"
            )
        return f"tcp://{place}:{port}", Security()

    def _parts(self) -> tuple[str, str, int]:
        """Scheme, host (without brackets) and port; where no scheme is given, keys speak for TLS, else Dask decides."""
        import dask
        from distributed.comm.addressing import get_address_host_port

        scheme, marked, _ = self.scheduler.partition("://")
        if not marked:
            scheme = "tls" if any(self.keys) else str(dask.config.get("distributed.comm.default-scheme"))
        address = self.scheduler if marked else f"{scheme}://{self.scheduler}"
        try:
            if scheme not in ("tls", "tcp"):
                raise ValueError(scheme)
            host, port = get_address_host_port(address, strict=True)
            if not host or not 0 < port < 1 << 16:
                raise ValueError(address)
        except ValueError as error:
            raise ClusterUsage(
                f"{self.scheduler!r} is no address of a Dask scheduler, as tls://host:8786 is"
            ) from error
        return scheme, "127.0.0.1" if host == "localhost" else host, port

    def _with_keys(self) -> Security:
        from distributed import Security

        ca, cert, key = self.keys
        given: dict[str, str | None] = {} if ca is None else {"tls_ca_file": ca}
        if cert is not None or key is not None:  # both of them are ours, or neither
            given |= {"tls_client_cert": cert, "tls_client_key": key}
        made = Security(require_encryption=True, **given)
        try:
            told = made.get_tls_config_for_role("client")
            for name in ("ca_file", "cert", "key"):
                _look_at(told[name])
            is_ready = made.get_connection_args("client")["ssl_context"] is not None
        except OSError as error:  # of which an SSLError is one
            where = error.filename or "the keys for TLS"
            raise ClusterUsage(f"{where}: cannot be used: {error.strerror or error}") from error
        if not is_ready:
            raise ClusterUsage(f"{self.scheduler} needs keys: name them with {OPTIONS}, {_CONFIGURED}")
        return made


def _look_at(path: str | None) -> None:
    """Raise what opening a file raises, which names it: OpenSSL does not. Configured keys may be no file, but PEM."""
    if path is not None and "\n" not in path:
        with open(path, "rb"):
            pass


def is_here(host: str) -> bool:
    """Whether an address says by itself that it is this machine's."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback and getattr(address, "ipv4_mapped", None) is None
