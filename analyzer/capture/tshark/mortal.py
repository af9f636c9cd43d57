"""A program that does not outlive us, whatever ends us, SIGKILL too.

tshark may have gigabytes to look through, and where it finds nothing to write it does not even notice that nobody
reads. On Linux the system kills it for us: the process asks for that before it becomes the program. That is done by a
small interpreter and not between fork and exec of this process, where with threads nothing may safely be done.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys

CANNOT_RUN = 126
"""The exit code, as a shell's, where the system does not take the file for a program; why stands on standard error."""
_MORTAL = """
import ctypes, os, signal, sys
for name in ("SIGPIPE", "SIGXFSZ"):
    signal.signal(getattr(signal, name), signal.SIG_DFL)
ctypes.CDLL(None).prctl(1, int(signal.SIGKILL), 0, 0, 0)
if os.getppid() == int(sys.argv[1]):
    try:
        os.execv(sys.argv[2], sys.argv[3:])
    except OSError as error:
        sys.stderr.write(error.strerror)
        sys.exit(126)
"""
"""Has the system kill this process when its parent dies (prctl(2), PR_SET_PDEATHSIG: it holds through execve), unless
that is dead already; then becomes the program. The interpreter has the two signals ignored, and the program would."""


def mortal(words: list[str]) -> list[str]:
    """A command line for a program that is not to outlive the thread that starts it. Only Linux has a way; elsewhere
    the program ends when it writes to nobody. Raises OSError where there is no such program."""
    program = shutil.which(words[0])
    if program is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), words[0])
    if sys.platform != "linux" or not sys.executable:
        return words
    return [sys.executable, "-I", "-S", "-c", _MORTAL, str(os.getpid()), program, *words]
