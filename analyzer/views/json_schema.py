"""The outside of `--format json` (schema `sipcheck/1`) as a JSON Schema: what must be there, and of which type.

`sipcheck-1.schema.json` beside this module is what it makes (`make docs`); `sipcheck schema` prints it. Keys may be
added to a version, and none is removed or given another meaning (docs/interface.md 3), so the schema allows more keys
everywhere.
"""

from __future__ import annotations

import json
import sys
from typing import Any, get_args

from analyzer.register.attempt import Outcome
from analyzer.views.schema import SCHEMA as VERSION

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "integer", "minimum": 1}
TIME: Schema = {"type": ["number", "null"]}
FLAG: Schema = {"type": "boolean"}


def _one_of(*values: object) -> Schema:
    return {"enum": list(values)}


def _rows(item: Schema) -> Schema:
    return {"type": "array", "items": item}


def _counted(**names: Schema) -> Schema:
    """Counts by name: those given must be there, others may."""
    return _record(**names) | {"additionalProperties": COUNT}


def _record(**fields: Schema) -> Schema:
    """An object that has all these keys; more may be added (docs/interface.md 3)."""
    return {"type": "object", "properties": fields, "required": list(fields)}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


EVIDENCE: Schema = {
    "anyOf": [
        _record(source=TEXT, frame=NUMBER, time=TIME),
        _record(source=TEXT, line=NUMBER, end_line=NUMBER, time=TIME),
    ]
}
SOURCE = _record(
    source=TEXT,
    kind=_one_of("capture", "log"),
    format=TEXT,
    frames=COUNT,
    messages=COUNT,
    defects=COUNT,
    quality=_rows(TEXT),
)
SUMMARY = _record(
    messages=COUNT,
    register_requests=COUNT,
    transactions=COUNT,
    retransmissions=COUNT,
    keepalives=COUNT,
    responses={"type": "object", "propertyNames": {"pattern": "^[1-6][0-9][0-9]$"}, "additionalProperties": COUNT},
    registrations=COUNT,
    outcomes={"type": "object", "additionalProperties": COUNT},
    digests=_counted(match=COUNT, mismatch=COUNT, unknown=COUNT),
    findings=_counted(error=COUNT, warning=COUNT, info=COUNT),
    not_judged=COUNT,
    baseline=_or_null(
        _record(findings=_counted(error=COUNT, warning=COUNT, info=COUNT), digests=COUNT, unmet=COUNT),
    ),
)
TRANSACTION = _record(
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
    request=_or_null(EVIDENCE),
    retransmissions=COUNT,
    provisional=_rows({"type": "integer", "minimum": 100, "maximum": 199}),
    final=_or_null(_record(status={"type": "integer", "minimum": 200, "maximum": 699}, reason=TEXT, evidence=EVIDENCE)),
    state=_one_of("answered", "timeout", "aborted", "open", "headless", "unjudged"),
    credentials=FLAG,
    challenge=FLAG,
)
BINDING = _record(
    contact=TEXT,
    granted={"type": ["integer", "null"]},
    start=TIME,
    end=TIME,
    certainty=_one_of("present", "maybe", "absent"),
)
STRETCH = _record(
    state=_one_of("bound", "unbound", "unknown"),
    cause=TEXT,
    finding=_or_null(TEXT),
    until=TIME,
    **{"from": TIME},
)
ATTEMPT = _record(
    purpose=_one_of("register", "refresh", "change", "remove", "query"),
    outcome=TEXT,
    status={"type": ["integer", "null"]},
    reason=_or_null(TEXT),
    server_words={},
    findings=_rows(TEXT),
    evidence=_or_null(EVIDENCE),
)
REGISTRATION = _record(
    id=NUMBER,
    aor=TEXT,
    registrar=TEXT,
    call_ids=_rows(TEXT),
    contacts=_rows(TEXT),
    user_agent=TEXT,
    first=TIME,
    last=TIME,
    outcome=_one_of(*get_args(Outcome)),
    status={"type": ["integer", "null"]},
    transactions=_rows(NUMBER),
    bindings=_rows(BINDING),
    reachability=_rows(STRETCH),
    attempts_detail=_rows(ATTEMPT),
)
DIGEST = _record(
    verdict=_one_of("match", "mismatch", "unknown"),
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
    diagnosis=_or_null(_record(hypothesis={"type": "string", "pattern": "^D"}, text=TEXT)),
    evidence=EVIDENCE,
    form=_one_of("as-asked", "other-form", "unknown"),
    form_reason=_or_null(TEXT),
)
FINDING = _record(
    rule=TEXT,
    sub=TEXT,
    title=TEXT,
    clause=TEXT,
    force=_one_of("MUST", "SHOULD", "MAY", "none"),
    severity=_one_of("error", "warning", "info"),
    confidence=_one_of("high", "medium", "low"),
    at_fault=TEXT,
    detail=TEXT,
    fix=TEXT,
    aor=TEXT,
    call_id=TEXT,
    registration={"type": ["integer", "null"]},
    transaction={"type": ["integer", "null"]},
    count=NUMBER,
    evidence=_rows(EVIDENCE) | {"minItems": 1},
    observed=_or_null(TEXT),
    expected=_or_null(TEXT),
    explains=_rows(NUMBER),
)
OUTCOME = _record(
    rule=TEXT,
    passed=COUNT,
    violated=COUNT,
    not_applicable=COUNT,
    not_judged={"type": "object", "additionalProperties": COUNT},
    failed=COUNT,
    seen={"type": "object", "additionalProperties": COUNT},
)
NOTICE = _record(
    source=TEXT,
    side=_one_of("server", "client"),
    state=_one_of("refused", "no answer", "gave up", "challenged", "removed", "ok"),
    cause=TEXT,
    account=TEXT,
    host=TEXT,
    ports=_rows(COUNT),
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
    "$id": f"urn:{VERSION.replace('/', ':')}",
    "title": f"What sipcheck prints with --format json: {VERSION}",
    **_record(
        schema={"const": VERSION},
        sources=_rows(SOURCE),
        summary=SUMMARY,
        transactions=_rows(TRANSACTION),
        registrations=_rows(REGISTRATION),
        digests=_rows(DIGEST),
        findings=_rows(FINDING),
        outcomes=_rows(OUTCOME),
        notices=_rows(NOTICE),
    ),
}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(SCHEMA, indent=1) + "\n")
