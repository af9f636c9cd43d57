"""The lab in which the storm samples are made: a Kamailio, fleets of SIPp phones, and a capture, all on loopback.

Each `samples/storm-*/make.py` says what happens, in a dozen lines; run it as one who may capture on the loopback
interface. Needs kamailio, kamcmd, sipp, dumpcap and editcap. Ports are those that the kernel gives.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

HOST = "127.0.0.1"
REALM = "lab.invalid"
MODULES = "/usr/lib/x86_64-linux-gnu/kamailio/modules/"

REGISTRAR = """\
log_stderror=yes
debug=-1
fork=yes
children=2
disable_tcp=yes
auto_aliases=no
listen=udp:{host}:{port}
mpath="{modules}"
loadmodule "ctl.so"
loadmodule "kex.so"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
loadmodule "cfgutils.so"
modparam("ctl", "binrpc", "unix:{folder}/control")
modparam("pv", "shvset", "slow=i:0")
modparam("usrloc", "db_mode", 0)
modparam("registrar", "min_expires", 1)
modparam("registrar", "max_expires", 3600)
modparam("auth", "nonce_expire", 60)
modparam("auth", "qop", "auth")
request_route {{
    if ($shv(slow) == 1) usleep("200000");
    if (!is_method("REGISTER")) {{ sl_send_reply("405", "Method Not Allowed"); exit; }}
    $var(pw) = $tU + "pw";
    if (!pv_www_authenticate("{realm}", "$var(pw)", "0")) {{
        {wrong}
        www_challenge("{realm}", "1"); exit;
    }}
    consume_credentials();
    save("location");
    exit;
}}
"""
REFUSE = 'if ($rc == -2) { sl_send_reply("403", "Forbidden"); exit; }'
"""For `wrong`: 403 to a wrong password, where the default is one more challenge."""

SEND = """\
<send retrans="500"><![CDATA[

REGISTER sip:[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];rport;branch=[branch]
Max-Forwards: 70
From: <sip:[field0]@lab.invalid>;tag=[pid]T[call_number]
To: <sip:[field0]@lab.invalid>
Call-ID: [call_id]
CSeq: {cseq} REGISTER
Contact: <sip:[field0]@[local_ip]:[local_port]>
Expires: {expires}
{credentials}User-Agent: {agent}
Content-Length: 0


]]></send>
"""


class Phones:
    """What one phone of a fleet does, step by step, as a SIPp scenario."""

    def __init__(self, agent: str = "Lab phone 1.0", *, endless: bool = False) -> None:
        self._agent = agent
        self._endless = endless
        self._steps: list[str] = ['<label id="1"/>\n'] if endless else []
        self._cseq = 0

    def register(self, expires: int, answer: int = 200) -> Phones:
        """REGISTER, 401, REGISTER with credentials, `answer`."""
        self._send(expires, "")
        self._steps.append('<recv response="401" auth="true"></recv>\n')
        self._send(expires, "[field1]\n")
        again = ' auth="true"' if answer == 401 else ""
        self._steps.append(f'<recv response="{answer}"{again}></recv>\n')
        return self

    def wait(self, milliseconds: int) -> Phones:
        """Do nothing for a while."""
        self._steps.append(f'<pause milliseconds="{milliseconds}"/>\n')
        return self

    def _send(self, expires: int, credentials: str) -> None:
        self._cseq += 1
        text = SEND.format(
            cseq="[cseq]" if self._endless else self._cseq, expires=expires, credentials=credentials, agent=self._agent
        )
        self._steps.append(text)

    def scenario(self) -> str:
        """The scenario's XML."""
        steps = "".join(self._steps) + ('<nop next="1"></nop>\n' if self._endless else "")
        return f'<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="x">\n{steps}</scenario>\n'


class Lab:
    """A registrar on a port of its own, and what runs against it; everything in `folder`."""

    def __init__(self, folder: Path, wrong: str = "") -> None:
        self.folder = folder
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
            asked.bind((HOST, 0))
            self.port: int = asked.getsockname()[1]
        text = REGISTRAR.format(host=HOST, port=self.port, modules=MODULES, folder=folder, realm=REALM, wrong=wrong)
        (folder / "kamailio.cfg").write_text(text)
        self._registrar: subprocess.Popen[bytes] | None = None
        self._fleets: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start the registrar."""
        command = ["kamailio", "-DD", "-E", "-f", self.folder / "kamailio.cfg", "-Y", self.folder]
        with (self.folder / "kamailio.log").open("ab") as log:
            self._registrar = subprocess.Popen(command, stderr=log, start_new_session=True)

    def kill(self) -> None:
        """End the registrar without a word, and all its processes."""
        assert self._registrar is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._registrar.pid, signal.SIGKILL)
        self._registrar.wait()

    def slow(self, on: bool) -> None:
        """Make each of the two workers of the registrar take 0.2 s for a request, or not."""
        command = ["kamcmd", "-s", f"unix:{self.folder}/control", "pv.shvSet", "slow", "int", str(int(on))]
        subprocess.run(command, check=True, capture_output=True)

    def fleet(
        self,
        phones: Phones,
        count: int,
        rate: int,
        *,
        prefix: str = "u",
        address: int = 11,
        wrong: bool = False,
        one_port: bool = False,
        victim: str = "",
    ) -> None:
        """`count` phones at 127.0.0.`address`, of which `rate` begin in a second; with a `victim` all take that name,
        and guess a password each."""
        name = self.folder / f"{prefix}-{address}"
        names = [f"{prefix}{number:03}" for number in range(count)]
        rows = [f"{user};[authentication username={user} password={'bad' if wrong else user + 'pw'}]" for user in names]
        if victim:
            rows = [f"{victim};[authentication username={victim} password=guess{number}]" for number in range(count)]
        name.with_suffix(".csv").write_text("SEQUENTIAL\n" + "\n".join(rows) + "\n")
        name.with_suffix(".xml").write_text(phones.scenario())
        command = ["sipp", f"{HOST}:{self.port}", "-sf", name.with_suffix(".xml"), "-inf", name.with_suffix(".csv")]
        command += ["-i", f"127.0.0.{address}", "-m", str(count), "-r", str(rate), "-l", str(count)]
        command += ["-t", "u1" if one_port else "un", "-max_socket", "2000", "-nostdin", "-timeout", "120"]
        sink = (self.folder / f"{prefix}-{address}.log").open("wb")
        with sink:
            self._fleets.append(subprocess.Popen(command, stdout=sink, stderr=sink, cwd=self.folder))

    def stop(self) -> None:
        """End the latest fleet, whose phones would go on for ever."""
        self._fleets[-1].kill()

    def finish(self) -> None:
        """Until all fleets are done, then end the registrar."""
        for fleet in self._fleets:
            fleet.wait(timeout=150)
        time.sleep(1)
        self.kill()


@contextlib.contextmanager
def lab(sample: Path, wrong: str = "") -> Iterator[Lab]:
    """A running lab whose traffic becomes `input.pcap.gz` in the folder `sample`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = Lab(folder, wrong)
        raw = folder / "raw.pcap"
        made.start()
        capture = subprocess.Popen(["dumpcap", "-q", "-P", "-i", "lo", "-f", f"udp port {made.port}", "-w", raw])
        time.sleep(2)  # until both are ready
        try:
            yield made
            made.finish()
            time.sleep(1)
        finally:
            capture.terminate()
            capture.wait()
            made.kill()
        if not raw.stat().st_size:
            sys.exit("nothing was captured")
        with gzip.GzipFile(sample / "input.pcap.gz", "wb", mtime=0) as packed:
            packed.write(raw.read_bytes())


def background(made: Lab) -> None:
    """A calm fleet, as in every sample: 40 phones that register for ten minutes, two in a second."""
    made.fleet(Phones("Lab phone 2.0").register(600).wait(20_000), 40, 2, prefix="calm", address=10)
