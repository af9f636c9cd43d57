"""Captures with pseudonyms in the place of names, and the same findings (docs/redact.md).

What is not known to be a word of the protocol is replaced: a value of a header that nobody has heard of cannot leak,
for it is taken for names from one end to the other. A pseudonym has the length, the letters and the digits of what it
stands for, so that what a rule looks at (a telephone number, eight hex digits, a MAC address) is still there.

It lies above what reads and parses, and below the views: `pseudonyms.py` and `addresses.py` say what stands for what,
`lexer.py` finds the words of a value, `headers.py` and `message.py` know which value is what, `digests.py` makes
digests right again, `captures.py` goes over a file twice, `leaks.py` looks for what must not be left.
"""
