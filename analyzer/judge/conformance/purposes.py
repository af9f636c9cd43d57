"""The 56 purposes of ETSI TS 102 027 that are about registration.

ETSI's own text decides what a purpose means. The table was made from the list of purposes and from RFC 3261 10.2, 10.3
and 17.1.2.2, which they follow step by step; where a purpose says more than these sections, it says more than the
table.
"""

from __future__ import annotations

from analyzer.judge.conformance.client_purposes import CLIENT_PURPOSES
from analyzer.judge.conformance.purpose import Purpose
from analyzer.judge.conformance.registrar_purposes import REGISTRAR_PURPOSES

PURPOSES: tuple[Purpose, ...] = CLIENT_PURPOSES + REGISTRAR_PURPOSES
"""All of them: 27 of who registers, 29 of the registrar."""
