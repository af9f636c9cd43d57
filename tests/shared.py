"""What tests share: where the checkout is, and where their data lies.

`tests/data` is in the repository: the rule catalogue as data, digest vectors, and a subset of the lab's captures and
logs (traffic that the project made itself; `tests/data/README.md`). The rest of the lab, and what may not be handed on
with the project (captures of others, the messages of RFC 4475), lies in a folder beside the checkout or where
SIPCHECK_MATERIAL says; tests that need it skip where it is absent.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "data"
"""The data that is in the repository."""
RULES_JSON = DATA / "rules" / "rules.json"
"""`docs/rules/README.md` as data: a row a rule."""
DIGEST_VECTORS = DATA / "rules" / "digest_vectors.json"
"""One response for each hypothesis of `docs/rules/diagnosis.md`."""

_CANDIDATE = Path(os.environ.get("SIPCHECK_MATERIAL") or ROOT.parent / "shared")

SHARED: Path | None = _CANDIDATE if (_CANDIDATE / "rules").is_dir() else None
"""The folder of what is not in the repository, or None where the checkout stands alone."""

LAB = SHARED / "captures" / "lab" if SHARED else DATA / "lab"
"""The lab's captures and logs: all of them, or those in the repository; `truth.json` beside each."""

_ABSENT = "not in the repository, and no SIPCHECK_MATERIAL"
needs_shared = pytest.mark.skipif(SHARED is None, reason=_ABSENT)


def shared(*parts: str) -> Path:
    """Path below the folder of what is not in the repository; skips the test that asks where there is none."""
    if SHARED is None:
        pytest.skip(_ABSENT)
    return SHARED.joinpath(*parts)


def lab_file(*parts: str) -> Path:
    """Path of a file or folder of the lab; skips the test that asks where it is not among those in the repository."""
    path = LAB.joinpath(*parts)
    if SHARED is None and not path.exists():
        pytest.skip(f"{path.relative_to(LAB)}: {_ABSENT}")
    return path
