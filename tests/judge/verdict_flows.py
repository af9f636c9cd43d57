"""Flows that answer the purposes of ETSI TS 102 027, for tests: what each exercises, and what comes of it."""

from __future__ import annotations

from typing import NamedTuple

AT = "> REGISTER sip:example.com\n"
ONE = "Contact: <sip:bob@192.0.2.10>\n"
TWO = "Contact: <sip:bob@192.0.2.11>\n"
IN = f"{AT}{ONE}< 200\n"
AUTH = f"{AT}< 401\n{AT}Authorization: {{bob secret}}\n< 200\n"
STAR = f"{AT}Contact: *\nExpires: 0\n"
_COPIES = "".join(f"@{at} > again\n" for at in (0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5))
_TRYING = f"@0 {AT}@0.1 < 100\n@0.5 > again\n@{{}} > again\n@{{}} > again\n"

_PENDING = f"{IN}@600 {AT}@600.5 > again\n@601.5 > again\n@603 {AT}Contact: <sip:bob@192.0.2.77>\n@603.1 < 200\n"


class Case(NamedTuple):
    """A purpose, a flow, what comes of it, and a part of the reason."""

    purpose: str
    flow: str
    outcome: str
    reason: str = ""


CLIENT_CASES = [
    Case("RG_RT_V_001", IN, "pass"),
    Case("RG_RT_V_001", "> REGISTER sip:bob@example.com\n< 200\n", "fail", "R3261-10.2-ruri-userinfo"),
    Case("RG_RT_V_002", IN, "inconclusive", "not on the wire"),
    Case("RG_RT_V_003", "> REGISTER sip:pbx.example.com\n< 200\n", "inconclusive", "configured"),
    Case("RG_RT_V_003", IN, "not exercised"),
    Case("RG_RT_V_004", IN, "pass"),
    Case("RG_RT_V_004", "> REGISTER sip:pbx.example.com\n< 200\n", "not exercised"),
    Case("RG_RT_V_005", f"dst=224.0.1.75:5060 {AT}", "inconclusive", "multicast"),
    Case("RG_RT_V_007", AUTH, "pass"),
    Case("RG_RT_V_007", AUTH.replace("Authorization", "CSeq: 1\nAuthorization"), "fail", "R3261-22.2-cseq-retry"),
    Case("RG_RT_V_007", IN, "not exercised"),
    Case(
        "RG_RT_V_007",
        f"{AT}Call-ID: a\n< 401\n{AT}Call-ID: b\nAuthorization: {{bob secret}}\n< 200\n",
        "fail",
        "R3261-8.1.3.5-retry-ids",
    ),
    Case("RG_RT_V_008", IN, "pass"),
    Case("RG_RT_V_008", f"{AT}To: tel:+1\n< 400\n", "fail", "R3261-10.2-to-aor"),
    Case("RG_RT_V_009", IN, "pass"),
    Case("RG_RT_V_009", f"{AT}From: <sip:amy@example.com>;tag=1\n< 200\n", "inconclusive", "it is a remark"),
    Case("RG_RT_V_010", f"@0 {AT}@0.5 > again\n@1.5 > again\n@2 < 200\n@600 {AT}< 200\n", "pass"),
    Case("RG_RT_V_010", f"{IN}@600 {AT}< 200\n", "not exercised"),
    Case("RG_RT_V_010", _PENDING, "fail", "R3261-10.2-pending"),
    Case("RG_RT_V_011", f"{IN}@600 {IN}", "pass"),
    Case("RG_RT_V_011", f"{IN}@600 {AT}CSeq: 1\n< 200\n", "fail", "R3261-10.2-cseq-increment"),
    Case("RG_RT_V_011", f"{IN}@600 {AT}Call-ID: x\n< 200\n", "not exercised"),
    Case("RG_RT_V_012", f"{IN}@1800 {IN}", "pass"),
    Case("RG_RT_V_012", f"{IN}@3700 {IN}", "fail", "R3261-10.2.4-refresh-late"),
    Case("RG_RT_V_012", f"{IN}@1800 {AT}{TWO}< 200\n", "not exercised"),
    Case("RG_RT_V_012", f"{IN}@1800 {AT}{ONE}Call-ID: b\n< 200\n", "inconclusive", "it is a remark"),
    Case("RG_RT_V_013", f"{IN}@9 {AT}{ONE}Expires: 0\n< 200\n-Contact\n", "pass"),
    Case("RG_RT_V_013", f"{AT}Contact: *\nExpires: 60\n< 400\n", "fail", "R3261-10.2.2-star-form"),
    Case("RG_RT_V_014", f"{AT}-Contact\n< 200\n", "pass"),
    Case("RG_RT_V_014", f"{AT}-Contact\n-Via\n< 200\n", "fail", "R3261-8.1.1-mandatory"),
    Case("RG_RT_V_014", f"{AT}-Contact\n-To\n< 400\n", "not exercised"),
    Case("RG_RT_V_015", IN, "pass"),
    Case("RG_RT_V_015", f"{AT}-Expires\n< 200\n", "not exercised"),
    Case("RG_RT_V_016", f"{AT}Contact: <sip:a@h>;q=0.1, <sip:b@h>;q=0.9\n< 200\n", "pass"),
    Case("RG_RT_V_017", f"{AT}< 200\nDate: Fri, 14 Jul 2017 02:40:00 GMT\n", "inconclusive", "clock"),
    Case("RG_RT_V_018", AUTH, "pass"),
    Case("RG_RT_V_018", AUTH.replace("secret", "other"), "fail", "R7616-digest-verify"),
    Case("RG_RT_V_018", AUTH.replace("bob", "amy"), "inconclusive", "R7616-digest-verify: no password"),
    Case("RG_RT_V_019", AUTH, "pass"),
    Case("RG_RT_V_020", AUTH.replace("401", "407").replace("Auth", "Proxy-Auth"), "pass"),
    Case("RG_RT_V_020", AUTH, "not exercised"),
    Case("RG_RT_TI_001", f"@0 {AT}@0.5 > again\n@0.6 < 200\n", "pass"),
    Case("RG_RT_TI_001", f"@0 {AT}@1 > again\n@1.1 < 200\n", "inconclusive", "T1"),
    Case("RG_RT_TI_001", f"@0 {AT}@0.02 > again\n@0.04 > again\n@0.06 > again\n@1 < 200\n", "fail", "retransmit"),
    Case("RG_RT_TI_001", f"@0 transport=TCP {AT}< 200\n", "not exercised"),
    Case("RG_RT_TI_002", f"@0 {AT}@0.5 > again\n@1.5 > again\n@1.6 < 200\n", "pass"),
    Case("RG_RT_TI_002", f"@0 {AT}@0.5 > again\n@1.3 > again\n@1.6 < 200\n", "inconclusive", "twice"),
    Case("RG_RT_TI_003", f"@0 {AT}{_COPIES}", "pass"),
    Case(
        "RG_RT_TI_003",
        f"@0 {AT}" + "".join(f"@{at} > again\n" for at in (0.5, 1.5, 3.5, 7.5, 15.5)) + "@16 < 200\n",
        "inconclusive",
        "T2",
    ),
    Case("RG_RT_TI_004", f"@0 {AT}{_COPIES}", "pass"),
    Case("RG_RT_TI_004", f"@0 {AT}{_COPIES}@45 > again\n", "fail", "Timer F"),
    Case("RG_RT_TI_005", _TRYING.format(4.5, 8.5) + "@9 < 200\n", "pass"),
    Case("RG_RT_TI_006", _TRYING.format(4.5, 8.5) + "@9 < 200\n", "pass"),
    Case("RG_RT_TI_006", _TRYING.format(1.5, 3.5) + "@9 < 200\n", "inconclusive", "T2"),
    Case("RG_RT_TI_007", f"@0 {AT}@0.1 < 100\n{_COPIES}", "pass"),
    Case("RG_RT_TI_007", f"@0 {AT}{_COPIES}", "not exercised"),
]

_OTHER = "Call-ID: other\n"
REGISTRAR_CASES = [
    Case("RG_RR_V_001", IN, "pass"),
    Case("RG_RR_V_001", f"{AT}{ONE}< 200\n-Contact\n", "fail", "R3261-10.3-8-contact-list"),
    Case("RG_RR_V_002", f"{AT}Contact: <sip:a@h>, <sip:b@h>\n< 200\n", "pass"),
    Case("RG_RR_V_002", f"{AT}Contact: <sip:a@h>, <sip:b@h>\n< 200\n-Contact\n", "fail", "contact-list"),
    Case("RG_RR_V_002", f"{AT}Contact: <sip:a@h>, <sip:b@h>\n< 200\nContact: <sip:a@h>;expires=60\n", "fail", "atomic"),
    Case(
        "RG_RR_V_003",
        f"{IN}@9 src=192.0.2.11:5060 {AT}{TWO}{_OTHER}< 200\n"
        "Contact: <sip:bob@192.0.2.10>;expires=3591, <sip:bob@192.0.2.11>;expires=3600\n",
        "pass",
    ),
    Case("RG_RR_V_003", f"{IN}@9 src=192.0.2.11:5060 {AT}{TWO}{_OTHER}< 200\n", "fail", "other-bindings"),
    Case("RG_RR_V_003", IN, "not exercised"),
    Case("RG_RR_V_004", f"{AT}From: <sip:amy@example.com>;tag=1\n< 403\n", "not exercised"),
    Case("RG_RR_V_005", f"{IN}@9 {AT}{TWO}< 200\n", "pass"),
    Case("RG_RR_V_006", f"{IN}@9 {AT}-Contact\n< 200\n{ONE.strip()};expires=3591\n@20 {IN}", "pass"),
    Case("RG_RR_V_006", f"{AT}-Contact\n< 200\n-Contact\n", "inconclusive", "nothing was seen to be bound"),
    Case("RG_RR_V_007", IN, "pass"),
    Case("RG_RR_V_007", f"{AT}Expires: 60\n{ONE}< 200\n{ONE.strip()};expires=3600\n", "fail", "expires-cap"),
    Case("RG_RR_V_008", f"{AT}-Expires\n{ONE.strip()};expires=60\n< 200\n", "pass"),
    Case("RG_RR_V_008", IN, "not exercised"),
    Case("RG_RR_V_009", f"{AT}-Expires\n{ONE}< 200\n{ONE.strip()};expires=600\n", "pass"),
    Case("RG_RR_V_009", f"{AT}-Expires\n{ONE}< 200\n{ONE}", "fail", "R3261-10.3-8-expires-param"),
    Case("RG_RR_V_010", f"{IN}@9 {STAR}{_OTHER}< 200\n-Contact\n", "pass"),
    Case("RG_RR_V_010", f"{IN}@9 {STAR}{_OTHER}< 200\n{ONE.strip()};expires=3000\n", "fail", "R3261-10.3-6-star"),
    Case("RG_RR_V_010", f"{IN}@3700 {STAR}{_OTHER}< 200\n-Contact\n", "not exercised"),
    Case("RG_RR_V_011", f"{IN}@9 {STAR}< 200\n-Contact\n", "pass"),
    Case("RG_RR_V_011", f"{IN}@9 {STAR}{_OTHER}< 200\n-Contact\n", "not exercised"),
    Case("RG_RR_V_012", f"{IN}@1800 {IN}", "pass"),
    Case("RG_RR_V_013", f"{IN}@1800 {AT}{ONE}{_OTHER}< 200\n", "pass"),
    Case("RG_RR_V_013", f"{IN}@1800 {IN}", "not exercised"),
    Case("RG_RR_V_014", f"{IN}@9 {AT}{ONE}Expires: 0\n{_OTHER}< 200\n-Contact\n", "pass"),
    Case("RG_RR_V_015", f"{IN}@1800 {IN}", "pass"),
    Case("RG_RR_V_016", f"{IN}@9 {AT}{ONE}Expires: 0\n< 200\n-Contact\n", "pass"),
    Case("RG_RR_V_016", f"{IN}@9 {AT}{ONE}Expires: 0\n< 200\n{ONE.strip()};expires=3591\n", "fail", "removal"),
    Case("RG_RR_V_017", IN, "not exercised", "calls are not read"),
    Case("RG_RR_V_018", f"{AT}< 401\n", "pass"),
    Case("RG_RR_V_018", IN, "fail", "R3261-10.3-3-authenticate"),
    Case("RG_RR_V_019", AUTH.replace("200", "403"), "inconclusive"),
    Case("RG_RR_V_019", AUTH.replace("secret", "wrong").replace("200", "403"), "inconclusive", "on the wire"),
    Case("RG_RR_V_020", f"{AT}Contact: <sip:a@h>;expires=60, <sip:b@h>;expires=90\n< 200\n", "pass"),
    Case("RG_RR_V_021", AUTH.replace("secret", "wrong").replace("200", "401"), "pass"),
    Case("RG_RR_V_021", AUTH.replace("bob", "amy").replace("200", "401"), "inconclusive", "not known"),
    Case("RG_RR_V_022", AUTH, "pass"),
    Case("RG_RR_V_022", AUTH.replace("bob", "amy"), "inconclusive", "no password"),
    Case("RG_RR_I_001", f"{AT}< 404\n", "inconclusive", "none of its rules"),
    Case("RG_RR_I_001", IN, "not exercised"),
    Case("RG_RR_I_002", "> REGISTER sip:bob@example.com\n< 200\n", "inconclusive", "no rule blames"),
    Case("RG_RR_I_003", f"{AT}Contact: *, <sip:a@h>\nExpires: 0\n< 400\n", "pass"),
    Case("RG_RR_I_003", f"{AT}Contact: *, <sip:a@h>\nExpires: 0\n< 200\n", "fail", "R3261-10.3-6-star"),
    Case("RG_RR_I_004", f"{AT}Contact: *\nExpires: 60\n< 400\n", "pass"),
    Case("RG_RR_I_004", f"{AT}Contact: *\nExpires: 60\n< 200\n-Contact\n", "fail", "R3261-10.3-6-star"),
    Case("RG_RR_O_001", f"{AT}CSeq: 9\n{ONE}< 200\n@9 {STAR}CSeq: 8\n< 500\n", "pass"),
    Case("RG_RR_O_002", f"{AT}CSeq: 9\n{ONE}< 200\n@9 {AT}{ONE}CSeq: 8\n< 500\n", "pass"),
    Case("RG_RR_O_002", f"{AT}CSeq: 9\n{ONE}< 200\n@900 {AT}{ONE}CSeq: 8\n< 200\n", "fail", "stale-cseq"),
    Case("RG_RR_O_003", f"{AT}CSeq: 9\n{ONE}< 200\n@9 {AT}{ONE}Expires: 0\nCSeq: 8\n< 500\n", "pass"),
    Case("RG_RR_O_003", f"{AT}CSeq: 9\n{ONE}< 200\n@9 {AT}{ONE}Expires: 0\nCSeq: 8\n< 200\n-Contact\n", "fail"),
]
