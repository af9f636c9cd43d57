#!/bin/sh
# venv.sh PYTHON FOLDER: a virtual environment, or one line that says what is missing.
set -eu
python=$1
folder=$2

fail() {
    echo "sipcheck: $1" >&2
    exit 1
}

command -v "$python" >/dev/null 2>&1 || fail "there is no $python; install Python 3.11 or newer, or say make PYTHON=/path/to/python3"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$("$python" --version 2>&1) is too old; sipcheck needs 3.11 or newer: make PYTHON=/path/to/python3.11"
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "$python has no venv module; on Debian and Ubuntu: apt-get install python3-venv"
"$python" -m venv --clear "$folder"
