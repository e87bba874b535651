#!/bin/sh
# unit.sh BINARY... - runs cmocka tests one after the other. Of one that passes
# only its closing line is shown, of one that fails everything.

out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
failed=0
for t in "$@"; do
	rc=0
	"$t" >"$out" 2>&1 || rc=$?
	if test $rc -eq 0; then
		printf '%s: %s\n' "$t" "$(grep -a 'PASSED' "$out" | tail -n 1)"
	else
		cat "$out"
		echo "$t: ended with $rc"
		failed=$((failed + 1))
	fi
done
echo "$# unit test programs, $failed failed"
test $failed -eq 0
