#!/bin/sh
# real.sh [--long] - pytest over all tests with processes, in two halves at the
# same time: most of their time is waiting. Each half has servers of its own.

cd "$(dirname "$0")/.." || exit 1
export PYTHONDONTWRITEBYTECODE=1
py="${PYTHON:-/usr/bin/python3} -m pytest -q -p no:cacheprovider -rs $*"
first="tests/peers/test_flags.py tests/peers/test_kill.py tests/peers/test_send.py"

out=$(mktemp) || exit 1
pid=
trap 'rm -f "$out"; test -z "$pid" || kill "$pid" 2>/dev/null' EXIT
trap 'exit 1' HUP INT TERM
# shellcheck disable=SC2086
$py $first >"$out" 2>&1 &
pid=$!
rc=0
# shellcheck disable=SC2046,SC2086
$py $(printf ' --deselect %s' $first) tests || rc=$?
wait "$pid" || rc=$?
pid=
cat "$out"
exit $rc
