"""The data dictionary: every column of every table, as values. The frames are made by it and `docs/tables.md` is
printed from it, so neither can say anything else.

Kinds of columns, and what they are in pandas:

    time      datetime64[ns, UTC], NaT where the source has no clock, a log has no stamp for it, or it was not seen
    duration  timedelta64[ns]
    string    string[pyarrow], for what differs from row to row
    category  category of such strings, for what repeats
    intN      whole numbers that are always known; a number beyond the range (from a hostile sender) is its end
    IntN      whole numbers that may be missing (NA)
    bool      always known
    boolean   may be missing (NA)

Text from the wire is visible text, as in every output: what a terminal would obey or an eye would miss is written out
(`\\x1b`, `\\u202e`), octets that are no UTF-8 as `\\xff`, so a frame may be printed. What was sent, octet for octet, is
in the values of the report. Where nothing was sent, or the source does not say, it is missing (NA), never an empty
string. A notebook sets what stands between dollars as a formula, whoever wrote it: before a frame is shown there, have
`pandas.set_option("display.html.use_mathjax", False)`. Pandas has attributes of its own called `copy`, `size`, `first`
and `last`: write `messages["copy"]` for such a column.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["time", "duration", "string", "category", "int64", "int32", "Int64", "Int32", "Int16", "bool", "boolean"]


class Column(NamedTuple):
    """A column: its name, its kind (see above), what it means, its unit (empty: none), and the clause that defines what
    it holds (empty: none does)."""

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    clause: str = ""


class Table(NamedTuple):
    """A table: what one row is, the column whose hour divides a large one into files, its columns."""

    row: str
    by_hour: str
    columns: tuple[Column, ...]


_C = Column
_S = "s"
_OCTETS = "octets"

_AOR = _C("aor", "category", "address-of-record, canonical, from To", clause="RFC 3261 10.2")
_USER = _C("user", "category", "user part of the address-of-record", clause="RFC 3261 19.1.1")
_FRAME = "number of the frame, or of the first line of a log, from 1"
_FILE = _C("source_file", "category", "name of the capture or log")
_REGISTRATION = _C("registration", "Int64", "number of the registration that it belongs to (`registrations`)")
_TRANSACTION = _C("transaction", "Int64", "number of its transaction (`transactions`)")
_AGENT = _C("user_agent", "category", "what the client calls itself", clause="RFC 3261 20.41")

MESSAGES = Table(
    "one SIP message that belongs to a REGISTER, as seen; packets that a capture holds twice are one",
    "time",
    (
        _C("time", "time", "when it was seen"),
        _TRANSACTION,
        _C("request", "bool", "a request, not an answer"),
        _C("method", "category", "the request's method, also of an answer", clause="RFC 3261 7.1"),
        _C("status", "Int16", "status code of an answer, 0 of a request", clause="RFC 3261 21"),
        _C(
            "copy",
            "bool",
            "a retransmission: the request was seen before, or an answer of this status to it",
            clause="RFC 3261 17.1.2.2",
        ),
        _C("source", "category", "transport address that it came from"),
        _C("destination", "category", "transport address that it went to"),
        _C("size", "int32", "length of the message, with what a capture cut off", _OCTETS),
        _C("frame", "Int64", _FRAME),
        _FILE,
    ),
)

TRANSACTIONS = Table(
    "one REGISTER transaction on one hop: a request, its copies, its answers",
    "time",
    (
        _C("transaction", "int64", "its number, from 1 in the order of the source", clause="RFC 3261 17.1.3"),
        _REGISTRATION,
        _AOR,
        _USER,
        _C("method", "category", "always REGISTER", clause="RFC 3261 10"),
        _C("call_id", "string", "Call-ID", clause="RFC 3261 20.8"),
        _C("cseq", "int64", "CSeq number, -1 where it cannot be read", clause="RFC 3261 20.16"),
        _C("branch", "string", "branch of the topmost Via", clause="RFC 3261 8.1.1.7"),
        _C("request_uri", "string", "Request-URI", clause="RFC 3261 8.1.1.1"),
        _C("source", "category", "transport address of the client, `host:port`"),
        _C("source_host", "category", "host of the client's transport address"),
        _C("destination", "category", "transport address that the request went to"),
        _C("transport", "category", "UDP, TCP, TLS, WS, WSS or SCTP", clause="RFC 3261 18"),
        _C("time", "time", "first copy of the request; NaT where only an answer was seen"),
        _C("last_sent", "time", "last copy of the request"),
        _C("final_time", "time", "first final response"),
        _C("status", "Int16", "status code of the first final response, 0 without one", clause="RFC 3261 21"),
        _C("reason", "category", "its reason phrase", clause="RFC 3261 7.2"),
        _C("provisional", "Int16", "provisional responses, at most 8 are counted", clause="RFC 3261 21.1"),
        _C("retransmissions", "Int32", "copies of the request after the first", clause="RFC 3261 17.1.2.2"),
        _C(
            "state",
            "category",
            "answered, timeout, aborted (the network said so), open (the source ended first), unjudged (answers cannot "
            "be seen), headless (only an answer was seen)",
            clause="RFC 3261 17.1.2",
        ),
        _C("credentials", "bool", "the request carries credentials that answer a challenge", clause="RFC 3261 22.2"),
        _C("challenge", "bool", "the final response carries a challenge", clause="RFC 3261 22.1"),
        _C("latency", "duration", "final_time - time"),
        _C(
            "requested",
            "Int64",
            "expiry asked for, of the first contact; NA for a query, and where the client leaves it to the registrar",
            _S,
            "RFC 3261 10.2.1.1",
        ),
        _C("granted", "Int64", "expiry granted to that contact", _S, "RFC 3261 10.3"),
        _C(
            "bound_until",
            "time",
            "of a 2xx: until when its client stayed bound from then on, refreshes included, or is bound as far as the "
            "source tells; final_time where it was not bound then, NaT where that is not known",
            clause="RFC 3261 10.3",
        ),
        _C("retry_after", "Int64", "Retry-After of the final response", _S, "RFC 3261 20.33"),
        _C("min_expires", "Int64", "Min-Expires of the final response", _S, "RFC 3261 20.23"),
        _AGENT,
        _C("frame", "Int64", f"{_FRAME}, of the request (of the answer, where it alone was seen)"),
        _FILE,
    ),
)

ATTEMPTS = Table(
    "one try of a client to register: the chain of transactions that challenges and corrections join",
    "start",
    (
        _C("attempt", "int64", "its number, from 1 in the order in which they began"),
        _REGISTRATION,
        _AOR,
        _USER,
        _C("first_transaction", "int64", "number of its first transaction"),
        _C("last_transaction", "int64", "number of its last transaction"),
        _C("transactions", "int32", "how many it has"),
        _C("start", "time", "first copy of its first request"),
        _C("end", "time", "its last final response; without one, the last copy of its last request"),
        _C(
            "outcome",
            "category",
            "registered, removed, fetched, rejected, timeout, abandoned (challenged, and not gone on), open (the "
            "source ended first), unknown",
            clause="RFC 3261 10.2, 10.3",
        ),
        _C("status", "Int16", "status code that decided it, 0 without one", clause="RFC 3261 21"),
        _C(
            "credentials",
            "bool",
            "one of its requests carries credentials that answer a challenge",
            clause="RFC 3261 22.2",
        ),
        _C("too_brief", "bool", "one of its answers was 423", clause="RFC 3261 21.4.17"),
    ),
)

REGISTRATIONS = Table(
    "one client at one registrar for one address-of-record, over all of the source",
    "first",
    (
        _C("registration", "int64", "its number, from 1 in the order of the source"),
        _AOR,
        _USER,
        _C("registrar", "category", "the registrar, by the address that requests go to"),
        _C("source", "category", "transport address of the client, the latest"),
        _C("source_host", "category", "its host"),
        _AGENT,
        _C("call_id", "string", "Call-ID, the latest", clause="RFC 3261 10.2"),
        _C("call_ids", "int32", "how many Call-IDs it used, of the latest 50"),
        _C("contact", "string", "contact, the first that was asked for", clause="RFC 3261 10.2.1"),
        _C("contacts", "int32", "how many contacts it asked for, of the first 50"),
        _C("first", "time", "its first request"),
        _C("last", "time", "its last request"),
        _C("since", "time", "since when it has its outcome"),
        _C("outcome", "category", "what became of it: the outcome of its last attempt that decided something"),
        _C("status", "Int16", "status code of that attempt, 0 without one", clause="RFC 3261 21"),
        _C(
            "state",
            "category",
            "what became of it by its timeline too: registered, ok again (after trouble), refused, no answer, gave up, "
            "ran out, not removed (could not sign off), taken away, signed off, asked, open, unclear",
        ),
        _C("attempts", "int32", "attempts"),
        _C("registered", "int32", "attempts that ended registered"),
        _C("rejected", "int32", "attempts that were rejected"),
        _C("timeouts", "int32", "attempts without a final response"),
        _C("abandoned", "int32", "attempts that the client gave up after a challenge"),
        _C("transactions", "int32", "transactions"),
        _C("refreshes", "int32", "attempts while it was registered", clause="RFC 3261 10.2.4"),
        _C("call_id_changes", "int32", "changes of Call-ID without a restart", clause="RFC 3261 10.2"),
        _C("restarts", "int32", "changes of Call-ID that look like a restart"),
        _C("granted", "Int64", "expiry granted last", _S, "RFC 3261 10.3"),
        _C(
            "reginfo",
            "category",
            "what a subscriber to registrations is told at the end: init (it has bound nothing), active or terminated; "
            "empty: not known",
            clause="RFC 3680 5.1",
        ),
        _C("bindings", "int32", "bindings that it made (`bindings`)"),
        _C("frame", "Int64", f"{_FRAME}, of its first request"),
        _FILE,
    ),
)

BINDINGS = Table(
    "one stretch of time in which a contact was bound; what is granted anew after it ran out is another",
    "start",
    (
        _C("binding", "int64", "its number, from 1"),
        _REGISTRATION,
        _AOR,
        _USER,
        _C("registrar", "category", "the registrar, by the address that requests go to"),
        _C("contact", "string", "the contact, as the registrar lists it", clause="RFC 3261 10.3"),
        _C(
            "form",
            "category",
            "in what other form than it was asked for the registrar lists it (`at 203.0.113.7`, `without ;transport`)",
            clause="RFC 3261 10.2.4, 19.1.4",
        ),
        _C("requested", "Int64", "expiry asked for last", _S, "RFC 3261 10.2.1.1"),
        _C("granted", "Int64", "expiry granted last", _S, "RFC 3261 10.3"),
        _C("start", "time", "first copy of the request that made it"),
        _C(
            "bound_from",
            "time",
            "first 2xx that lists it: from then on it is bound for certain",
            clause="RFC 3261 10.3",
        ),
        _C("learned", "time", "last 2xx that lists it"),
        _C("end", "time", "when it runs out, or was removed", clause="RFC 3261 10.2.1.1"),
        _C("certainty", "category", "present, maybe (an answer was not seen, or the clock was set back) or absent"),
        _C(
            "state",
            "category",
            "active, or terminated (removed, ran out); empty: it may be either",
            clause="RFC 3680 5.1",
        ),
    ),
)

DIGESTS = Table(
    "one distinct credentials of a transaction; byte-identical copies are counted",
    "time",
    (
        _C("digest", "int64", "its number, from 1 in the order of the source"),
        _TRANSACTION,
        _AOR,
        _USER,
        _C("time", "time", "first copy of the request that carries it"),
        _C("verdict", "category", "match, mismatch or unknown, against the passwords given"),
        _C("reason", "category", "why it is so"),
        _C(
            "form",
            "category",
            "as-asked, other-form or unknown: held against the challenge with its nonce",
            clause="RFC 7616 3.4",
        ),
        _C("form_reason", "category", "what differs from what was asked, or why that is unknown"),
        _C("hypothesis", "category", "what a mismatch comes from: the hypothesis that makes it match"),
        _C(
            "accepted", "boolean", "what the server made of it; NA where the answer does not tell", clause="RFC 3261 22"
        ),
        _C("status", "Int16", "status code of the first final response, 0 without one", clause="RFC 3261 21"),
        _C("header", "category", "authorization or proxy-authorization", clause="RFC 3261 20.7, 20.28"),
        _C("username", "category", "username", clause="RFC 7616 3.4"),
        _C("realm", "category", "realm", clause="RFC 7616 3.4"),
        _C("algorithm", "category", "algorithm; MD5 where none is named", clause="RFC 7616 3.4"),
        _C("qop", "category", "qop", clause="RFC 7616 3.4"),
        _C("method", "category", "method of the request, which is digested", clause="RFC 7616 3.4.3"),
        _C("uri", "string", "uri", clause="RFC 7616 3.4"),
        _C("nonce", "string", "nonce", clause="RFC 7616 3.3"),
        _C("nonce_count", "string", "nc, hexadecimal as sent", clause="RFC 7616 3.4"),
        _C(
            "replayed", "bool", "the nonce count does not rise over what this client sent before", clause="RFC 7616 3.4"
        ),
        _C("copies", "int32", "how often these octets were sent"),
        _C("frame", "Int64", _FRAME),
        _FILE,
    ),
)

FINDINGS = Table(
    "one rule that was broken, with its first place; the worst first",
    "time",
    (
        _C("finding", "int64", "its number, from 1"),
        _C("rule", "category", "id of the rule (`sipcheck explain RULE`)"),
        _C("sub", "category", "which of the rule's cases"),
        _C("title", "category", "the rule in a few words"),
        _C("clause", "category", "what it breaks"),
        _C("force", "category", "MUST, SHOULD, MAY or none: the standard's own word", clause="RFC 2119"),
        _C("severity", "category", "error, warning or info"),
        _C("confidence", "category", "high, medium or low"),
        _C("at_fault", "category", "who broke it"),
        _C("detail", "string", "what was seen"),
        _C("fix", "category", "how to mend it"),
        _AOR,
        _USER,
        _C("call_id", "string", "Call-ID of the first place", clause="RFC 3261 20.8"),
        _REGISTRATION,
        _TRANSACTION,
        _AGENT,
        _C("count", "int64", "how often it was seen"),
        _C("places", "int32", "how many places are known, of the first 10"),
        _C("time", "time", "when it was seen first"),
        _C("frame", "Int64", f"{_FRAME}, of the first place"),
        _FILE,
    ),
)

TABLES: dict[str, Table] = {
    "messages": MESSAGES,
    "transactions": TRANSACTIONS,
    "attempts": ATTEMPTS,
    "registrations": REGISTRATIONS,
    "bindings": BINDINGS,
    "digests": DIGESTS,
    "findings": FINDINGS,
}
"""The tables by name, in the order in which they are shown."""
