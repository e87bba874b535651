#!/bin/sh
# deps.sh - installs what Postern's build, tests and demo need and is missing.
#
#   deps.sh        install (by sudo when not root); silent when all is there
#   deps.sh -n     only name what is missing; status 1 when something is
#
# It never starts, replaces, upgrades or reconfigures a mail service: starts are
# denied by policy-rc.d while packages are unpacked, what was installed here is
# kept from starting at boot, and another MTA or half a Dovecot makes it stop.
# Status: 0 done, 1 failed, 77 it would have to touch something of yours.

set -eu

BUILD="gcc make pkg-config libevent-dev liblmdb-dev libsodium-dev libbsd-dev
	libseccomp-dev libc-ares-dev libgmime-3.0-dev libjansson-dev
	libconfuse-dev libzstd-dev zlib1g-dev libssl-dev libcmocka-dev mandoc"
PEERS="dovecot-imapd dovecot-lmtpd postfix python3 python3-lmdb python3-pytest openssl curl ca-certificates
	python3-nacl php-cli nodejs node-tweetnacl
	clang libclang-rt-14-dev valgrind"

POLICY=/usr/sbin/policy-rc.d
MARK="# temporary, written by Postern's deps.sh"

stop()
{
	status=$1
	shift
	echo "deps: $*" >&2
	exit "$status"
}

installed()
{
	test "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed
}

missing()
{
	for p in $BUILD $PEERS; do
		installed "$p" || printf '%s ' "$p"
	done
}

has()	# has WORD LIST...
{
	word=$1
	shift
	for w in "$@"; do
		test "$w" != "$word" || return 0
	done
	return 1
}

# Installed packages other than Postfix that say they are the system's MTA.
other_mta()
{
	dpkg-query -W -f '${db:Status-Status}\t${Package}\t${Provides}\n' 2>/dev/null |
	    awk -F '\t' '$1 == "installed" && $2 != "postfix" &&
		$3 ~ /(^|[ ,])mail-transport-agent([ ,(]|$)/ { print $2 }'
}

check_mail_services()
{
	if has postfix "$@"; then
		mta=$(other_mta)
		test -z "$mta" || stop 77 "$mta is this machine's mail server and Postfix" \
		    "would replace it. The demo and the tests need Postfix: use another machine or container."
	fi
	if installed dovecot-core && { has dovecot-imapd "$@" || has dovecot-lmtpd "$@"; }; then
		stop 77 "Dovecot is here but not all of dovecot-imapd and dovecot-lmtpd: adding them" \
		    "would change your Dovecot. Install them yourself, or use another machine or container."
	fi
}

# Starts are denied while $POLICY says 101. Ours is made only where none is.
deny_starts()
{
	if test -e "$POLICY" && ! grep -qF "$MARK" "$POLICY"; then
		rc=0
		"$POLICY" dovecot start >/dev/null 2>&1 || rc=$?
		test "$rc" -eq 101 || stop 77 "$POLICY exists and would let services start;" \
		    "install these packages yourself: $*"
		return 0
	fi
	trap 'rm -f "$POLICY"' EXIT
	trap 'exit 1' HUP INT TERM
	printf '#!/bin/sh\n%s\nexit 101\n' "$MARK" > "$POLICY"
	chmod 755 "$POLICY"
}

# What came in here must not begin to listen at the next boot either.
keep_from_boot()
{
	for service in dovecot postfix; do
		case $service in
		dovecot) has dovecot-imapd "$@" || continue ;;
		postfix) has postfix "$@" || continue ;;
		esac
		if command -v systemctl >/dev/null; then
			systemctl disable "$service.service" >/dev/null 2>&1 || :
			systemctl disable "$service.socket" >/dev/null 2>&1 || :
		elif command -v update-rc.d >/dev/null; then
			update-rc.d "$service" disable >/dev/null 2>&1 || :
		fi
	done
}

# Only as root. Nothing that is installed is removed or upgraded for it.
install()
{
	export DEBIAN_FRONTEND=noninteractive DEBIAN_PRIORITY=critical
	export NEEDRESTART_SUSPEND=1 NEEDRESTART_MODE=l
	check_mail_services "$@"
	deny_starts "$@"
	apt-get -q -o DPkg::Lock::Timeout=300 update
	if has postfix "$@"; then
		echo "postfix postfix/main_mailer_type select No configuration" |
		    debconf-set-selections
	fi
	apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold \
	    --no-install-recommends --no-remove install "$@"
	keep_from_boot "$@"
}

command -v dpkg-query >/dev/null && command -v apt-get >/dev/null || {
	test "${1-}" != -n || exit 0
	stop 77 "no apt-get here. What is needed, by its names in Debian 12:" $BUILD $PEERS
}

# shellcheck disable=SC2046
set -- "${1-}" $(missing)
mode=$1
shift
test $# -gt 0 || exit 0

if test "$mode" = -n; then
	echo "$*"
	exit 1
fi
check_mail_services "$@"
if test "$(id -u)" -eq 0; then
	install "$@"
elif command -v sudo >/dev/null; then
	echo "deps: installing by sudo: $*"
	if test -t 0; then
		sudo sh "$0"
	else
		sudo -n sh "$0" || stop 77 "sudo wants a password and there is no terminal. Missing: $*"
	fi
else
	stop 77 "not root and no sudo. Ask an admin for: apt-get install --no-install-recommends $*"
fi
left=$(missing)
test -z "$left" || stop 1 "still missing: $left"
