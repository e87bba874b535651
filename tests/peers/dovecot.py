"""A private Dovecot: IMAP with TLS and STARTTLS, LMTP and SASL on loopback ports, all files under one directory."""

import grp
import os
import pwd
import re
import shutil
import subprocess

from proc import Child, connects, free_port, reachable_by_others, until

# What Dovecot 2.3 offers after login; a test hides some of it to be another server.
CAPABILITIES = ("IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT SORT=DISPLAY THREAD=REFERENCES THREAD=REFS "
                "THREAD=ORDEREDSUBJECT MULTIAPPEND URL-PARTIAL CATENATE UNSELECT CHILDREN NAMESPACE UIDPLUS "
                "LIST-EXTENDED I18NLEVEL=1 CONDSTORE QRESYNC ESEARCH ESORT SEARCHRES WITHIN CONTEXT=SEARCH "
                "LIST-STATUS BINARY MOVE SNIPPET=FUZZY PREVIEW=FUZZY PREVIEW STATUS=SIZE SAVEDATE LITERAL+ NOTIFY "
                "SPECIAL-USE").split()
PLAIN_SERVER = ("CONDSTORE", "QRESYNC", "IDLE", "MOVE", "UIDPLUS", "LIST-EXTENDED", "LIST-STATUS", "ESEARCH",
                "NOTIFY", "SPECIAL-USE", "LITERAL+", "ENABLE", "SASL-IR", "SEARCHRES", "UNSELECT", "STATUS=SIZE")

FOLDERS = {"Drafts": "\\Drafts", "Sent": "\\Sent", "Trash": "\\Trash", "Junk": "\\Junk"}

CONFIG = """
base_dir = {run}
state_dir = {d}/state
instance_name = {name}
log_path = {d}/log/dovecot.log
info_log_path = {d}/log/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
default_internal_user = {internal_user}
default_internal_group = {internal_group}
default_login_user = {login_user}
default_process_limit = 200
default_client_limit = 1000
{no_chroot}
first_valid_uid = 1
mail_uid = {mail_uid}
mail_gid = {mail_gid}
mail_location = {storage}:~/mail
mail_fsync = never
mail_plugins = {mail_plugins}
auth_mechanisms = {mechanisms}
auth_username_format = %Lu
auth_verbose = yes
auth_failure_delay = 0
auth_cache_size = 0
disable_plaintext_auth = {disable_plaintext}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {d}/users
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {d}/users
  override_fields = uid={mail_uid} gid={mail_gid} home={d}/mail/%u
}}
ssl = {ssl}
ssl_cert = <{cert}
ssl_key = <{key}
ssl_min_protocol = TLSv1.2
hostname = mail.agency.example
postmaster_address = postmaster@agency.example
recipient_delimiter = +
mail_max_userip_connections = 100
{capability}
namespace inbox {{
  inbox = yes
  separator = {separator}
{mailboxes}
}}
service imap-login {{
  service_count = 0
  process_min_avail = 1
  inet_listener imap {{
    address = 127.0.0.1
    port = {imap}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {imaps}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
service auth {{
  inet_listener sasl {{
    address = 127.0.0.1
    port = {sasl}
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
{extra}
"""

NO_CHROOT = """
service imap-login {
  chroot =
}
service anvil {
  chroot =
}
service stats {
  chroot =
}
service lmtp {
  user =
}
"""


class Dovecot:
    """
    directory: everything lives here, and must be walkable by other users when we are root.
    users: {address: password}. hide: capabilities not offered. add: capabilities offered beyond.
    special_use: whether folders carry their special use. folders: {name: special use}.
    storage: maildir or sdbox. cert: a name of certs.LEAVES or selfsigned.
    """

    def __init__(self, directory, certs, users, name="dovecot", hide=(), add=(), special_use=True,
                 folders=None, storage="maildir", cert="good", mechanisms="plain login", ssl="required",
                 separator=".", mail_plugins="", extra="", keep=False):
        self.dir = str(directory)
        self.certs = certs
        self.users = dict(users)
        self.name = name
        self.folders = FOLDERS if folders is None else folders
        self.opts = dict(hide=hide, add=add, special_use=special_use, storage=storage, cert=cert, ssl=ssl,
                         mechanisms=mechanisms, separator=separator, mail_plugins=mail_plugins, extra=extra)
        self.keep = keep
        self.child = None
        self.on_restart = None
        self.ports = {p: free_port() for p in ("imap", "imaps", "lmtp", "sasl")}
        self.conf = os.path.join(self.dir, "dovecot.conf")
        self.log = os.path.join(self.dir, "log", "dovecot.log")
        self._layout()
        self.write_users()
        self.write_config()

    imap = property(lambda self: self.ports["imap"])
    imaps = property(lambda self: self.ports["imaps"])
    lmtp = property(lambda self: self.ports["lmtp"])
    sasl = property(lambda self: self.ports["sasl"])

    def _layout(self):
        self.root = os.geteuid() == 0
        if self.root and not reachable_by_others(self.dir):
            raise RuntimeError(f"{self.dir} is closed to other users; Dovecot runs as them")
        self.mail_user = "nobody" if self.root else pwd.getpwuid(os.geteuid()).pw_name
        entry = pwd.getpwnam(self.mail_user)
        self.mail_uid, self.mail_gid = entry.pw_uid, entry.pw_gid
        for sub in ("run", "state", "log", "mail"):
            os.makedirs(os.path.join(self.dir, sub), exist_ok=True)
        if self.root:
            os.chown(os.path.join(self.dir, "mail"), self.mail_uid, self.mail_gid)
            shutil.chown(os.path.join(self.dir, "log"), "dovecot", "dovecot")
            os.chmod(os.path.join(self.dir, "log"), 0o777)

    def write_users(self):
        path = os.path.join(self.dir, "users")
        with open(path + ".new", "w") as f:
            for user, password in sorted(self.users.items()):
                f.write(f"{user}:{{PLAIN}}{password}::::::\n")
        os.chmod(path + ".new", 0o644)
        os.replace(path + ".new", path)

    def set_password(self, user, password):
        """In force when it returns: Dovecot looks at the file's time once a second."""
        self.users[user] = password
        path = os.path.join(self.dir, "users")
        before = os.stat(path).st_mtime
        self.write_users()
        os.utime(path, (before + 2, before + 2))
        until("new password", lambda: self.password_works(user, password), pause=0.2)

    def password_works(self, user, password):
        """Asks without a login; not counted by logins()."""
        run = subprocess.run(["doveadm", "-c", self.conf, "auth", "test", user, password],
                             stdin=subprocess.DEVNULL, capture_output=True)
        return run.returncode == 0

    def _mailboxes(self):
        out = []
        for name, use in self.folders.items():
            special = f"    special_use = {use}\n" if use and self.opts["special_use"] else ""
            out.append(f'  mailbox "{name}" {{\n    auto = subscribe\n{special}  }}\n')
        return "".join(out)

    def _capability(self):
        hide, add = self.opts["hide"], self.opts["add"]
        if not hide and not add:
            return ""
        words = [c for c in CAPABILITIES if c not in hide] + list(add)
        return "imap_capability = " + " ".join(words)

    def write_config(self):
        user = pwd.getpwuid(os.geteuid()).pw_name
        group = grp.getgrgid(os.getegid()).gr_name
        cert, key = self.certs.pair(self.opts["cert"])
        values = dict(self.opts, **self.ports, d=self.dir, run=os.path.join(self.dir, "run"), name=self.name,
                      internal_user="dovecot" if self.root else user,
                      internal_group="dovecot" if self.root else group,
                      login_user="dovenull" if self.root else user,
                      no_chroot="" if self.root else NO_CHROOT, mail_uid=self.mail_uid, mail_gid=self.mail_gid,
                      cert=cert, key=key, capability=self._capability(), mailboxes=self._mailboxes(),
                      disable_plaintext="no" if self.opts["ssl"] == "no" else "yes")
        with open(self.conf, "w") as f:
            f.write(CONFIG.format(**values))

    def start(self):
        self.child = Child([shutil.which("dovecot", path="/usr/sbin:/usr/bin"), "-F", "-c", self.conf],
                           os.path.join(self.dir, "log", "stderr.log"), keep=self.keep)
        for port in self.ports.values():
            until(f"{self.name} port {port}", lambda p=port: connects(("127.0.0.1", p)), child=self.child)
        if self.on_restart:
            self.on_restart()
        return self

    def stop(self):
        """Ends it with its sessions; the same ports serve after start()."""
        if self.child:
            self.child.stop()
            self.child = None

    def doveadm(self, *args, **kw):
        run = subprocess.run(["doveadm", "-c", self.conf, *args], stdin=subprocess.DEVNULL,
                             capture_output=True, **kw)
        if run.returncode:
            raise RuntimeError(f"doveadm {args}: {run.stderr.decode(errors='replace')}")
        return run.stdout

    def log_text(self):
        with open(self.log, errors="replace") as f:
            return f.read()

    def logins(self, user):
        """(successful, refused) logins of user by IMAP and SASL so far."""
        text = self.log_text()
        name = re.escape(user)
        good = len(re.findall(rf"imap-login: (?:Info: )?Login: user=<{name}>", text))
        bad = len(re.findall(rf"passwd-file\({name},.*?Password mismatch", text))
        return good, bad

    def new_uidvalidity(self, user, folder="INBOX"):
        """A new UIDVALIDITY and new UIDs for all mail of a folder, as after a restored backup."""
        validity, following = self._status(user, folder, "uidvalidity"), self._status(user, folder, "uidnext")
        self.doveadm("mailbox", "update", "-u", user, "--uid-validity", str(validity + 1000),
                     "--min-next-uid", str(following + 1000), folder)
        self.doveadm("force-resync", "-u", user, folder)  # else a session may see a part of it first

    def _status(self, user, folder, field):
        out = self.doveadm("-f", "flow", "mailbox", "status", "-u", user, field, folder).decode()
        return int(re.search(field + r"=(\d+)", out).group(1))

    def uidvalidity(self, user, folder="INBOX"):
        return self._status(user, folder, "uidvalidity")
