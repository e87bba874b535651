#!/bin/sh
# unit.sh BINARY... - runs cmocka tests, as many at a time as there are cores.
# Of one that passes only its closing line is shown, of one that fails everything.

if test $# -gt 1; then
	failed=0
	printf '%s\n' "$@" | xargs -n 1 -P "$(nproc)" sh "$0" || failed=1
	test $failed -eq 0 && echo "$# unit test programs passed, 0 failed" || echo "unit tests failed, see above"
	exit $failed
fi

out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
rc=0
"$1" >"$out" 2>&1 || rc=$?
if test $rc -eq 0; then
	printf '%s: %s\n' "$1" "$(grep -a 'PASSED' "$out" | tail -n 1)"
else
	# One write, so that two failures at a time stay apart.
	{ cat "$out"; echo "$1: ended with $rc"; } >"$out.all"
	cat "$out.all"
	rm -f "$out.all"
fi
exit $rc
