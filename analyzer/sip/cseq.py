"""CSeq: a number below 2**31 and the method (RFC 3261 8.1.1.5, 20.16)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from analyzer.defect import Defect
from analyzer.escape import visible
from analyzer.sip.grammar import LWS, LWS_CHARACTER
from analyzer.sip.scalar import decimal
from analyzer.sip.text import clip, is_token

# CSeq = 1*DIGIT LWS Method. One real client (sipsak -f) leaves the old number behind the new one, `8 7 REGISTER`, and
# its registrar answers: so the first word is the number, the last the method, and what stands between is a defect.
_COMMON_FORM = re.compile(r"([0-9]{1,9}) ([A-Z]+)")
_BLANKS, _OTHERS = f"{LWS_CHARACTER}++", r"[^ \t\r\n]++"
_CSEQ = re.compile(rf"([0-9]++){_BLANKS}((?:{_OTHERS}{_BLANKS})*)({_OTHERS})")


@dataclass(slots=True, unsafe_hash=True)
class CSeq:
    """`number` is kept beyond 2**31 (with a defect); `method` keeps its case, for methods are case-sensitive."""

    number: int
    method: str
    raw: str
    defects: tuple[Defect, ...] = ()

    @staticmethod
    def parse(text: str) -> CSeq | None:
        """Parse `314159 REGISTER`; None if it is not digits, blanks and words."""
        plain = _COMMON_FORM.fullmatch(text)
        if plain is not None:
            return CSeq(int(plain[1]), plain[2], text)
        found = _CSEQ.fullmatch(text.strip(LWS))
        if found is None:
            return None
        number = decimal(found[1])
        assert number is not None  # the pattern matched digits
        return CSeq(number, found[3], text, _defects(number, found[2].strip(LWS), found[3]))

    def __str__(self) -> str:
        return visible(f"{self.number} {self.method}")


def _defects(number: int, between: str, method: str) -> tuple[Defect, ...]:
    found = []
    if number >= 2**31:  # 8.1.1.5: "MUST be expressible as a 32-bit unsigned integer and MUST be less than 2**31"
        found.append(Defect("cseq-out-of-range", f"the CSeq number {clip(str(number))} is not below 2**31"))
    if between:
        found.append(Defect("bad-cseq", f"{clip(between)!r} stands between the CSeq number and the method"))
    if not is_token(method):
        found.append(Defect("bad-cseq", f"the CSeq method {clip(method)!r} is no token"))
    return tuple(found)
