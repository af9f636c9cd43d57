"""Makes this sample again: `python make.py`, as one who may capture on the loopback interface.

Needs kamailio with its TLS module, openssl, dumpcap and editcap. Kamailio's TLS listens on two ports, and a client on
Python's `ssl`, which writes the key log, registers once over TLS 1.3 on 5061 and once over TLS 1.2 on 15061, a port
that says nothing. Key and certificate are made for the occasion and thrown away.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
REALM = "lab.invalid"
HOST = "127.0.0.1"
CLIENTS = [("alice", 5061, ssl.TLSVersion.TLSv1_3), ("bob", 15061, ssl.TLSVersion.TLSv1_2)]
MODULES = "/usr/lib/x86_64-linux-gnu/kamailio/modules/"

REGISTRAR = """\
log_stderror=yes
fork=yes
children=1
tcp_children=1
enable_tls=yes
auto_aliases=no
{listen}
mpath="{modules}"
loadmodule "kex.so"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
loadmodule "tls.so"
modparam("auth", "qop", "auth")
modparam("tls", "config", "{folder}/tls.cfg")
modparam("usrloc", "db_mode", 0)
request_route {{
    if (!is_method("REGISTER")) {{ sl_send_reply("405", "Method Not Allowed"); exit; }}
    $var(pw) = $tU + "pw";
    if (!pv_www_authenticate("{realm}", "$var(pw)", "0")) {{ www_challenge("{realm}", "1"); exit; }}
    consume_credentials();
    save("location");
    exit;
}}
"""

TLS = """\
[server:default]
method = TLSv1.2+
private_key = {folder}/key.pem
certificate = {folder}/certificate.pem
verify_certificate = no
require_certificate = no
"""


def configure(folder: Path) -> None:
    """Write what the registrar needs: its configuration, a key, a certificate that it signs itself."""
    listen = "\n".join(f"listen=tls:{HOST}:{port}" for _, port, _ in CLIENTS)
    text = REGISTRAR.format(listen=listen, modules=MODULES, folder=folder, realm=REALM)
    (folder / "kamailio.cfg").write_text(text)
    (folder / "tls.cfg").write_text(TLS.format(folder=folder))
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subject = ["-subj", f"/CN={REALM}", "-addext", f"subjectAltName=DNS:{REALM}"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)


def request(user: str, port: int, own: int, number: int, credentials: str = "") -> bytes:
    """A REGISTER of `user`, the `number`th of its Call-ID."""
    lines = [
        f"REGISTER sip:{REALM} SIP/2.0",
        f"Via: SIP/2.0/TLS {HOST}:{own};branch=z9hG4bK-{user}-{number};rport",
        "Max-Forwards: 70",
        f"From: <sip:{user}@{REALM}>;tag={user}-1",
        f"To: <sip:{user}@{REALM}>",
        f"Call-ID: {user}-{port}@{HOST}",
        f"CSeq: {number} REGISTER",
        f"Contact: <sip:{user}@{HOST}:{own};transport=tls>",
        "Expires: 600",
        *([credentials] if credentials else []),
        "Content-Length: 0",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def answer(connection: ssl.SSLSocket) -> str:
    """The next response; those of REGISTER have no body."""
    octets = b""
    while b"\r\n\r\n" not in octets:
        octets += connection.recv(4096)
    return octets.decode()


def md5(text: str) -> str:
    """RFC 7616 3.4, with the hash that this registrar asks for."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def credentials(user: str, challenge: str) -> str:
    """The Authorization header that answers a challenge with qop=auth."""
    found = re.search(r'nonce="([^"]+)"', challenge)
    assert found is not None, challenge
    nonce, uri, cnonce = found[1], f"sip:{REALM}", os.urandom(8).hex()
    middle = f"{nonce}:00000001:{cnonce}:auth"
    response = md5(f"{md5(f'{user}:{REALM}:{user}pw')}:{middle}:{md5(f'REGISTER:{uri}')}")
    return (
        f'Authorization: Digest username="{user}", realm="{REALM}", nonce="{nonce}", uri="{uri}", algorithm=MD5, '
        f'qop=auth, nc=00000001, cnonce="{cnonce}", response="{response}"'
    )


def register(user: str, port: int, version: ssl.TLSVersion, keylog: Path) -> None:
    """REGISTER, 401, REGISTER with credentials, 200."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it signed itself
    context.minimum_version = context.maximum_version = version
    context.keylog_filename = str(keylog)
    with context.wrap_socket(socket.create_connection((HOST, port)), server_hostname=REALM) as connection:
        own = connection.getsockname()[1]
        connection.sendall(request(user, port, own, 1))
        challenge = answer(connection)
        connection.sendall(request(user, port, own, 2, credentials(user, challenge)))
        assert answer(connection).startswith("SIP/2.0 200 "), user


def wait_for(port: int) -> None:
    """Until somebody listens."""
    for _ in range(100):
        try:
            socket.create_connection((HOST, port)).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.1)
    sys.exit(f"nobody listens on {port}")


def main() -> None:
    """Run registrar, capture and clients; write input.pcapng and keylog.txt beside this file."""
    keylog = HERE / "keylog.txt"
    keylog.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        configure(folder)
        registrar = subprocess.Popen(["kamailio", "-DD", "-E", "-f", folder / "kamailio.cfg", "-Y", folder])
        for _, port, _ in CLIENTS:
            wait_for(port)
        time.sleep(2)  # until the registrar has closed what was only asked whether it listens
        ports = " or ".join(f"tcp port {port}" for _, port, _ in CLIENTS)
        raw = folder / "raw.pcap"
        capture = subprocess.Popen(["dumpcap", "-q", "-P", "-i", "lo", "-f", ports, "-w", raw])
        time.sleep(2)  # until it captures
        for user, port, version in CLIENTS:
            register(user, port, version, keylog)
        time.sleep(1)
        capture.terminate()
        capture.wait()
        registrar.terminate()
        registrar.wait()
        # Through classic pcap: what dumpcap says of the machine in a pcapng is nobody's business.
        subprocess.run(["editcap", "-F", "pcapng", raw, HERE / "input.pcapng"], check=True)


if __name__ == "__main__":
    main()
