"""The purposes of ETSI TS 102 027 for a registrar (RG_RR): valid behaviour (V), invalid (I) and inopportune (O)
requests.

Those about a binding that is there follow RFC 3261 10.3 steps 6 and 7, which ask whether the Call-ID is that of the
binding, and then whether CSeq is higher.
"""

from __future__ import annotations

from analyzer.judge.conformance import registrar_questions as registrar
from analyzer.judge.conformance.client_questions import never
from analyzer.judge.conformance.purpose import Purpose, purpose

REGISTRAR_PURPOSES = (
    purpose(
        "RG_RR_V_001",
        "A contact is bound: the 200 lists it with its lifetime.",
        "a 2xx to a REGISTER with one contact",
        registrar.accepted_one,
        by=("R3261-10.3-8-contact-list", "R3261-10.3-8-expires-param"),
    ),
    purpose(
        "RG_RR_V_002",
        "Several contacts of one request are bound: the 200 lists each.",
        "a 2xx to a REGISTER with several contacts",
        registrar.accepted_several,
    ),
    purpose(
        "RG_RR_V_003",
        "The 200 also lists what others have bound.",
        "a 2xx to a REGISTER while another contact is bound",
        registrar.accepted_beside_others,
        registrar.lists_others,
        "a contact that was bound is not listed; it may have been removed unseen",
    ),
    purpose(
        "RG_RR_V_004",
        "Somebody who may registers for another.",
        "a 2xx to a REGISTER whose From and To are two users",
        registrar.accepted_third_party,
    ),
    purpose(
        "RG_RR_V_005",
        "A further contact is added to those that are bound.",
        "a 2xx to a REGISTER with a contact that was not bound, while others are",
        registrar.accepted_anew,
    ),
    purpose(
        "RG_RR_V_006",
        "A query is answered by the list, and changes nothing.",
        "a 2xx to a REGISTER without Contact",
        registrar.accepted_query,
        registrar.lists_bound,
        "nothing was seen to be bound, or not all of it is listed",
    ),
    purpose(
        "RG_RR_V_007",
        "The lifetime of the Expires header field is granted, or less.",
        "a 2xx to a REGISTER with Expires",
        registrar.accepted_by_header,
    ),
    purpose(
        "RG_RR_V_008",
        "The lifetime of the Contact's parameter is granted, or less.",
        "a 2xx to a REGISTER with an expires parameter",
        registrar.accepted_by_parameter,
    ),
    purpose(
        "RG_RR_V_009",
        "Without a lifetime in the request, the registrar chooses one.",
        "a 2xx to a REGISTER that does not say how long",
        registrar.accepted_without_expiry,
    ),
    purpose(
        "RG_RR_V_010",
        "`*` with Expires: 0 removes what another Call-ID has bound.",
        "an answered `*` over a contact that another Call-ID had bound",
        registrar.star_over_other_call,
    ),
    purpose(
        "RG_RR_V_011",
        "`*` with Expires: 0 and a higher CSeq removes what the same Call-ID has bound.",
        "an answered `*` over a contact that the same Call-ID had bound",
        registrar.star_over_same_call,
    ),
    purpose(
        "RG_RR_V_012",
        "A refresh is answered by the list, with the new lifetime.",
        "a 2xx to a REGISTER for a contact that is bound",
        registrar.accepted_refresh,
        by=("R3261-10.3-8-contact-list", "R3261-10.3-8-expires-param"),
    ),
    purpose(
        "RG_RR_V_013",
        "Another Call-ID may change a binding.",
        "a 2xx to a REGISTER for a contact that another Call-ID had bound",
        registrar.updated_by_other_call,
    ),
    purpose(
        "RG_RR_V_014",
        "Another Call-ID may remove a binding.",
        "a 2xx to the removal of a contact that another Call-ID had bound",
        registrar.removed_by_other_call,
    ),
    purpose(
        "RG_RR_V_015",
        "The same Call-ID with a higher CSeq changes a binding.",
        "a 2xx to a REGISTER for a contact that the same Call-ID had bound",
        registrar.updated_by_same_call,
    ),
    purpose(
        "RG_RR_V_016",
        "The same Call-ID with a higher CSeq removes a binding.",
        "a 2xx to the removal of a contact that the same Call-ID had bound",
        registrar.removed_by_same_call,
    ),
    purpose(
        "RG_RR_V_017",
        "A registration during a call is like any other.",
        "a REGISTER during a call of the same phone; calls are not read",
        never,
    ),
    purpose(
        "RG_RR_V_018",
        "A request without credentials is challenged.",
        "an answered REGISTER without credentials",
        registrar.unauthenticated,
        by=("R3261-22.2-challenge-present",),
    ),
    purpose(
        "RG_RR_V_019",
        "Who is known and may not register is answered with 403.",
        "a 403 to a REGISTER with credentials, and the password",
        registrar.forbidden_credentials,
        never,
        "who may register is not on the wire",
    ),
    purpose(
        "RG_RR_V_020",
        "Contacts with a lifetime each are granted it each.",
        "a 2xx to a REGISTER whose contacts have lifetimes of their own",
        registrar.accepted_apart,
    ),
    purpose(
        "RG_RR_V_021",
        "Credentials that are not right are challenged anew.",
        "a 401 or 407 to a REGISTER with credentials",
        registrar.refused_credentials,
        registrar.wrong_credentials,
        "whether the credentials were wrong is not known",
    ),
    Purpose(
        id="RG_RR_V_022",
        text="Right credentials are accepted.",
        needs="a 2xx to a REGISTER with credentials, and the password",
        exercised=registrar.accepted_credentials,
        only=("rejected-good", "forbidden"),
    ),
    purpose(
        "RG_RR_I_001",
        "An address-of-record that is not of the domain is answered with 404.",
        "a 404, or an answer to a REGISTER for another domain",
        registrar.foreign_user,
        registrar.not_found,
        "a registrar may serve that domain too",
    ),
    purpose(
        "RG_RR_I_002",
        "A user part in the Request-URI is passed over: the answer is 200.",
        "an answered REGISTER with a user part in its Request-URI",
        registrar.user_answered,
        never,
        "no rule blames a registrar for its answer to that",
    ),
    purpose(
        "RG_RR_I_003",
        "`*` beside another contact is refused.",
        "an answered REGISTER with `*` and another contact",
        registrar.star_beside_others,
    ),
    purpose(
        "RG_RR_I_004",
        "`*` without Expires: 0 is refused.",
        "an answered REGISTER with `*` and another lifetime than 0, or none",
        registrar.star_that_stays,
    ),
    purpose(
        "RG_RR_O_001",
        "`*` with an old CSeq removes nothing of the same Call-ID.",
        "an answered `*` with an old CSeq",
        registrar.old_star,
    ),
    purpose(
        "RG_RR_O_002",
        "A change with an old CSeq of the same Call-ID fails.",
        "an answered REGISTER with an old CSeq for a contact that is bound",
        registrar.old_update,
    ),
    purpose(
        "RG_RR_O_003",
        "A removal with an old CSeq of the same Call-ID fails.",
        "an answered removal with an old CSeq of a contact that is bound",
        registrar.old_removal,
    ),
)
"""In their order."""
