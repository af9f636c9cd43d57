#!/bin/sh
# tools.sh COMMAND:PACKAGE...: have the programs that some tests run. Installs them where that needs no question (root,
# or sudo without password); elsewhere says how, and those tests skip by name. With CI=true a missing program fails.
set -u
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
export DEBIAN_FRONTEND=noninteractive

missing() {
    for pair; do
        command -v "${pair%%:*}" >/dev/null 2>&1 || printf '%s ' "${pair#*:}"
    done
}

# as_root COMMAND...: fails without asking where we may not.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo -n env DEBIAN_FRONTEND=noninteractive "$@"
    fi
}

packages=$(missing "$@")
[ -n "$packages" ] || exit 0

if command -v apt-get >/dev/null 2>&1 && as_root true >/dev/null 2>&1; then
    echo "sipcheck: installing for the tests: $packages"
    # shellcheck disable=SC2086  # a list of words
    as_root apt-get update -qq && as_root apt-get install -y -qq --no-install-recommends $packages </dev/null >/dev/null
fi

packages=$(missing "$@")
[ -n "$packages" ] || exit 0
echo "sipcheck: not installed: ${packages}- the line for it: sudo apt-get install --no-install-recommends $packages" >&2
if [ "${CI:-}" = true ]; then
    echo "sipcheck: with CI=true that is a failure" >&2
    exit 1
fi
echo "sipcheck: the tests that need it skip by name" >&2
