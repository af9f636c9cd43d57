"""Marks of a subject: cheap facts, by which the judge knows which rules can have anything to say about it.

Most of what a capture holds is in order, and most rules are about something that most subjects do not have. So each
subject is marked once, and a rule's card names the marks without which it is not concerned, and those without which
the subject keeps it; only then is it asked (`findings.Rule`). A mark is a necessary condition and no judgement: it may
be set where the rule then finds nothing, and must be set wherever the rule might find something.
"""

from __future__ import annotations

# A request at its first copy
REQUEST = 1 << 0
"""It is one."""
ODD_HEADERS = 1 << 1
"""One of the six mandatory headers is missing, or cannot be read."""
RURI_USER = 1 << 2
"""The Request-URI has a user part."""
TO_TAG = 1 << 3
"""To has a tag."""
NO_FROM_TAG = 1 << 4
"""From has no tag."""
NEW_CALL_ID = 1 << 5
"""The client's request before had another Call-ID."""
STAR = 1 << 6
"""One of the contacts is `*`; of a transaction only where that is answered with a 400, or a list that is odd."""
ODD_VALUES = 1 << 7
"""It, or one of its values, may leave the grammar; of a final response, too (`register/unusual.py`)."""
ODD_AOR = 1 << 8
"""From or To names more than user and host, or less."""
SECURE = 1 << 9
"""One of its URIs is a SIPS URI or has `transport=tls`, or there is a Route."""

# A final response, or the transaction that it ends
CHALLENGE = 1 << 10
"""It has a WWW-Authenticate or Proxy-Authenticate header."""
SUCCESS = 1 << 11
"""It is a 2xx."""
UNANSWERED = 1 << 12
"""There is no final response, or no request."""
DIGESTS = 1 << 13
"""The request carries credentials."""
ODD_FORM = 1 << 14
"""... in another form than was asked for, or in one that nothing can be said of, or several of them."""
OTHER_URI = 1 << 15
"""... several of them, or for another URI than the request line has, or where that may have been changed on the way."""
OTHER_NONCE = 1 << 16
"""... several of them, or with another nonce than that in force for their realm, if any is, or in a later copy, or
malformed."""
REFUSED = 1 << 17
"""... and is answered with a challenge."""
SINKING = 1 << 18
"""A 2xx to a client that asks for what it was granted last, which is less than it asked for then."""

# An attempt
FAILED = 1 << 19
"""It did not end in a 2xx that does what was asked."""
TOO_BRIEF = 1 << 20
"""One of its answers was a 423; of a transaction: its final response is."""
CHOICE = 1 << 21
"""Its client was offered a choice of challenges."""

ODD_EXCHANGE = 1 << 22
"""Of a transaction: its request was not seen, or came over a proxy, has another Max-Forwards than 70, a Record-Route,
or From and To of different text; or the answer has a Record-Route, or is a 403, 404 or 480."""

# A step
RETRIED = 1 << 23
"""It goes on after an answer that asks for another request in its place (`register/retried.py`)."""
NEW_IDS = 1 << 24
"""... and does not repeat Call-ID, From and To of that request octet for octet."""
FOLLOWS = 1 << 25
"""The client has a transaction before it, of another attempt."""
CALL_ID_CHANGED = 1 << 26
"""Its Call-ID is not the one in use."""
COUNTED = 1 << 27
"""CSeq is higher than that of the Call-ID's transaction before."""
JUMPED = 1 << 28
"""... by more than one."""

RETRY = 1 << 29
"""It brings credentials after the Call-ID's transaction before, to the same destination, was challenged; both have a
readable CSeq."""
NO_RETRY = 1 << 30
"""There is such a transaction, and it does not."""
NOT_RAISED = 1 << 31
"""CSeq is not higher than that transaction's."""
AFTER_REQUEST = 1 << 32
"""The client's request before was seen, and both have a time."""
PENDING = 1 << 33
"""That request has no final response so far."""

NAMESAKE = 1 << 34
"""Its Call-ID is new to this client, and another one has used it."""

# A binding event
ASKED_AGAIN = 1 << 35
"""A request names a known contact, or nothing did until long after it ran out."""

REMOVED = 1 << 36
"""An answer lists it no more."""

# A transaction
ANSWERED = 1 << 37
"""There are a request and a final response."""
ODD_ECHO = 1 << 38
"""Its final response does not repeat the request's From, To, Call-ID and CSeq octet for octet (but for a tag that is
added), has more Via values, or one of both is cut; or an answer to an older one of its Call-ID and CSeq came; of a
closed one: several final responses differ."""

MALFORMED = 1 << 39
"""A header that carries credentials or a challenge may leave the grammar, or there are both, or several hops."""
LACKING = 1 << 40
"""Credentials may be left out beside those that are sent, or nothing can be said of these."""

# What a registrar makes of a request (RFC 3261 10.3)
BARE = 1 << 41
"""A transaction without credentials whose final response is neither 401 nor 407."""
ODD_LIST = 1 << 42
"""A 2xx that lists anything but the one contact that was asked for, with time left and no more than was asked for; or
a refusal that lists any; or the request is not known."""
OVERTAKEN = 1 << 43
"""An answer, and no challenge, to a request that names a binding which a later one of its Call-ID has made."""
GLOBAL_FAILURE = 1 << 44
"""Its final response is a 6xx."""
OTHER_USER = 1 << 45
"""A 2xx to credentials whose user name is not the user part of To."""
NO_TO_TAG = 1 << 46
"""A final response whose To may have no tag."""
RESPONSE = 1 << 47
"""It is a final response."""
FOREIGN_DOMAIN = 1 << 48
"""A binding that is new, under another host name than the Request-URI has."""
SIGNS = 1 << 49
"""Earlier requests of its client or user make something of it: `signs` of the subject says what."""

ASKS = 1 << 50
"""It is a 401 or 407."""
NO_CHALLENGE = 1 << 51
"""... and it has not one challenge alone, a Digest of its own kind with realm and nonce."""

ODD_CREDENTIALS = 1 << 52
"""Credentials or a challenge that are no Digest in the common form with a response of 32 lower-case hex digits, or that
hash the user name or the body; or a password in a URI."""
MORE_TOLD = 1 << 53
"""A 2xx to credentials with an Authentication-Info header."""

# A transaction that is closed
ASTRAY = 1 << 54
"""A final response went another way than the request came."""
LATE_COPIES = 1 << 55
"""The request came again after its final response, too late to have crossed it."""

# A client at the end of the source
STEADY = 1 << 56
"""It has refreshed so often that it has a habit, at times that are known."""

# A request: what group G and H of the rules look at
NO_COOKIE = 1 << 57
"""Its Via has no branch with magic cookie and more, or there are several Via values."""
REUSED_BRANCH = 1 << 58
"""A transaction that is closed: its branch is that of another one of its client, or copies of its request differ."""
ODD_LENGTH = 1 << 59
"""A message that has defects at first sight, a body, or no Content-Length on a stream."""
ODD_WAY = 1 << 60
"""A request whose Via and URI do not say at once that it went as it had to."""
LARGE = 1 << 61
"""A transaction with a request, or an answer, that UDP should not carry."""
ODD_RETURN = 1 << 62
"""A transaction whose answer does not bring back at once the address and port that its request came from."""
FAR_CONTACT = 1 << 63
"""A 2xx to a request that does not come from the host that its Contact, or its Via, names."""
EXTENDED = 1 << 64
"""A transaction with option tags that are demanded, refused or granted, Path, Service-Route, a flow's timer, or a
Contact with more than an expiry and an instance."""
# Bindings, and what a client does after a failure
OTHER_FORM = 1 << 65
"""A 2xx lists a contact of its client in another form than it was asked for."""
AFTER_REFUSAL = 1 << 66
"""A step: the client's request before has a final response of 300 and above that is no challenge."""
NO_CONTACT = 1 << 67
"""A 2xx to a request without Contact."""
SEVERAL = 1 << 68
"""A request names several contacts, or one with a preference, or with the user and host of its To; of a transaction
that is closed: it was accepted, and several contacts of its client are bound."""
OTHER_SERVER = 1 << 69
"""A step: the latest request of its Call-ID, whatever its destination, went to another one."""
FOREIGN = 1 << 70
"""A binding event: another client asked for the contact last."""
UNEVEN = 1 << 71
"""The request came more than once, or it has a provisional response, or a 408, or a final response so late that a
provisional one was due."""
FIRST_SUCCESS = 1 << 72
"""A 2xx, and its client has had none before; or nobody knows whose it is."""
INSTANCE = 1 << 73
"""A request with an instance or a reg-id in a Contact."""
ROUTED = 1 << 74
"""... that has Path or Service-Route, or went over several hops."""
GRUU = 1 << 75
"""... in which something may be a GRUU, or that is cut, or of bulk contacts."""
TAGGED = 1 << 76
"""... that demands option tags, or whose final response does, or refuses some."""
REGISTRATION = 1 << 77
"""A transaction of REGISTER."""
GUIDED = 1 << 78
"""Its client had been given routes or a flow, or its server had refused extensions, when it was sent."""
TEMPORARY = 1 << 79
"""A binding event: the contact was given a temporary GRUU."""
LEFT_FLOW = 1 << 80
"""A step: the client goes back to a connection that it had left for another one."""
TIMED_FLOW = 1 << 81
"""A client at the end of the source: it was granted a flow."""
OTHER_PURPOSE = 1 << 82
"""A request that names no contact, or one with an expiry of 0, or with none said."""
OTHER_SCHEME = 1 << 83
"""A request with a Contact that is no SIP or SIPS URI."""
SET_BACK = 1 << 84
"""A 2xx whose Date is earlier than the one that its client was told before."""
