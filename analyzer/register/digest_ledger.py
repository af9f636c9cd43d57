"""The credentials that were sent, each with its verdict and with what the server made of it.

One record for each distinct credentials of a transaction; byte-identical retransmissions, and the same request on a
later hop, add to its `copies`. The verdict uses the values inside the credentials, so it needs no challenge.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from analyzer.escape import visible
from analyzer.evidence import Evidence, Place
from analyzer.register.bounded import Bounded, MessageCounter
from analyzer.register.challengers import LeftOut
from analyzer.register.challenges import Challenged, Challenges, for_header
from analyzer.register.choices import note_answer
from analyzer.register.digest.diagnosis.context import MOST_SEEN, DigestContext, Sent, first_of
from analyzer.register.digest.form import NOT_SEEN, DigestForm, form_of
from analyzer.register.digest.input import from_credentials
from analyzer.register.digest.secrets import Secrets
from analyzer.register.digest.verdict import (
    AKA_TOKENS,
    UNCHECKABLE,
    DigestVerdict,
    Verdict,
    judge,
    without_password,
)
from analyzer.register.nonce_counts import NonceCounts, jumped
from analyzer.register.registration import Registration
from analyzer.register.transaction import Transaction
from analyzer.sip.auth import Credentials, parse_auth_params, parse_credentials
from analyzer.sip.auth_headers import CREDENTIALS, INFO_OF, REFUSED_IN
from analyzer.sip.message import Message
from analyzer.sip.text import text

MOST_SESSIONS = 50_000
"""Clients and nonces whose earlier credentials are remembered for the diagnosis."""
KEPT_UNKNOWN = 1000
KEPT_MISMATCHES = 100_000
"""Mismatches that are listed where no detail was asked for; the others are counted."""
MOST_JUDGED = 16
"""Credentials of one request that are judged; a request has one for each realm on its way."""
CUT = DigestVerdict(Verdict.UNKNOWN, "the message is cut within these credentials")
TOO_MANY = DigestVerdict(Verdict.UNKNOWN, f"more than {MOST_JUDGED} credentials in one request: not judged")
NO_SECRETS = DigestVerdict(Verdict.UNKNOWN, "no password given")


@dataclass(slots=True, repr=False)
class DigestRecord:
    """One credentials as sent. `accepted` is None where the response does not tell (none seen, or about other things);
    `form` holds it against what was challenged. `reused`: this client sent the nonce in an earlier request too,
    `outlived`: and did so before the challenge that is in force; `replayed`: the nonce count does not rise over the
    one sent then (RFC 7616 3.4). `lacking` are those that another challenger wanted in the same request, and that were
    left out (RFC 3261 22.3). `counted_before`: the nonce count jumps, from what it was. `malformed` and `is_void` as in
    `DigestInput`. `order` is the number of its message in the run.
    `rspauth`: whether the server answered with what the password gives (RFC 7616 3.5), None where it did not, or where
    that is not known."""

    header: str
    scheme: str
    username: str
    realm: str
    algorithm: str
    qop: str
    method: str
    uri: str
    nonce: str
    nonce_count: str
    response: str
    judged: DigestVerdict
    place: Place
    time: int | None
    transaction: int
    aor: str
    raw: str
    malformed: str = ""
    is_void: bool = False
    auts: bool = False
    lacking: tuple[LeftOut, ...] = ()
    replayed: bool = False
    reused: bool = False
    outlived: bool = False
    counted_before: int | None = None
    form: DigestForm = NOT_SEEN
    accepted: bool | None = None
    status: int = 0
    copies: int = 1
    order: int = 0
    rspauth: bool | None = None

    def __repr__(self) -> str:
        whose = f"{self.username} in {self.realm}"
        return visible(f"<Digest of {whose}: {self.verdict}, {self.judged.reason!r}, {self.place}>")

    @property
    def evidence(self) -> Evidence:
        """Where and when it was sent."""
        return Evidence(self.place, self.time)

    @property
    def is_cut(self) -> bool:
        """Whether the capture's snap length fell into these credentials: no value of theirs can be trusted."""
        return self.judged is CUT

    @property
    def is_empty(self) -> bool:
        """Whether it answers nothing: a mobile phone's first REGISTER names its user so, with nonce and response empty
        (3GPP TS 24.229 5.1.1.2; RFC 8760 2.7)."""
        return not self.response.strip() and not self.nonce.strip() and not self.malformed

    @property
    def is_aka(self) -> bool:
        """Whether a SIM answers, and no password (RFC 3310, RFC 4169)."""
        return self.algorithm.strip().lower() in AKA_TOKENS

    @property
    def is_resynchronisation(self) -> bool:
        """Whether the SIM asks for another challenge instead of answering this one (RFC 3310 3.4: `auts`)."""
        return self.is_aka and self.auts

    @property
    def verdict(self) -> str:
        """`match`, `mismatch` or `unknown`."""
        return str(self.judged.verdict.value)

    @property
    def password_is_right(self) -> bool:
        """Whether the phone has the password that is known, be its response right or not: another value that it hashes
        makes the response come out."""
        found = self.judged.diagnosis
        return self.judged.verdict is Verdict.MATCH or (found is not None and found.password_is_right)

    @property
    def is_uncheckable(self) -> bool:
        """Whether values that may have been hashed were not sent, so that no password can be held against it."""
        return self.judged.reason.startswith(UNCHECKABLE)

    @property
    def is_right_in_another_form(self) -> bool:
        """The password is right, and the digest is in a form that the challenge did not ask for."""
        return self.judged.verdict is Verdict.MATCH and self.form.word == "other-form"


class DigestLedger:
    """The records of the live transactions, and the totals of all. `detail` keeps every record for the report.

    It remembers for rules, which get the records of a transaction as its subject's `digests`: what this client said
    last under a nonce (`counts`, `replayed`), what it said elsewhere, and what the server made of each (`accepted`).
    """

    def __init__(
        self, secrets: Secrets, challenges: Challenges, counter: MessageCounter | None = None, *, detail: bool
    ) -> None:
        self._ordinal = counter or MessageCounter()
        self._secrets = secrets
        self._challenges = challenges
        self._detail = detail
        self._live: dict[int, dict[str, DigestRecord]] = {}
        self._diagnoser: object | None = None
        self._last: Bounded[int, Sent] = Bounded(MOST_SESSIONS, lambda _, sent: sum(map(len, sent)))
        self.counts = NonceCounts()
        self._first: Bounded[int, tuple[str, str]] = Bounded(MOST_SESSIONS, lambda _, pair: sum(map(len, pair)))
        self._elsewhere: Bounded[tuple[str, str], tuple[str, str]] = Bounded(
            MOST_SESSIONS, lambda key, value: sum(map(len, (*key, *value)))
        )
        self._mismatches = self.dropped = 0
        self.other_form = self.no_password = 0
        self.records: list[DigestRecord] = []
        self.verdicts: Counter[str] = Counter()
        self.given = bool(secrets)

    def sent(self, transaction: Transaction, message: Message, registration: Registration | None, aor: str) -> None:
        """Take in a request, or a copy of one."""
        known = self._live.get(transaction.path.first.id if transaction.path else transaction.id, {})
        for number, credentials in enumerate(message.credentials):
            if self._is_copy(credentials, transaction, known):
                continue
            if number < MOST_JUDGED:
                self._keep(self._record(credentials, transaction, message, registration, aor))
            else:
                self._keep(_record_of(credentials, TOO_MANY, transaction, message, aor))
        header = message.cut_header
        if header is not None and header.key in CREDENTIALS:  # counted, not judged (docs/rules/traps.md T-FRAG)
            cut = parse_credentials(header.key, text(header.value))
            if not self._is_copy(cut, transaction, {}):
                self._keep(_record_of(cut, CUT, transaction, message, aor))

    def _is_copy(self, credentials: Credentials, transaction: Transaction, first_hop: dict[str, DigestRecord]) -> bool:
        """Whether these very octets were sent before in this transaction, or on its first hop; counts them there."""
        own = self._live.get(transaction.id, {})
        same = own.get(credentials.raw) or first_hop.get(credentials.raw)
        if same is not None:
            same.copies += 1
        return same is not None

    def _keep(self, record: DigestRecord) -> None:
        """Take in a new record; the report gets it if a view lists every one, or if it tells something by itself."""
        record.order = self._ordinal.number
        self._live.setdefault(record.transaction, {})[record.raw] = record
        self.verdicts[record.verdict] += 1
        self.other_form += record.is_right_in_another_form
        self.no_password += record.is_void or record.is_aka
        if self._detail or self._tells(record):
            self.records.append(record)

    def _tells(self, record: DigestRecord) -> bool:
        """Worth keeping where no detail was asked for: what is wrong, and some of what could not be judged."""
        if record.judged.verdict is Verdict.MISMATCH:
            self.dropped += self._mismatches >= KEPT_MISMATCHES
            self._mismatches += 1
            return self._mismatches <= KEPT_MISMATCHES
        tells = record.judged.verdict is Verdict.UNKNOWN or record.is_right_in_another_form
        return self.given and tells and len(self.records) < KEPT_UNKNOWN

    def of(self, transaction: Transaction) -> list[DigestRecord]:
        """The credentials of a live transaction."""
        return list(self._live.get(transaction.id, {}).values())

    def answered(self, transaction: Transaction, lacking: tuple[LeftOut, ...] = ()) -> None:
        """Note what the server made of the credentials, and which others it wanted beside them (`lacking`)."""
        for record in self.of(transaction):
            record.status, record.lacking = transaction.status, lacking
            record.accepted = accepted(record.header, transaction.status)
            if self.given and record.accepted and transaction.final is not None:
                record.rspauth = self._rspauth(record, transaction.final)

    def _rspauth(self, record: DigestRecord, final: Message) -> bool | None:
        """Whether the server proves that it knows the secret of right credentials; None where it does not try to."""
        row = final.first(INFO_OF[record.header])
        if row is None or record.judged.verdict is not Verdict.MATCH or final.raw_message.missing:
            return None
        sent = next((one.value for one in parse_auth_params(row) if one.name.lower() == "rspauth"), "")
        from analyzer.register.digest.mutual import server_knows_secret  # late: hardly a server does

        own = parse_credentials(record.header, record.raw)
        return server_knows_secret(own, record.method, sent, final.body, self._secrets) if sent else None

    def closed(self, transaction: Transaction) -> None:
        """The transaction is evicted."""
        self._live.pop(transaction.id, None)

    def _record(
        self,
        credentials: Credentials,
        transaction: Transaction,
        message: Message,
        registration: Registration | None,
        aor: str,
    ) -> DigestRecord:
        judged = self._judge(credentials, transaction, message, registration)
        record = _record_of(credentials, judged, transaction, message, aor)
        if record.method != "REGISTER":
            self._elsewhere[(record.username, record.nonce)] = (record.method, record.uri)
        if registration is not None:
            first = self._first.get(registration.id)
            if first is None or first[0] != record.nonce:
                self._first[registration.id] = (record.nonce, credentials.cnonce or "")
            if not record.is_empty:
                self._use_nonce(registration, record, transaction.destination.host)
                note_answer(registration, record.realm, record.algorithm)
            self._last[registration.id] = Sent(record.response, record.nonce, record.nonce_count)
        offers = self._challenges.offers(transaction.destination.host, record.realm, record.nonce)
        record.form = form_of(credentials, offers, count_repeated=record.replayed)
        return record

    def _use_nonce(self, registration: Registration, record: DigestRecord, server: str) -> None:
        """Note the use of a nonce, and what earlier requests of this client say of it."""
        realm, nonce = record.realm, record.nonce
        in_force = for_header(self._challenges.in_force(registration.id, realm), record.header)
        used = self.counts.use(registration.id, realm, nonce, record.nonce_count, in_force, self._ordinal.number)
        record.reused, record.outlived, record.replayed, before = used
        if jumped(record.nonce_count, before) and self._is_its_own(registration, record, in_force, server):
            record.counted_before = before

    def _is_its_own(
        self, registration: Registration, record: DigestRecord, in_force: Sequence[Challenged], server: str
    ) -> bool:
        """Whether this client's REGISTERs are all that counts for a nonce, as far as the capture shows: it was given to
        its Call-ID alone, no request of another method has it, and none of its own is missing (T-LOSS)."""
        use = self._challenges.use(server, record.realm, record.nonce)
        if use is None or len(use.call_ids) > 1 or (record.username, record.nonce) in self._elsewhere:
            return False
        return not in_force or in_force[0].holes == registration.holes

    def _judge(
        self, credentials: Credentials, transaction: Transaction, message: Message, registration: Registration | None
    ) -> DigestVerdict:
        if not self.given:
            return without_password(credentials) or NO_SECRETS
        if message.raw_message.missing and message.body == b"" and (credentials.qop or "").lower() == "auth-int":
            return DigestVerdict(Verdict.UNKNOWN, "the message is cut, and the digest covers its body")
        if self._diagnoser is None:
            from analyzer.register.digest.diagnosis.diagnoser import (
                Diagnoser,  # late: only runs with secrets pay for it
            )

            self._diagnoser = Diagnoser()
        digest = from_credentials(credentials, message.method, message.body)
        context = self._context(credentials, transaction, message, registration)
        return judge(digest, self._secrets, context, self._diagnoser)  # type: ignore[arg-type]

    def _context(
        self, credentials: Credentials, transaction: Transaction, message: Message, registration: Registration | None
    ) -> DigestContext:
        """What was seen around the credentials, each list cut to `MOST_SEEN`: a request may have thousands of headers
        of a kind, and of credentials."""
        contacts = message.contacts[:MOST_SEEN]
        addresses = [address for address in (message.to, message.from_, *contacts) if address and address.uri]
        challenged = self._challenges.in_force(registration.id, credentials.realm or "") if registration else []
        earlier = self._last.get(registration.id) if registration else None
        hosts = (f"{via.host}:{via.port}" if via.port else via.host for via in message.vias[: MOST_SEEN - 2])
        nonce = credentials.nonce or ""
        first = self._first.get(registration.id) if registration else None
        other = self._elsewhere.get((credentials.username or "", nonce))
        server = transaction.destination.host
        realms = self._challenges.realms(server)
        offers = self._challenges.offers(server, credentials.realm or "", nonce)
        return DigestContext(
            realms=first_of(realm for realm in realms if realm != credentials.realm),
            first=first if first is not None and first[0] == nonce else None,
            others=() if other is None else (other,),
            users=first_of(address.uri.user for address in addresses if address.uri and address.uri.user),
            request_uri=message.request_uri,
            uris=first_of(address.uri.text for address in addresses if address.uri),
            hosts=first_of([*hosts, transaction.destination.written, transaction.destination.host]),
            nonces=first_of(one for row in challenged for one in sorted(row.nonces) if one != nonce),
            previous_nc=earlier.nc if earlier else "",
            qop_offers=first_of(",".join(row.qop) for row in challenged if row.qop),
            earlier=(earlier,) if earlier else (),
            qop_asked=any(offer.qop for offer in offers) if offers else None,
        )


def _record_of(
    credentials: Credentials, judged: DigestVerdict, transaction: Transaction, message: Message, aor: str
) -> DigestRecord:
    return DigestRecord(
        header=credentials.header,
        scheme=credentials.scheme,
        username=credentials.username or "",
        realm=credentials.realm or "",
        algorithm=credentials.algorithm or "",
        qop=credentials.qop or "",
        method=message.method,
        uri=credentials.uri or "",
        nonce=credentials.nonce or "",
        nonce_count=credentials.nc or "",
        response=credentials.response or "",
        judged=judged,
        place=message.raw_message.place,
        time=message.raw_message.time,
        transaction=transaction.id,
        aor=aor,
        raw=credentials.raw,
        malformed=credentials.malformed,
        is_void=credentials.is_void,
        auts=bool(credentials.get("auts")),
        form=DigestForm("unknown", why=judged.reason) if judged is CUT or judged is TOO_MANY else NOT_SEEN,
    )


def accepted(header: str, status: int) -> bool | None:
    """What a final response says of the credentials in `header` (RFC 3261 22.1-22.3).

    401 refuses Authorization and 407 Proxy-Authorization; 403 refuses both, though it may be authorisation that failed
    (10.3 step 4); 2xx accepts, and so does 423, which a registrar reaches only behind authentication (10.3 steps 3, 7).
    """
    if 200 <= status < 300 or status == 423:
        return True
    return False if status == 403 or REFUSED_IN.get(status) == header else None
