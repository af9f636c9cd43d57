r"""The grammar of RFC 3261 25.1 as fragments of patterns, by the names of its rules, with the ABNF above each.

A fragment is text to be put into a pattern, so that each module composes what it reads and a rule is written once. One
that matches a single character stands in brackets and takes its quantifier where it is used; the others are whole.

Readers of a capture have to read what the field writes, so some rules are wider here than in the standard; where they
are, the line above says so. All repetition is possessive and of single characters, so that the time stays linear;
groups are repeated in unrolled loops, for Python before 3.11.5 matches possessive groups wrongly.
"""

from __future__ import annotations

# LWS = [*WSP CRLF] 1*WSP. Folding is taken out before a value is read, stray line ends may remain.
LWS = " \t\r\n"
"""The characters, for `strip`."""
LWS_CHARACTER = r"[ \t\r\n]"

# HEXDIG, LHEX = DIGIT / %x61-66 ; lowercase a-f. The field writes either case.
LHEX = "[0-9A-Fa-f]"

# alphanum = ALPHA / DIGIT
ALPHANUM = "A-Za-z0-9"
"""For within brackets."""

# token = 1*(alphanum / "-" / "." / "!" / "%" / "*" / "_" / "+" / "`" / "'" / "~" )
TOKEN_CHARACTER = rf"[{ALPHANUM}\-.!%*_+`'~]"
TOKEN = f"{TOKEN_CHARACTER}++"

# word = 1*(alphanum / "-" / "." / "!" / "%" / "*" / "_" / "+" / "`" / "'" / "~" / "(" / ")" / "<" / ">" / ":" / "\" /
#        DQUOTE / "/" / "[" / "]" / "?" / "{" / "}" )
WORD = rf"""[{ALPHANUM}\-.!%*_+`'~()<>:\\"/\[\]?{{}}]++"""

# callid = word [ "@" word ]
CALLID = f"{WORD}(?:@{WORD})?"

# quoted-string = SWS DQUOTE *(qdtext / quoted-pair ) DQUOTE; quoted-pair = "\" (%x00-09 / %x0B-0C / %x0E-7F)
# qdtext = LWS / %x21 / %x23-5B / %x5D-7E / UTF8-NONASCII. Wider here: octets of any encoding.
QDTEXT = r'[^"\\]*+'
"""What stands between quotes where nothing is escaped, and may be nothing."""
QUOTED_PAIR = r"\\."
"""For DOTALL."""
QUOTED_TEXT = f"{QDTEXT}(?:{QUOTED_PAIR}{QDTEXT})*"
"""What stands between the quotes."""
QUOTED_STRING = f'"{QUOTED_TEXT}"'
QUOTED_STRING_OR_CUT = rf'"{QUOTED_TEXT}(?:"|\\?\Z)'
"""The second form was never closed, and takes the rest."""

# gen-value = token / host / quoted-string. Wider here: only what other readers would take for a separator is refused.
GEN_VALUE = r'[^\s"<>,;]++'

# generic-param = token [ EQUAL gen-value ], without blanks; a quoted-string has no escapes and no semicolon, so that a
# list of parameters can be cut at each of these
GENERIC_PARAM = rf'{TOKEN}(?:=(?:{GEN_VALUE}|"[^"\\;]*+"))?'

# unreserved = alphanum / mark; mark = "-" / "_" / "." / "!" / "~" / "*" / "'" / "(" / ")"
UNRESERVED = rf"{ALPHANUM}\-_.!~*'()"
"""For within brackets."""

# escaped = "%" HEXDIG HEXDIG
ESCAPED = f"%{LHEX}{{2}}"

# user = 1*( unreserved / escaped / user-unreserved ); user-unreserved = "&" / "=" / "+" / "$" / "," / ";" / "?" / "/"
# password = *( unreserved / escaped / "&" / "=" / "+" / "$" / "," ). What follows a "%" is asked elsewhere.
USER_CHARACTER = f"[{UNRESERVED}%&=+$,;?/]"
PASSWORD_CHARACTER = f"[{UNRESERVED}%&=+$,]"
PLAIN_USER_CHARACTER = f"[{UNRESERVED}&=+$,]"
"""Of a user part in which nothing is escaped, and nothing would be read otherwise in another part of a URI."""

# scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )
SCHEME = rf"[A-Za-z][{ALPHANUM}+.\-]*+"

# hostname = *( domainlabel "." ) toplabel [ "." ]; IPv4address. Wider here: the underscore stands in too many zones.
HOST_CHARACTER = rf"[{ALPHANUM}._\-]"
# IPv6address = hexpart [ ":" IPv4address ], without the brackets of IPv6reference
IPV6_CHARACTER = "[0-9A-Fa-f:.]"

# port = 1*DIGIT
PORT = "[0-9]+"
PLAIN_PORT = "[1-9][0-9]{0,3}|[1-5][0-9]{4}"
"""1 to 59999 without a leading zero: a number that needs no second look."""

# SIP-Version = "SIP" "/" 1*DIGIT "." 1*DIGIT, for IGNORECASE (7.1)
SIP_VERSION = r"SIP/[0-9]++\.[0-9]++"

# nc-value = 8LHEX
NC_VALUE = f"{LHEX}{{8}}"

# request-digest = LDQUOT 32LHEX RDQUOT; with SHA-256 and SHA-512-256 there are 64 (RFC 8760 2.2)
DIGEST = f"{LHEX}{{32}}(?:{LHEX}{{32}})?"

# token68 = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="                        RFC 7235 2.1
TOKEN68 = rf"[{ALPHANUM}\-._~+/]++=*+"
