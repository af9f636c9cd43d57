"""Run one command and leave word of what it took: `launch.py RESULT STDOUT STDERR COMMAND...`.

The kernel counts a child's peak memory from the moment of the fork, the parent's own pages among them, and keeps the
number over exec. A benchmark that has loaded a plotting library would thus hand its own size to every small program. So
this small process stands between: nothing but the standard library, and little of that.
"""

from __future__ import annotations

import os
import sys
import time


def run(result: str, out: str, err: str, command: list[str]) -> None:
    """Run `command`; writes exit status, wall, user and system seconds, and peak resident KiB as words to `result`."""
    create = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, out, create, 0o644),
        (os.POSIX_SPAWN_OPEN, 2, err, create, 0o644),
    ]
    start = time.perf_counter()
    pid = os.posix_spawnp(command[0], command, os.environ, file_actions=files)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - start
    code = os.waitstatus_to_exitcode(status)
    with open(result, "w", encoding="ascii") as file:
        file.write(f"{code} {wall!r} {usage.ru_utime!r} {usage.ru_stime!r} {usage.ru_maxrss}")


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])
