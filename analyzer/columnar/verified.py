"""Credentials of ordinary clients, held against the passwords that are known (RFC 7616 3.4.1; docs/columnar.md).

What is hashed is what the parser read in the shape, with the values of the columns; the arithmetic is that of
`register/digest`. A client whose password is not known, or whose response does not come out at once, is for the object
path, which says why.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from analyzer.columnar.columns import Values
from analyzer.columnar.exchanges import Exchanges
from analyzer.columnar.records import Flags, Numbers
from analyzer.columnar.shapes import Shapes
from analyzer.register.digest.arithmetic import computable, matching
from analyzer.register.digest.input import DigestInput, from_credentials
from analyzer.register.digest.secrets import Secrets
from analyzer.register.digest.verdict import DigestVerdict, judge, not_judged

_COLUMNS = ("username", "nonce", "response", "cnonce", "nc", "opaque")


class Credentials:
    """The credentials of a capture, and the secrets that are known."""

    def __init__(self, values: Values, shapes: Shapes, exchanges: Exchanges, secrets: Secrets) -> None:
        self._values = values
        self._shapes = shapes
        self._exchanges = exchanges
        self._secrets = secrets

    def are_right(self, which: Numbers) -> Flags:
        """Whether the credentials of some transactions are right by a secret of their user."""
        return np.fromiter(map(self._is_right, self._inputs(which)), np.bool_, len(which))

    def verdicts(self, which: Numbers) -> list[DigestVerdict]:
        """What is said of such."""
        return [judge(one, self._secrets) for one in self._inputs(which)]

    def _is_right(self, one: DigestInput) -> bool:
        if one.userhash or not_judged(one):
            return False
        secrets = self._secrets.lookup(one.username, one.realm)
        usable = (secret for secret in secrets if computable(one, secret))
        reading = next((found for secret in usable if (found := matching(one, secret)) is not None), None)
        return reading is not None

    @cached_property
    def _constant(self) -> dict[int, DigestInput]:
        """By shape: what its first message says."""
        return {
            shape.number: from_credentials(shape.example.credentials[0], shape.example.method, shape.example.body)
            for shape in self._shapes.all
            if not shape.why and shape.has_credentials
        }

    def _inputs(self, which: Numbers) -> Iterator[DigestInput]:
        """What the arithmetic takes of each: the values that are no columns are the same in all of a shape."""
        rows = self._exchanges.first[which]
        columns = [self._values.texts(rows, name) for name in _COLUMNS]
        shapes = self._shapes.of[rows].tolist()
        for shape, *texts in zip(shapes, *columns, strict=True):
            own = {name: text for name, text in zip(_COLUMNS, texts, strict=True) if text}
            yield self._constant[shape]._replace(**own)
