"""
A private Postfix: submission with STARTTLS and with wrapped TLS on loopback ports, AUTH through Dovecot,
all test domains delivered to Dovecot by LMTP, everything else refused. Needs root, or sudo for its commands.
"""

import os
import re
import shutil
import subprocess

from proc import Child, connects, free_port, reachable_by_others, until

MAIN_CF = """
compatibility_level = 3.6
queue_directory = {d}/queue
data_directory = {d}/data
maillog_file = {d}/log/postfix.log
maillog_file_prefixes = {d}
mail_owner = postfix
setgid_group = postdrop
myhostname = mail.agency.example
mydomain = agency.example
myorigin = agency.example
inet_interfaces = loopback-only
inet_protocols = ipv4
mynetworks =
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
local_transport = error:no local delivery here
default_transport = error:5.1.2 nothing leaves this test world
relay_transport = error:5.1.2 nothing leaves this test world
virtual_mailbox_domains = {domains}
virtual_mailbox_maps = texthash:{d}/users
virtual_transport = lmtp:inet:127.0.0.1:{lmtp}
recipient_delimiter = +
smtpd_tls_cert_file = {cert}
smtpd_tls_key_file = {key}
smtpd_tls_auth_only = yes
smtpd_tls_loglevel = 0
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:{sasl}
smtpd_sasl_auth_enable = yes
smtpd_sasl_security_options = noanonymous
smtpd_sender_login_maps = regexp:{d}/logins
smtpd_client_restrictions =
smtpd_sender_restrictions = reject_sender_login_mismatch
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_delay_reject = no
smtpd_reject_unlisted_recipient = yes
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_error_sleep_time = 0
message_size_limit = {size}
mailbox_size_limit = 0
virtual_mailbox_limit = 0
lmtp_destination_concurrency_limit = 4
minimal_backoff_time = 5s
maximal_backoff_time = 10s
queue_run_delay = 5s
notify_classes =
biff = no
{extra}
"""

MASTER_CF = """
127.0.0.1:{starttls} inet n - n - - smtpd -o smtpd_tls_security_level=encrypt
127.0.0.1:{tls} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


def privilege():
    """[] as root, a sudo prefix when it works without asking, None when Postfix cannot be run."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo"):
        ok = subprocess.run(["sudo", "-n", "true"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if ok.returncode == 0:
            return ["sudo", "-n"]
    return None


class Postfix:
    """dovecot: where it delivers and asks for passwords; its users' domains are ours."""

    def __init__(self, directory, certs, dovecot, cert="good", size=60000000, extra="", keep=False):
        self.dir = str(directory)
        self.dovecot = dovecot
        self.keep = keep
        self.child = None
        self.sudo = privilege()
        if self.sudo is None:
            raise PermissionError("Postfix can only be run as root, and there is no sudo")
        if not reachable_by_others(self.dir):
            raise RuntimeError(f"{self.dir} is closed to other users; Postfix runs as one")
        self.starttls, self.tls = free_port(), free_port()
        self.log = os.path.join(self.dir, "log", "postfix.log")
        self.conf = os.path.join(self.dir, "conf")
        self._layout()
        pem, key = certs.pair(cert)
        self._write("main.cf", MAIN_CF.format(
            d=self.dir, cert=pem, key=key, lmtp=dovecot.lmtp, sasl=dovecot.sasl, size=size, extra=extra,
            domains=" ".join(sorted({u.split("@")[1] for u in dovecot.users}))))
        self._write("master.cf", MASTER_CF.format(starttls=self.starttls, tls=self.tls))

    def _write(self, name, text):
        with open(os.path.join(self.conf, name), "w") as f:
            f.write(text.lstrip())

    def _layout(self):
        for sub in ("conf", "log"):
            os.makedirs(os.path.join(self.dir, sub), exist_ok=True)
        self.write_users()
        with open(os.path.join(self.dir, "logins"), "w") as f:
            f.write("/^([^+@]+)(\\+[^@]*)?@(.*)$/ ${1}@${3}\n")
        self._run("install", "-d", "-o", "root", "-m", "755", os.path.join(self.dir, "queue"))
        self._run("install", "-d", "-o", "postfix", "-m", "700", os.path.join(self.dir, "data"))

    def _run(self, *argv):
        subprocess.run([*self.sudo, *argv], check=True, stdin=subprocess.DEVNULL, capture_output=True)

    def write_users(self):
        with open(os.path.join(self.dir, "users"), "w") as f:
            f.writelines(f"{user} ok\n" for user in sorted(self.dovecot.users))

    def start(self):
        self.child = Child([*self.sudo, "/usr/sbin/postfix", "-c", self.conf, "start-fg"],
                           os.path.join(self.dir, "log", "stderr.log"), keep=self.keep)
        for port in (self.starttls, self.tls):
            until(f"postfix port {port}", lambda p=port: connects(("127.0.0.1", p)), child=self.child)
        return self

    def reload(self):
        """New smtpd processes: the old ones hold a connection to a Dovecot that is gone."""
        if self.child:
            self._run("/usr/sbin/postfix", "-c", self.conf, "reload")

    def stop(self):
        if self.child is None:
            return
        if self.sudo and self.child.alive():
            subprocess.run([*self.sudo, "/usr/sbin/postfix", "-c", self.conf, "stop"],
                           stdin=subprocess.DEVNULL, capture_output=True)
        self.child.stop()
        self.child = None

    def log_text(self):
        if not os.path.exists(self.log):
            return ""
        with open(self.log, errors="replace") as f:
            return f.read()

    def logins(self, user):
        """(successful, refused) SASL logins so far."""
        text = self.log_text()
        good = len(re.findall(rf"sasl_username={re.escape(user)}\b", text))
        bad = len(re.findall(r"SASL \w+ authentication failed", text))
        return good, bad

    def queue_empty(self):
        out = subprocess.run([*self.sudo, "/usr/sbin/postqueue", "-c", self.conf, "-j"],
                             stdin=subprocess.DEVNULL, capture_output=True)
        return not out.stdout.strip()
