#!/bin/sh
# unpack.sh - servers for tests that cannot be installed beside the others.
#
#   unpack.sh DIR PACKAGE...
#
# Debian's IMAP servers exclude each other. So these packages are only unpacked,
# into DIR: nothing is installed, configured or started, and no root is needed.
# Libraries that the machine has are not unpacked. Done once: DIR/.complete names
# what is there. Status: 0 done, 77 they cannot be had (no network, no apt-get).

set -eu

dir=$1
shift
test "$(cat "$dir/.complete" 2>/dev/null)" != "$*" || exit 0

stop()
{
	echo "unpack: $*" >&2
	exit 77
}

command -v apt-get >/dev/null || stop "no apt-get here"

wanted()
{
	for p in "$@"; do
		case $p in
		lib*) test "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed || echo "$p" ;;
		*) echo "$p" ;;
		esac
	done
}

rm -rf "$dir"
mkdir -p "$dir/deb"
cd "$dir/deb"
download()
{
	# shellcheck disable=SC2046
	apt-get -q -o APT::Sandbox::User=root download $(wanted "$@") > ../log 2>&1
}
# Lists that are old name packages that are gone.
download "$@" || { test "$(id -u)" -eq 0 && apt-get -q update > ../log 2>&1 && download "$@"; } ||
    stop "cannot be downloaded: $* ($(tail -n 1 ../log))"
for deb in *.deb; do
	dpkg-deb -x "$deb" ..
done
cd ..
rm -rf deb log
echo "$*" > .complete
