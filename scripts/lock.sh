#!/bin/sh
# lock.sh PYTHON FILE: the newest versions that fit pyproject.toml, from a clean environment, into FILE.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
sh "$(dirname "$0")/venv.sh" "$1" "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install --quiet '.[test,fuzz,docs,release]'
{
    echo "# Exact versions of what sipcheck and its tests run on; \`make lock\` writes it anew."
    "$folder/venv/bin/python" -m pip --disable-pip-version-check freeze --all --exclude pip --exclude sipcheck
} >"$folder/lock"
cp "$folder/lock" "$2"
