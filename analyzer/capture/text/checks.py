"""What sender and log counted of a message, against what is printed."""

from __future__ import annotations

from analyzer.capture.text.entry import Close, Entry, Rank
from analyzer.capture.text.payload import CRLF, Printed
from analyzer.capture.text.trials import is_clean
from analyzer.defect import Defect


def checks(entry: Entry, close: Close, printed: Printed, payload: bytes) -> tuple[int, tuple[Defect, ...]]:
    """(octets missing at the end, defects): what sender and log counted, against what is printed; and what the log says
    of the text that it was made of."""
    missing, defects = _counted(entry, close, printed, payload)
    return max(missing, entry.banner.missing), (*entry.banner.defects, *defects)


def _counted(entry: Entry, close: Close, printed: Printed, payload: bytes) -> tuple[int, tuple[Defect, ...]]:
    defects: list[Defect] = []
    size, length, missing = entry.banner.size, printed.content_length(), 0
    if entry.cut_rows and not entry.is_block:
        defects.append(Defect("cut-lines", "lines are cut: what stood behind their width is lost"))
        missing = 1
    if not is_clean(payload):
        defects.append(Defect("broken-lines", "a line of the head is no header: it may be the rest of a broken one"))
    if close.rank is Rank.ANNOUNCED and not missing:
        return 0, tuple(defects)
    if size is not None and size != len(payload) and not entry.is_block:
        defects.append(Defect("byte-count", f"the log announces {size} octets and prints {len(payload)}"))
    if not printed.has_end_of_headers:
        missing = 1
    elif length is not None:
        missing = max(missing, length - (len(payload) - payload.find(CRLF + CRLF) - 4), 0)
    elif size is not None:
        missing = max(missing, size - len(payload))
    if close.rank is Rank.OPEN and (missing or length != 0):
        missing = missing or int(length is None)
        defects.append(Defect("cut-at-end", "the log ends before the message does"))
    elif close.rank is Rank.CUT and missing:
        defects.append(
            Defect("cut-short", "the message is not whole in the log before the next line that is none of it")
        )
    return missing, tuple(defects)
