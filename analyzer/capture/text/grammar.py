"""What a dialect of printed messages declares: the lines that open one, and how the lines below are printed.

A printed message is an entry: a banner (who sent it to whom, when, how long it is), perhaps lines between it and the
message (`refine`), the lines of the message, and what closes it. `entry.py` finds the end, `reader.py` reads a log.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from analyzer.capture.text.patterns import Lazy
from analyzer.defect import Defect
from analyzer.evidence import Endpoint

if TYPE_CHECKING:
    from analyzer.capture.text.rows import Row

START = Lazy(rb"(?:SIP/2\.0 [1-6]\d\d(?: |\Z)|[A-Z][A-Z._-]{1,19} [^ \t]{1,2048} SIP/2\.0[ \t]*\Z)")
"""A line that begins a message (RFC 3261 7.1, 7.2), as programs write it."""
GLUED = Lazy(
    rb"(?:(?<![A-Za-z0-9_])[A-Z][A-Z_-]{1,19} [a-z]{2,8}:[^ \t]{1,2048} SIP/2\.0|SIP/2\.0 [1-6]\d\d .{0,200})[ \t]*\Z"
)
"""The same at the end of a line that begins with something else."""
METHODS = rb"REGISTER|INVITE|ACK|BYE|CANCEL|OPTIONS|SUBSCRIBE|NOTIFY|PUBLISH|MESSAGE|REFER|INFO|UPDATE|PRACK"
"""The methods of the registry (RFC 3261 27.4), by which a start line is told behind octets that may be letters."""
NO_HINT = "it has lines of its program, and no message between them"
"""What is said where a dialect has no advice."""
HOST = rb"(?:\[[0-9A-Fa-f:.%\w]{2,64}\]|[0-9A-Fa-f:.]{2,45}|[\w.-]{1,255})"
"""An address or a name as a banner has it; what follows it (`:`, `.`) and a port are the dialect's."""


class Banner(NamedTuple):
    """An opening line: the ends as far as it tells them (None: it does not), `stamp` as printed, `size` in octets.

    `received` is None where the text does not say which end wrote it. `lead` is what each line of the entry begins
    with, `rest` the text that follows the banner on its own line. `key` tells pieces of one message (fragments,
    segments of a stream) from others; `piece` says that this one is not the first for sure. `missing` octets and
    `defects` are what it says of an original.
    """

    source: Endpoint | None = None
    destination: Endpoint | None = None
    transport: str = ""
    stamp: bytes = b""
    size: int | None = None
    received: bool | None = None
    lead: bytes = b""
    rest: bytes = b""
    key: bytes = b""
    piece: bool = False
    resend: int | None = None
    missing: int = 0
    defects: tuple[Defect, ...] = ()


def endpoint(host: bytes, port: bytes | None) -> Endpoint:
    """Host (perhaps in brackets) and port as printed; a port that cannot be one is 0."""
    number = int(port) if port and port.isdigit() and len(port) < 6 else 0
    return Endpoint(host.strip(b"[]").decode("utf-8", "surrogateescape"), number if number < 65536 else 0)


def same_row(banner: Banner, row: Row) -> Row | None:
    """Lines of a message as they are."""
    del banner
    return row


def blank_only(banner: Banner, text: bytes) -> Banner | None:
    """Nothing but blank lines between banner and message."""
    return None if text.strip() else banner


@dataclass(frozen=True, slots=True)
class Grammar:
    """How a program prints messages.

    program   what its own end is called where the text does not name it
    banner    tells a banner; asked outside of messages, and inside of them where they may be framing
    gates     octets of which one stands in every banner
    entry     tells other lines of the log, `end` lines that close a message
    inner     gives a line of a message without what the program put around it; None for a line of somebody else
    refine    is asked of the lines between banner and message; None where they show that none follows
    start     finds the start line in a line with more in it
    block     tells the first line of a message that is not printed line by line, `in_block` the next ones; `whole`
              makes lines of it
    more      gives what a line without a banner tells of the message that was printed last, and cut
    fix       puts right in place what the program prints wrongly; says what it did, and whether octets are lost all
              the same
    after     finds the other end in a line behind a message that was sent
    dotted    it prints a carriage return as a dot: one behind a line is none of the message
    spaced    the program puts an empty line before each banner: what has none is no banner
    coloured  the program itself writes escape sequences
    server    what it sends with a Date header carries the clock of the log
    indented  the start line may be indented, and the others are by the same
    prefixed  banners stand behind what each line of a message stands behind too
    explained what the program says of a message stands between its lines: nothing is left out that was in the log
    echoes    it prints requests once more, without a banner
    loose     its banners are any lines that say something: one without a message below is none
    parted    a blank alone says which end sent, which a text may lose: where Via says the other way, it is that
    before    most lines between banner and message
    anew      gives the grammar for one text, where what its lines say depends on those before
    hint      what to do where a text of the program holds no message
    reach     octets that a banner may begin before the first `SIP/2.0` of its message
    """

    program: str
    banner: Callable[[bytes], Banner | None]
    gates: tuple[bytes, ...]
    entry: Callable[[bytes], object] | None = None
    end: Callable[[bytes], object] | None = None
    inner: Callable[[Banner, Row], Row | None] = same_row
    refine: Callable[[Banner, bytes], Banner | None] = blank_only
    start: Callable[[bytes], bytes | None] | None = None
    block: Callable[[Banner, bytes], object] | None = None
    in_block: Callable[[bytes], object] | None = None
    whole: Callable[[Sequence[bytes]], list[bytes]] | None = None
    more: Callable[[bytes], bytes | None] | None = None
    fix: Callable[[list[bytes]], tuple[str, bool]] | None = None
    after: Callable[[bytes], Endpoint | None] | None = None
    dotted: bool = False
    spaced: bool = False
    coloured: bool = False
    server: bool = False
    before: int = 12
    indented: bool = False
    prefixed: bool = False
    explained: bool = False
    echoes: bool = False
    loose: bool = False
    parted: bool = False
    reach: int = 2048
    anew: Callable[[], Grammar] | None = None
    hint: str = NO_HINT

    def fresh(self) -> Grammar:
        """The grammar with which a text is read from its beginning."""
        return self if self.anew is None else self.anew()

    def opens(self, text: bytes) -> Banner | None:
        """The banner that a line is, or None."""
        for gate in self.gates:
            if gate in text:
                return self.banner(text)
        return None

    def frames(self, text: bytes) -> bool:
        """Whether a line is framing: opens or closes a message, or belongs to the log around them."""
        return (
            self.opens(text) is not None
            or (self.end is not None and bool(self.end(text)))
            or (self.entry is not None and bool(self.entry(text)))
        )
