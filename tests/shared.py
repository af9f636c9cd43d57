"""Where the material beside the checkout lies: `../shared`. Tests that need it skip where it is absent."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
_CANDIDATE = ROOT.parent / "shared"

SHARED: Path | None = _CANDIDATE if (_CANDIDATE / "rules").is_dir() else None
"""The shared folder, or None where the checkout stands alone."""

needs_shared = pytest.mark.skipif(SHARED is None, reason="../shared is not beside this checkout")


def shared(*parts: str) -> Path:
    """Path below the shared folder; skips the test that asks where there is none."""
    if SHARED is None:
        pytest.skip("../shared is not beside this checkout")
    return SHARED.joinpath(*parts)
