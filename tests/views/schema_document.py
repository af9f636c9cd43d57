"""The outside of `--format json` (schema `sipcheck/1`) as a JSON Schema: what must be there, and of which type."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "integer", "minimum": 1}
TIME: Schema = {"type": ["number", "null"]}
FLAG: Schema = {"type": "boolean"}


def one_of(*values: object) -> Schema:
    return {"enum": list(values)}


def rows(item: Schema) -> Schema:
    return {"type": "array", "items": item}


def counted(**names: Schema) -> Schema:
    """Counts by name: those given must be there, others may."""
    return record(**names) | {"additionalProperties": COUNT}


def record(**fields: Schema) -> Schema:
    """An object that has all these keys; more may be added (docs/interface.md 3)."""
    return {"type": "object", "properties": fields, "required": list(fields)}


def or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


EVIDENCE: Schema = {
    "anyOf": [
        record(source=TEXT, frame=NUMBER, time=TIME),
        record(source=TEXT, line=NUMBER, end_line=NUMBER, time=TIME),
    ]
}
SOURCE = record(
    source=TEXT,
    kind=one_of("capture", "log"),
    format=TEXT,
    frames=COUNT,
    messages=COUNT,
    defects=COUNT,
    quality=rows(TEXT),
)
SUMMARY = record(
    messages=COUNT,
    register_requests=COUNT,
    transactions=COUNT,
    retransmissions=COUNT,
    keepalives=COUNT,
    responses={"type": "object", "propertyNames": {"pattern": "^[1-6][0-9][0-9]$"}, "additionalProperties": COUNT},
    registrations=COUNT,
    outcomes={"type": "object", "additionalProperties": COUNT},
    digests=counted(match=COUNT, mismatch=COUNT, unknown=COUNT),
    findings=counted(error=COUNT, warning=COUNT, info=COUNT),
    not_judged=COUNT,
    baseline=or_null(
        record(findings=counted(error=COUNT, warning=COUNT, info=COUNT), digests=COUNT, unmet=COUNT),
    ),
)
TRANSACTION = record(
    id=NUMBER,
    method=TEXT,
    call_id=TEXT,
    cseq={"type": "integer"},
    branch=TEXT,
    aor=TEXT,
    request_uri=TEXT,
    source=TEXT,
    destination=TEXT,
    transport=TEXT,
    request=or_null(EVIDENCE),
    retransmissions=COUNT,
    provisional=rows({"type": "integer", "minimum": 100, "maximum": 199}),
    final=or_null(record(status={"type": "integer", "minimum": 200, "maximum": 699}, reason=TEXT, evidence=EVIDENCE)),
    state=one_of("answered", "timeout", "aborted", "open", "headless", "unjudged"),
    credentials=FLAG,
    challenge=FLAG,
)
BINDING = record(
    contact=TEXT,
    granted={"type": ["integer", "null"]},
    start=TIME,
    end=TIME,
    certainty=one_of("present", "maybe", "absent"),
)
REGISTRATION = record(
    id=NUMBER,
    aor=TEXT,
    registrar=TEXT,
    call_ids=rows(TEXT),
    contacts=rows(TEXT),
    user_agent=TEXT,
    first=TIME,
    last=TIME,
    outcome=one_of("registered", "removed", "fetched", "rejected", "timeout", "abandoned", "open", "unknown"),
    status={"type": ["integer", "null"]},
    transactions=rows(NUMBER),
    bindings=rows(BINDING),
)
DIGEST = record(
    verdict=one_of("match", "mismatch", "unknown"),
    username=TEXT,
    realm=TEXT,
    algorithm=TEXT,
    qop={"type": ["string", "null"]},
    method=TEXT,
    uri=TEXT,
    nonce=TEXT,
    accepted={"type": ["boolean", "null"]},
    copies=NUMBER,
    reason=TEXT,
    diagnosis=or_null(record(hypothesis={"type": "string", "pattern": "^D"}, text=TEXT)),
    evidence=EVIDENCE,
    form=one_of("as-asked", "other-form", "unknown"),
    form_reason=or_null(TEXT),
)
FINDING = record(
    rule=TEXT,
    sub=TEXT,
    title=TEXT,
    clause=TEXT,
    force=one_of("MUST", "SHOULD", "MAY", "none"),
    severity=one_of("error", "warning", "info"),
    confidence=one_of("high", "medium", "low"),
    at_fault=TEXT,
    detail=TEXT,
    fix=TEXT,
    aor=TEXT,
    call_id=TEXT,
    registration={"type": ["integer", "null"]},
    transaction={"type": ["integer", "null"]},
    count=NUMBER,
    evidence=rows(EVIDENCE) | {"minItems": 1},
    observed=or_null(TEXT),
    expected=or_null(TEXT),
)
OUTCOME = record(
    rule=TEXT,
    passed=COUNT,
    violated=COUNT,
    not_applicable=COUNT,
    not_judged={"type": "object", "additionalProperties": COUNT},
    failed=COUNT,
    seen={"type": "object", "additionalProperties": COUNT},
)
NOTICE = record(
    source=TEXT,
    side=one_of("server", "client"),
    state=one_of("refused", "no answer", "gave up", "challenged", "ok"),
    cause=TEXT,
    account=TEXT,
    host=TEXT,
    ports=rows(COUNT),
    server=TEXT,
    method=TEXT,
    status={"type": ["integer", "null"]},
    said=TEXT,
    meaning=TEXT,
    advice=TEXT,
    count=NUMBER,
    first=EVIDENCE,
    last=EVIDENCE,
)
SCHEMA: Schema = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    **record(
        schema={"const": "sipcheck/1"},
        sources=rows(SOURCE),
        summary=SUMMARY,
        transactions=rows(TRANSACTION),
        registrations=rows(REGISTRATION),
        digests=rows(DIGEST),
        findings=rows(FINDING),
        outcomes=rows(OUTCOME),
        notices=rows(NOTICE),
    ),
}
