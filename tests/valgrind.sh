#!/bin/sh
# valgrind.sh BINARY... - cmocka tests under memcheck: no wrong access, no
# uninitialised value that matters, nothing lost at the end. As many at a time
# as there are cores; what a failed one said is shown.

# Not these, and why.
reason()
{
	case $1 in
	*/common/test_sandbox) echo "valgrind makes system calls that the walls kill" ;;
	*/deputies/test_seals) echo "it counts what passes in a minute, and valgrind is too slow for that" ;;
	*/dialer/test_deadlines) echo "c-ares waits there for milliseconds, and valgrind is too slow for that" ;;
	*) return 1 ;;
	esac
}

if test $# -gt 1; then
	failed=0
	printf '%s\n' "$@" | xargs -n 1 -P "$(nproc)" sh "$0" || failed=1
	test $failed -eq 0 && echo "$# unit test programs under valgrind, 0 failed" || echo "valgrind: failed, see above"
	exit $failed
fi

if why=$(reason "$1"); then
	echo "$1: left out, $why"
	exit 0
fi
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
rc=0
# The store's tests need a smaller map: valgrind_map.c.
preload=
case $1 in
*/store/*) preload=$MAP ;;
esac
LD_PRELOAD=$preload valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite --show-leak-kinds=definite \
	--child-silent-after-fork=yes --suppressions=tests/valgrind.supp "$1" >"$out" 2>&1 || rc=$?
if test $rc -ne 0; then
	cat "$out"
	echo "$1: ended with $rc under valgrind"
fi
exit $rc
