#!/bin/sh
# replay.sh TARGET... - the committed inputs of each fuzz target through it, as
# many targets at a time as there are cores. An input that crashes is named.
# DIR/fuzz_x reads tests/fuzz/DIR/seeds/x/*.

if test $# -gt 1; then
	failed=0
	printf '%s\n' "$@" | xargs -n 1 -P "$(nproc)" sh "$0" || failed=1
	test $failed -eq 0 && echo "$# fuzz targets replayed, 0 failed" || echo "fuzz targets failed, see above"
	exit $failed
fi

name=${1##*/fuzz_}
dir=${1%/*}
seeds=tests/fuzz/${dir##*/}/seeds/$name
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
rc=0
set -- "$1" "$seeds"/*
test -e "$2" || { echo "$seeds: no seeds"; exit 1; }
"$@" >"$out" 2>&1 || rc=$?
if test $rc -ne 0; then
	last=$(grep -a '^input ' "$out" | tail -n 1)
	tail -n 60 "$out"
	echo "$1: ended with $rc; replay: $1 ${last#input }"
fi
exit $rc
