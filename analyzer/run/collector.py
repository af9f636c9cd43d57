"""The cyclic collector, while millions of small objects live."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_OBJECTS_BETWEEN_COLLECTIONS = 10_000_000


@contextmanager
def patient_collector() -> Iterator[None]:
    """Let the cyclic collector rest while millions of small objects live: references point down only, so they die by
    reference count (the hops of one path alone know each other), and at its usual pace it takes half of the run."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, 20, 20)
    try:
        yield
    finally:
        gc.freeze()  # what lives now is no garbage: a lower threshold must not make the collector look at all of it
        gc.set_threshold(*before)
        gc.unfreeze()
