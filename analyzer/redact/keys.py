"""The key, and the files that belong to its holder alone: what stands for what, and the new passwords."""

from __future__ import annotations

import csv
import io
import json
import os
import secrets
from ipaddress import ip_address
from pathlib import Path

from analyzer.escape import Told, visible
from analyzer.redact.redaction import Given, Redaction

SCHEMA = "sipcheck-mapping/1"
FEWEST_OCTETS = 16
MOST_OCTETS = 1 << 16


class KeyUnusable(Told):
    """A key file that cannot be used; the text says why."""


def random_key() -> bytes:
    """A key for one run."""
    return secrets.token_bytes(32)


def read_key(path: str) -> bytes:
    """The key in a file: its octets, without white space around them. Raises `KeyUnusable`."""
    try:
        with open(path, "rb") as file:
            key = file.read(MOST_OCTETS + 1).strip()
    except OSError as error:
        raise KeyUnusable(f"{path}: cannot be read: {error.strerror}") from None
    if not FEWEST_OCTETS <= len(key) <= MOST_OCTETS:
        raise KeyUnusable(f"{path}: a key has {FEWEST_OCTETS} octets or more; this has {len(key):,}")
    return key


def read_mapping(path: str) -> tuple[bytes, Given]:
    """The key and the pseudonyms of a mapping that an earlier run wrote. Raises `KeyUnusable`."""
    try:
        with open(path, "rb") as file:
            whole = json.loads(file.read().decode("utf-8"))
        if whole["schema"] != SCHEMA:
            raise KeyUnusable(f"{path}: its schema is not {SCHEMA}")
        words, addresses = (
            {str(one): str(other) for one, other in whole[name].items()} for name in ("words", "addresses")
        )
        if any(ip_address(one).version != ip_address(other).version for one, other in addresses.items()):
            raise ValueError
        return bytes.fromhex(whole["key"]), Given(words, addresses)
    except OSError as error:
        raise KeyUnusable(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise KeyUnusable(f"{path}: is no mapping that sipcheck redact wrote") from None


def mapping_of(redaction: Redaction, key: bytes) -> str:
    """What stands for what, as JSON: the key in hex, words in small letters, addresses, accounts."""
    whole = {
        "schema": SCHEMA,
        "key": key.hex(),
        "words": {visible(one): visible(other) for one, other in sorted(redaction.words())},
        "addresses": dict(sorted(redaction.pairs())),
        "accounts": [account._asdict() for account in redaction.digests.accounts()],
    }
    return json.dumps(whole, indent=1) + "\n"


def credentials_of(redaction: Redaction) -> str:
    """The accounts whose digests can be verified still, as `--credentials` reads them."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("username", "realm", "password"))
    writer.writerows(redaction.digests.accounts())
    return out.getvalue()


def write_private(path: Path, text: str, *, replace: bool) -> None:
    """Write a file that its owner alone can read, from its first octet on. FileExistsError where it is there already
    and is not to be replaced; OSError as files do."""
    if replace:
        path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
