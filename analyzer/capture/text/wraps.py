"""Lines that were broken to a width: by a mail program, a ticket system, or a terminal that was copied from.

A broken header is two lines, and the second is none that a message may have. Read as it stands it would be a header
without its end, and findings about what is missing there would be false. So the lines are joined again, where the text
shows that a width broke them: in the head of a message a line stands that begins no header and is not folded (RFC 3261
7.3.1), and the line before it had no room left for its first word. That has to hold for each such line of the sample;
a line that somebody else wrote in between has room before it, and stays what it is.

Words are broken at blanks, so a blank comes back; a word that is longer than the width, and each line of a terminal,
is broken anywhere, and nothing comes back.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Iterator

from analyzer.capture.text.breaks import (
    ALONE,
    BEGINS,
    GLUED_END,
    HEADER,
    OTHER,
    PARAMETER,
    STAMPED,
    START_IN,
    has_words,
    is_colour,
    is_filled,
    is_filled_to_value,
    is_full,
    is_inside,
    is_method,
    is_piece,
    may_be_rest,
)
from analyzer.capture.text.grammar import METHODS, Banner

NARROWEST, WIDEST, WIDEST_TERMINAL = 40, 140, 260
"""Octets of a line between which a width is believed."""
_LONGEST = 400
"""Octets of a line over a message."""
_READ, _MOST = 1 << 12, 1 << 15
"""Octets of a line of which is asked what it opens, and of one that is joined: what is longer was broken by nobody."""
WRAPS = "joined again where they had been broken to a width"
_HALF_START = re.compile(rb"(?:^|\] )[A-Z._-]{3,20}(?: sips?:\S{1,200})?\s*\Z")
"""A start line of which the rest is missing."""
_OPEN = re.compile(rb"<-{2,}(?!.*-->)|\A(?!.*<-).*->[ \t]*\Z| at[ \t]*\Z|: SIP:[ \t]*\Z|\([^()]*\Z")
"""The line over a message, of which the rest is missing."""
_ENTRY = re.compile(rb"\[[^\]]{1,60}\] (?:NOTICE|WARNING|ERROR|SECURITY|VERBOSE)\b")
"""What Asterisk says beside its messages."""
_COUNT = re.compile(rb"--- \(\d{1,9} headers \d{1,9} lines\) ?(-{0,2})\r?\Z")
"""What chan_sip counted of a message, without its last signs: it tells the end from one that stands in a body."""
_ROW = re.compile(rb"\.\.[A-Za-z][\w-]{0,30}:|SIP/2\.0\.\.")
"""Line ends within a line, as ngrep shows them."""
_NUMBER = re.compile(rb"#\d{1,10}[ \t]*\r?\Z")
"""The number of a packet, as ngrep writes it behind the line that opens one."""
_SHOWN = re.compile(rb" ?(?:(?:" + METHODS + rb") \S|SIP/2\.0 [1-6]\d\d\b)")
"""How a start line begins."""
_DIGITS = re.compile(rb"(?:\d{1,2}|0\d{1,16})\r?\Z")
"""The last of a header's: a stream that was followed has lines of digits as well, but of no piece that is so short, and
none with a zero before it."""
_WITHIN = re.compile(rb":?[^\W_]")
"""What goes on within a word; no header begins with a colon (RFC 3261 7.3.1), and the URN of an instance has two."""
_NAME_BEHIND = re.compile(rb"(?:\.\.|#012|\\n)[A-Za-z][\w-]{0,30}:\r?\Z")
"""A name within a row."""
_PROTOCOL = re.compile(rb": ?SIP/2\.0/[A-Z]{2,4}\Z")
"""What stands before a blank in Via (RFC 3261 20.42)."""
_GAP, _NAMED = re.compile(rb":  (?=\S)"), 28
"""Two blanks behind a name, and how many octets tell which name of which writer it is."""
_SIGNS = 4
"""Signs at the end of a line that opens a message, at most."""


class Wrap:
    """How a text was broken: at `width` octets, within words (`is_cut`), behind the `lead` of each line. `is_hard` says
    that each line was, none of them longer than the width."""

    code = "repaired-wraps"
    carriers = ()

    is_guess = False
    """Whether no header shows it: it is one if it makes something known of the text."""
    is_shown = False
    """Whether a guess is shown by words that were broken."""
    is_odd = False
    """Whether headers show another one, which has to fail for most messages before this is believed."""
    is_stamped = False
    """Whether a stamp begins each line that was not broken."""
    opens: Callable[[bytes], Banner | None] | None = None
    """Tells what opens a message; where it is given, lines over a message are joined as well."""

    def __init__(self, width: int, lead: bytes, *, is_cut: bool, is_hard: bool = False) -> None:
        self.width = width
        self.lead = lead
        self.is_cut = is_cut
        self.is_hard = is_hard
        self._wide: frozenset[bytes] = frozenset()

    def note_gaps(self, head: bytes) -> None:
        """Note of which names the text shows two blanks behind them where no width broke it."""
        places = (match.start() + 1 for match in _GAP.finditer(head))
        self._wide = frozenset(head[max(place - _NAMED, 0) : place] for place in places)

    @property
    def says(self) -> str:
        """Completes `the lines were ...`."""
        return f"{WRAPS} ({self.width})"

    def joined(self, lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
        """The lines as they were before, each with the number of lines that it was broken into."""
        whole, count, last, inside, began = b"", 0, b"", False, False
        for line in lines:
            if count and len(whole) < _MOST and self._goes_on(whole, last, line, inside=inside, began=began):
                rest = line[len(self.lead) :]
                whole = whole.rstrip(b"\r") + self._between(whole, last, rest) + rest
                count += 1
            else:
                if count:
                    yield count, whole
                whole, count, began = line, 1, inside
            inside = is_inside(whole[len(self.lead) :], before=inside)
            last = line
        if count:
            yield count, whole

    def text(self, head: bytes) -> bytes:
        """The same of a text."""
        return b"\n".join(line for _, line in self.joined(head.split(b"\n")))

    def _goes_on(self, whole: bytes, last: bytes, line: bytes, *, inside: bool, began: bool) -> bool:
        """Whether a line is the rest of the one before: in the head of a message, or of what stands over it. `began`
        says whether the line before began in a head."""
        rest = line[len(self.lead) :]
        if self.is_stamped:
            return self._lacks_stamp(last, line)
        if not inside and not has_words(last) and not set(rest.strip()) <= set(last.strip()):
            return False  # a rule ends with its last sign
        if self.is_hard:
            is_next = line.startswith(self.lead) and len(last.rstrip(b"\r")) == self.width
            first = last if last is whole else b""
            return is_next and self._goes_on_behind(whole, first, rest, inside=inside, began=began)
        is_even = len(last.rstrip(b"\r")) == self.width
        if not line.startswith(self.lead) or not is_filled(last, rest, self.width) or (self.is_cut and not is_even):
            return False
        if inside and self._is_over_piece(whole):
            inside = began = False
        if is_even and inside and HEADER.match(rest) is None and _WITHIN.match(rest):
            return is_piece(last, rest, is_first=last is whole) and GLUED_END.search(rest) is None
        if is_even and inside and (rest.strip() == b"." or is_colour(rest)):
            return not last.endswith(b".")  # the last octet of the line before, as ngrep shows its end
        if inside:
            return may_be_rest(rest.lstrip(b" ") if self.is_cut else rest)
        return self._goes_on_over(whole, last, rest, began=began)

    def _goes_on_over(self, whole: bytes, last: bytes, rest: bytes, *, began: bool) -> bool:
        """The same of a line outside of a head, that had no room for the first word of the next."""
        if (told := self._told_by_opener(whole, last, rest, began=began)) is not None:
            return told
        if (count := _COUNT.search(whole)) is not None:
            return count[1] + rest.strip() == b"---"
        if _ENTRY.match(whole):
            return rest.strip() != b"" and rest[:1] not in (b" ", b"\t") and OTHER.match(rest) is None
        if rest.strip() == b"" or _OPEN.search(whole) or _HALF_START.search(whole):
            return rest.strip() != b""
        if self.opens is None or len(whole) > _LONGEST or not is_piece(b"", rest):
            return False
        return not self.opens(whole) and not self.opens(rest)

    def _is_over_piece(self, whole: bytes) -> bool:
        """Whether a line in a head opens the packet in which the rest of the message is (a segment of TCP, a fragment
        of IP): what stands below it goes on with the line above it, and not with this one."""
        bare = whole[len(self.lead) :]
        is_asked = self.opens is not None and len(whole) < _LONGEST and HEADER.match(bare) is None
        return is_asked and self.opens is not None and self.opens(bare) is not None

    def _lacks_stamp(self, last: bytes, line: bytes) -> bool:
        """The same where a stamp begins each line that is none."""
        rest = line[len(self.lead) :]
        if not line.startswith(self.lead) or STAMPED.match(rest):
            return False
        return len(last.rstrip(b"\r")) == self.width if self.is_cut else is_filled_to_value(last, rest, self.width)

    def _told_by_opener(self, whole: bytes, last: bytes, rest: bytes, *, began: bool) -> bool | None:
        """The same by what opens a message: a line that does so only with its rest, or with none; None where that is
        not to be told."""
        if self.opens is None or began or len(whole) > _READ:
            return None
        bare = whole[len(self.lead) :]
        opened, longer = self.opens(bare), self.opens(bare + self._between(whole, last, rest) + rest)
        if opened is None:
            return True if longer is not None and self.opens(rest) is None else None
        if START_IN.match(rest.rstrip(b"\r")):
            return False
        if longer == opened and _NUMBER.match(rest):
            return True
        begins = BEGINS.match(rest) or OTHER.match(rest)
        if longer is not None and not begins and longer._replace(rest=b"") != opened._replace(rest=b""):
            return True
        return False if _ENTRY.match(whole) else None

    def _goes_on_behind(self, whole: bytes, last: bytes, rest: bytes, *, inside: bool, began: bool) -> bool:
        """The same where a terminal broke each line that had no room: whether a line that fills the width ends there by
        chance is told by what opens a message, and by what begins behind it. `last` is the line before, where that
        begins one."""
        bare = whole[len(self.lead) :]
        if self._shows_start(bare, rest) or (inside and _DIGITS.match(rest) and HEADER.match(bare)):
            return True
        if START_IN.match(rest.rstrip(b"\r")) and not whole.endswith(b" ") and not is_method(whole, rest):
            return False
        if self.opens is not None and rest.strip() and len(whole) < _READ:
            opened, longer = self.opens(bare), self.opens(bare + rest)
            if self.opens(rest) is not None or (opened and (longer is None or not _is_longer(opened, longer, rest))):
                return False
            if (opened and whole.endswith(b" ")) or (not opened and longer and not began):
                return True
        if rest and not rest.strip(b" ") and (whole.endswith(b" ") or (bare[:2] == b"  " and b".." in bare)):
            return True  # no printer's empty line: of one that ends in blanks, as ngrep breaks rows
        if (count := _COUNT.search(whole)) is not None:
            return count[1] + rest.strip() == b"---"
        is_row = _is_in_row(bare, rest, inside or _ROW.search(bare[-2 * self.width :] + rest) is not None)
        return is_piece(last or whole[-self.width :], rest, is_first=bool(last), is_row=is_row)

    def _shows_start(self, line: bytes, rest: bytes) -> bool:
        """Whether a start line stood behind what opens its message, and was broken off at the blank between them."""
        if line.endswith(b" ") is rest.startswith(b" ") or self.opens is None or len(line) > _READ:
            return False
        is_start = _SHOWN.match(rest) is not None
        return is_start and self.opens(line) is not None and self.opens(line + rest) is not None

    def opening(self, opens: Callable[[bytes], Banner | None]) -> Wrap:
        """The same, for a log in which `opens` tells what opens a message."""
        other = copy.copy(self)
        other.opens = opens
        return other

    def _between(self, whole: bytes, line: bytes, rest: bytes) -> bytes:
        """What was lost between two parts: nothing within a word, and only one that has no room in a line is broken."""
        line = line.rstrip(b"\r")
        if self.is_cut or line.endswith((b" ", b"\t")):
            return b""
        if line.endswith(b",") and PARAMETER.match(rest) and b", " in whole + rest:
            return b" "  # as the other parameters are apart
        if _PROTOCOL.search(line):
            return b" "
        if _NAME_BEHIND.search(whole[-_LONGEST:]):
            return self._behind_name(whole, line, rest)
        word = line[len(self.lead) :].split(b" ")[-1] + rest.split(b" ", 1)[0]
        return b"" if len(line) == self.width and len(word) > self.width - len(self.lead) else b" "

    def _behind_name(self, whole: bytes, line: bytes, rest: bytes) -> bytes:
        """The same behind the name of a header: two blanks, if behind one the value had room, or the text shows two."""
        line = line.rstrip(b"\r")
        has_room = len(line) < self.width and not is_full(line, rest, self.width)
        return b"  " if has_room or whole.rstrip(b"\r")[-_NAMED:] in self._wide else b" "


def _is_in_row(line: bytes, rest: bytes, inside: bool) -> bool:
    """Whether a line is of a message that is printed in one, and not line by line."""
    if HEADER.match(line) or ALONE.match(line) or not (inside or line[:2].isspace()):
        return False
    return GLUED_END.search(line) is None or b".." in line + rest


def _is_longer(banner: Banner, longer: Banner, rest: bytes) -> bool:
    """Whether more of a line that opens a message belongs to it: it says more with its `rest`, or as much, and the rest
    begins nothing of its own."""
    if banner == longer:
        is_sign = len(rest.strip()) <= _SIGNS  # what ends it, or numbers it
        return is_sign or (BEGINS.match(rest) is None and OTHER.match(rest) is None)
    return bool(banner.rest) or banner._replace(rest=b"") != longer._replace(rest=b"")
