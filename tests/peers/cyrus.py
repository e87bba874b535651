"""A private Cyrus IMAP: folders below INBOX., SPECIAL-USE, QRESYNC, OBJECTID; all files under one directory."""

import grp
import os
import pwd
import shutil
import signal

from proc import Child, connects, free_port, until
from saslauthd import Saslauthd
from unpacked import environment, unpacked

FOLDERS = {"Drafts": "\\Drafts", "Sent": "\\Sent", "Trash": "\\Trash", "Junk": "\\Junk"}

IMAPD = """
configdirectory: {d}/conf
partition-default: {d}/spool
defaultpartition: default
cyrus_user: {user}
cyrus_group: {group}
admins: cyrus
virtdomains: userid
defaultdomain: nowhere.example
altnamespace: {altnamespace}
unixhierarchysep: {slash}
autocreate_quota: 0
autocreate_post: yes
autocreate_inbox_folders: {folders}
autocreate_subscribe_folders: {folders}
{uses}
sasl_pwcheck_method: saslauthd
sasl_saslauthd_path: {d}/auth
sasl_mech_list: PLAIN
allowplaintext: yes
tls_server_cert: {cert}
tls_server_key: {key}
tls_versions: tls1_2 tls1_3
lmtp_downcase_rcpt: yes
duplicatesuppression: no
hashimapspool: no
sievedir: {d}/sieve
idlesocket: {d}/conf/socket/idle
imapidlepoll: 1
lmtpsocket: {d}/conf/socket/lmtp
notifysocket: {d}/conf/socket/notify
mupdate_config: standard
fulldirhash: no
skiplist_unsafe: yes
duplicate_db: skiplist
statuscache_db: skiplist
tls_sessions_db: skiplist
{extra}
"""

SERVICES = """
START {{
  recover cmd="{bin}/ctl_cyrusdb -C {conf} -r"
  idled cmd="{bin}/idled -C {conf}"
}}
SERVICES {{
  imap cmd="{bin}/imapd -C {conf}" listen="127.0.0.1:{imap}" prefork=0
  imaps cmd="{bin}/imapd -C {conf} -s" listen="127.0.0.1:{imaps}" prefork=1
  lmtp cmd="{bin}/lmtpd -C {conf} -a" listen="127.0.0.1:{lmtp}" prefork=0
}}
"""


class Cyrus:
    """users: {address: password}. slash: "/" separates folders, else "."; altnamespace: folders beside INBOX."""

    def __init__(self, directory, certs, users, slash=False, altnamespace=False, extra=""):
        self.dir, self.users = str(directory), dict(users)
        self.root = unpacked("cyrus")
        self.ports = {p: free_port() for p in ("imap", "imaps", "lmtp")}
        self.separator = "/" if slash else "."
        self.prefix = "" if altnamespace else "INBOX" + self.separator
        self.child = self.auth = None
        entry = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        for sub in ("", "conf", "conf/db", "conf/socket", "conf/proc", "conf/lock", "conf/log", "conf/msg", "conf/ptclient",
                    "conf/user", "conf/quota", "spool", "sieve"):
            os.makedirs(os.path.join(self.dir, sub), exist_ok=True)
        self.conf = os.path.join(self.dir, "imapd.conf")
        cert, key = self._pair(certs)
        with open(self.conf, "w") as f:
            f.write(IMAPD.format(
                d=self.dir, user=entry.pw_name, group=grp.getgrgid(entry.pw_gid).gr_name, cert=cert, key=key,
                slash="yes" if slash else "no", altnamespace="yes" if altnamespace else "no",
                folders=" | ".join(FOLDERS), extra=extra,
                uses="\n".join(f"xlist-{use[1:].lower()}: {name}" for name, use in FOLDERS.items())))
        with open(os.path.join(self.dir, "cyrus.conf"), "w") as f:
            f.write(SERVICES.format(bin=os.path.join(self.root, "usr/lib/cyrus/bin"), conf=self.conf, **self.ports))
        if os.geteuid() == 0:
            for where, _, files in os.walk(self.dir):
                for name in [where] + [os.path.join(where, f) for f in files]:
                    shutil.chown(name, entry.pw_uid, entry.pw_gid)

    imap = property(lambda self: self.ports["imap"])
    imaps = property(lambda self: self.ports["imaps"])
    lmtp = property(lambda self: self.ports["lmtp"])

    def _pair(self, certs):
        """Copies that the server's user may read."""
        out = []
        for path in certs.pair("good"):
            out.append(os.path.join(self.dir, os.path.basename(path)))
            shutil.copy(path, out[-1])
        return out

    def start(self):
        self.auth = Saslauthd(os.path.join(self.dir, "auth"), self.users)
        self.child = Child([os.path.join(self.root, "usr/lib/cyrus/bin/master"), "-D", "-C", self.conf, "-M",
                            os.path.join(self.dir, "cyrus.conf"), "-p", os.path.join(self.dir, "master.pid")],
                           os.path.join(self.dir, "log"), env=environment(self.root))
        for port in self.ports.values():
            until(f"Cyrus port {port}", lambda p=port: connects(("127.0.0.1", p)), child=self.child)
        return self

    def stop(self):
        if self.child:
            self.child.stop(signal.SIGQUIT)
            self.child = None
            self.auth.close()
