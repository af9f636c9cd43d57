"""A user of this machine who would like to have others run code: `python -m tests.cluster.intruder UID < told`.

Standard input has a JSON list of ports on loopback. Standard output gets a list of what became of each try, in order:
`[port, how, outcome]`, where the outcome is `refused`, or what the listener answered to `identity`.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from typing import Any

from distributed import Security
from distributed.comm.core import connect

HOW = ("plain", "without certificate", "forged")


def securities() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """How it is tried: the name, the transport, the arguments of the connection."""
    import ssl

    yield HOW[0], "tcp", Security(require_encryption=False).get_connection_args("client")
    blind = ssl.create_default_context()
    blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
    yield HOW[1], "tls", {"ssl_context": blind, "require_encryption": True, "extra_conn_args": {}}
    forged = Security.temporary().get_connection_args("client")
    forged["ssl_context"].verify_mode = ssl.CERT_NONE
    yield HOW[2], "tls", forged


async def attempt(address: str, arguments: dict[str, Any]) -> str:
    """Enter, and ask who is there."""
    try:
        comm = await connect(address, timeout=3, **arguments)
        await comm.write({"op": "identity", "reply": True})
        answer = await asyncio.wait_for(comm.read(), 3)
    except (OSError, TimeoutError, ValueError):  # the last where a plain listener speaks before TLS can begin
        return "refused"
    await comm.close()
    return str(answer.get("type"))


async def _all(ports: list[int]) -> list[tuple[int, str, str]]:
    return [
        (port, how, await attempt(f"{scheme}://127.0.0.1:{port}", arguments))
        for port in ports
        for how, scheme, arguments in securities()
    ]


def main() -> None:
    """Become the user, and try."""
    told = json.load(sys.stdin)
    user = int(sys.argv[1])
    if user != os.getuid():
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
    assert os.getuid() == user
    json.dump(asyncio.run(_all(told)), sys.stdout)


if __name__ == "__main__":
    main()
