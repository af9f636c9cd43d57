#!/bin/sh
# pjproject 2.15.1, as packed in pjsua2-python 2.15.1.post1 (PyPI), default AccountConfig, UDP.
#
# Where a proxy asks first (407) and the registrar behind it then (401), the third REGISTER has credentials for both. Those
# for the proxy are the ones of the second REGISTER, octet for octet: the same nonce with nc=00000001 again, the same
# cnonce, the same response, though it is another request. RFC 7616 3.4 has nc count the requests that were sent with a
# nonce, so a proxy that checks the count has to take the third one for a replay, and to challenge again.
# Source: pjsip/src/pjsip/sip_auth_client.c, `pjsip_auth_clt_reinit_req`: the request that was challenged is sent again as
# it is, with a header more for each challenge of this response; a header for another challenger is left in it.
#
# A plain Python server on loopback is proxy and registrar. The script fails (exit 1) if the count rises.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/v"
"$folder/v/bin/pip" install --quiet --disable-pip-version-check pjsua2-python==2.15.1.post1
cat > "$folder/servers.py" <<'EOF'
import re
import socket

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 0))
server.settimeout(20)
print(server.getsockname()[1], flush=True)
asked = [
    ("407 Proxy Authentication Required", 'Proxy-Authenticate: Digest realm="p", nonce="of-the-proxy", qop="auth"'),
    ("401 Unauthorized", 'WWW-Authenticate: Digest realm="r", nonce="of-the-registrar", qop="auth"'),
    ("200 OK", "Expires: 300"),
]
for status, header in asked:
    octets, peer = server.recvfrom(65535)
    text = octets.decode()
    for value in re.findall(r"(?m)^Proxy-Authorization: (.*?)\r?$", text):
        print("PROXY", re.search(r"nc=\w+", value)[0], re.search(r'cnonce="[^"]*"', value)[0], flush=True)
    print("REGISTRAR", "Authorization: Digest" in text.replace("Proxy-Authorization", ""), flush=True)
    rows = re.findall(r"(?m)^(?:Via|From|To|Call-ID|CSeq|Contact): .*?(?=\r?$)", text)
    rows = [row + ";tag=s" if row.startswith("To:") else row for row in rows]
    rows = [row for row in rows if status.startswith("200") or not row.startswith("Contact:")]
    answer = [f"SIP/2.0 {status}", *rows, header, "Content-Length: 0", "", ""]
    server.sendto("\r\n".join(answer).encode(), peer)
EOF
cat > "$folder/phone.py" <<'EOF'
import os
import sys
import time

import pjsua2 as pj

endpoint = pj.Endpoint()
endpoint.libCreate()
config = pj.EpConfig()
config.uaConfig.threadCnt, config.uaConfig.mainThreadOnly = 0, True
endpoint.libInit(config)
transport = pj.TransportConfig()
transport.boundAddress = "127.0.0.1"
number = endpoint.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
endpoint.libStart()
account = pj.AccountConfig()
account.idUri = "sip:u@lab.invalid"
account.regConfig.registrarUri = f"sip:127.0.0.1:{sys.argv[1]}"
account.sipConfig.transportId = number
for realm in ("p", "r"):
    account.sipConfig.authCreds.append(pj.AuthCredInfo("digest", realm, "u", 0, "pw"))
phone = pj.Account()
phone.create(account)
end = time.time() + 4
while time.time() < end:
    endpoint.libHandleEvents(50)
os._exit(0)
EOF
python3 "$folder/servers.py" > "$folder/seen" &
servers=$!
while [ ! -s "$folder/seen" ]; do sleep 0.1; done
"$folder/v/bin/python" "$folder/phone.py" "$(head -n 1 "$folder/seen")" > /dev/null 2>&1
wait "$servers"
sed 1d "$folder/seen"
[ "$(grep -c '^PROXY' "$folder/seen")" = 2 ] || { echo "not two requests with credentials for the proxy"; exit 1; }
[ "$(grep '^REGISTRAR' "$folder/seen" | tail -n 1)" = "REGISTRAR True" ] || { echo "CHANGED: the registrar has none"; exit 1; }
[ "$(grep '^PROXY' "$folder/seen" | sort -u | wc -l)" = 1 ] || { echo "CHANGED: the credentials for the proxy differ"; exit 1; }
echo "as described: the proxy's credentials come twice with one count"
