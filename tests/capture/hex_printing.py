"""How programs print octets in hexadecimal digits: each takes a packet, and gives its dump."""

from __future__ import annotations

import re
from collections.abc import Callable


def shown(octets: bytes, *, blank: str = " ") -> str:
    return "".join(chr(one) if 32 < one < 127 else blank if one == 32 else "." for one in octets)


def rows(octets: bytes, offset: str, group: int, gap: str = "  ", *, middle: str = " ", blank: str = " ") -> str:
    """A dump: offset, digits in groups, characters."""
    out = []
    for at in range(0, len(octets), 16):
        row = octets[at : at + 16]
        halves = [
            " ".join(part[n : n + group].hex() for n in range(0, len(part), group)) for part in (row[:8], row[8:])
        ]
        digits = middle.join(half for half in halves if half)
        width = 32 + (16 // group - 2) + len(middle)
        out.append(f"{offset.format(at)}{digits:<{width}}{gap}{shown(row, blank=blank)}\n")
    return "".join(out)


def tcpdump(octets: bytes) -> str:
    return rows(octets, "\t0x{:04x}:  ", 2, blank=".")


def tshark(octets: bytes) -> str:
    return rows(octets, "{:04x}  ", 1, "   ") + "\n"


def wireshark(octets: bytes) -> str:
    return rows(octets, "{:04x}   ", 1, "   ")


def hexdump_c(octets: bytes) -> str:
    lines = rows(octets, "{:08x}  ", 1, "  |", middle="  ").splitlines()
    return "".join(f"{line}|\n" for line in lines) + f"{len(octets):08x}\n"


def xxd(octets: bytes) -> str:
    return rows(octets, "{:08x}: ", 2)


def ngrep(octets: bytes) -> str:
    return rows(octets, "  ", 1, "    ", middle="    ")


def fortigate(octets: bytes) -> str:
    return rows(octets, "0x{:04x}\t ", 2, "\t", blank=" ")


def words(octets: bytes) -> str:
    """hexdump without options, od -x -A x: words of two octets in the order of the machine."""
    even = octets + bytes(len(octets) % 2)
    parts = [even[at : at + 16] for at in range(0, len(even), 16)]
    lines = [
        " ".join(part[n + 1 :: -1][:2].hex() if not n else part[n : n + 2][::-1].hex() for n in range(0, len(part), 2))
        for part in parts
    ]
    return "".join(f"{16 * n:07x} {line}\n" for n, line in enumerate(lines)) + f"{len(octets):07x}\n"


def octal(octets: bytes) -> str:
    """od -t x1."""
    parts = [octets[at : at + 16] for at in range(0, len(octets), 16)]
    return "".join(f"{16 * n:07o} {part.hex(' ')}\n" for n, part in enumerate(parts)) + f"{len(octets):07o}\n"


def decimal(octets: bytes) -> str:
    """od -A d -t x1z."""
    parts = [octets[at : at + 16] for at in range(0, len(octets), 16)]
    lines = (f"{16 * n:07} {part.hex(' '):<47}  >{shown(part)}<\n" for n, part in enumerate(parts))
    return "".join(lines) + f"{len(octets):07}\n"


def plain(octets: bytes) -> str:
    """xxd -p."""
    return "".join(octets[at : at + 30].hex() + "\n" for at in range(0, len(octets), 30))


def stream(octets: bytes) -> str:
    """Wireshark's "copy as hex stream"."""
    return octets.hex() + "\n"


def no_characters(octets: bytes) -> str:
    """tcpdump -x."""
    return re.sub(r"(?m)  \S*$", "", rows(octets, "\t0x{:04x}:  ", 2, blank="."))


def array(octets: bytes) -> str:
    """xxd -i, Wireshark's "copy as C array"."""
    parts = [octets[at : at + 12] for at in range(0, len(octets), 12)]
    return (
        "char packet[] = {\n"
        + ",\n".join("  " + ", ".join(f"0x{one:02x}" for one in part) for part in parts)
        + "\n};\n"
    )


def escaped(octets: bytes) -> str:
    """Wireshark's "copy as escaped string"."""
    parts = [octets[at : at + 16] for at in range(0, len(octets), 16)]
    return " \\\n".join('"' + "".join(f"\\x{one:02x}" for one in part) + '"' for part in parts) + "\n"


PRINTERS: list[Callable[[bytes], str]] = [
    tcpdump, tshark, wireshark, hexdump_c, xxd, ngrep, fortigate, words, octal, decimal, plain, stream, no_characters,
    array, escaped,
]  # fmt: skip
