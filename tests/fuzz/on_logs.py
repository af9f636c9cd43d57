"""The check of credential files; that of the log dialects is in `on_plugins`."""

from __future__ import annotations

from analyzer.register.digest.credential_files import parse_credentials
from analyzer.register.digest.secret import CredentialsError
from tests.fuzz.invariant import bounded


def check_credentials(octets: bytes) -> None:
    """A file of secrets, or one sentence about what is wrong that quotes nothing of it."""
    with bounded(len(octets), calls=150, copies=700, start=20_000):
        try:
            found = parse_credentials(octets, "users")
        except CredentialsError as error:
            shown = str(error)
            assert "\n" not in shown
            assert len(shown) < 300
            return
    assert len(found) <= len(octets)
    for secret in found:
        assert repr(secret)
