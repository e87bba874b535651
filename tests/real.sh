#!/bin/sh
# real.sh [--long] - pytest over all tests with processes, in three parts at the
# same time: most of their time is waiting. Each part has servers of its own.

cd "$(dirname "$0")/.." || exit 1
export PYTHONDONTWRITEBYTECODE=1
py="${PYTHON:-/usr/bin/python3} -m pytest -q -p no:cacheprovider -rs $*"
send="tests/peers/test_kill.py tests/peers/test_send.py"
walls="tests/sandbox tests/deputies tests/fire tests/peers/test_flags.py tests/peers/test_keys.py
	tests/peers/test_odd_mail.py tests/peers/test_seal_examples.py"

out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"; kill $(jobs -p) 2>/dev/null' EXIT
trap 'exit 1' HUP INT TERM
part()
{
	name=$1
	shift
	"$@" >"$out/$name" 2>&1
	echo $? >"$out/$name.rc"
}
# shellcheck disable=SC2086
part send $py $send &
# shellcheck disable=SC2086
part walls $py $walls &
# shellcheck disable=SC2046,SC2086
part rest $py $(printf ' --ignore %s' $send $walls) tests &
wait
rc=0
for name in send walls rest; do
	cat "$out/$name"
	test "$(cat "$out/$name.rc" 2>/dev/null || echo 1)" = 0 || rc=1
done
exit $rc
