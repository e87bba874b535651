"""
Servers of Debian that exclude each other: their packages unpacked below the build, not installed. Run by make deps, so
that the tests need no network.
"""

import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CACHE = os.path.join(ROOT, "build", "peers")
PACKAGES = {
    "cyrus": "cyrus-imapd cyrus-common libical3 libxapian30 libldap-2.5-0 libpq5 libpcre3 libwrap0 libsasl2-2 "
             "libsasl2-modules libsqlite3-0 libxml2 libicu72 libjansson4 libnsl2 libtirpc3".split(),
    "courier": "courier-imap courier-base courier-authlib libcourier-unicode4 libgamin0 gamin libgdbm6 libidn12 "
               "libpcre3".split(),
}


PROGRAM = {"cyrus": "usr/lib/cyrus/bin/imapd", "courier": "usr/bin/imapd"}


class Missing(Exception):
    """Why a server cannot be had here."""


def unpacked(name):
    """The directory that is / for those packages; they are downloaded where it is not there yet."""
    directory = os.path.join(CACHE, name)
    run = subprocess.run(["sh", os.path.join(ROOT, "conf", "unpack.sh"), directory, *PACKAGES[name]],
                         stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if run.returncode == 77:
        raise Missing(run.stderr.strip())
    run.check_returncode()
    ldd = subprocess.run(["ldd", os.path.join(directory, PROGRAM[name])], capture_output=True, text=True,
                         env=environment(directory))
    if lost := [line.split()[0] for line in ldd.stdout.splitlines() if "not found" in line]:
        raise Missing("libraries that are not here: " + " ".join(lost))
    return directory


def environment(directory):
    """For its programs: libraries and SASL mechanisms that may be there and not here."""
    lib = os.path.join(directory, "usr", "lib", "x86_64-linux-gnu")
    return dict(os.environ, LD_LIBRARY_PATH=f"{lib}:{directory}/usr/lib",
                SASL_PATH=f"/usr/lib/x86_64-linux-gnu/sasl2:{lib}/sasl2")


def main():
    for name in PACKAGES:
        try:
            unpacked(name)
        except Missing as why:
            print(f"tests with {name} will be skipped: {why}", file=sys.stderr)


if __name__ == "__main__":
    main()
