"""A certificate authority for the test world, good server certificates and bad ones."""

import os
import subprocess

SAN = ("DNS:localhost,DNS:mail.agency.example,DNS:mail.people.example,IP:127.0.0.1,IP:::1,"
       + ",".join(f"IP:127.0.0.{n}" for n in range(2, 10)))

CONFIG = """
[ca]
default_ca = world
[world]
database = {d}/index.txt
new_certs_dir = {d}
serial = {d}/serial
certificate = {d}/ca.pem
private_key = {d}/ca.key
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = dn
prompt = no
[dn]
commonName = Postern Test
[v3_ca]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[good]
subjectAltName = {san}
extendedKeyUsage = serverAuth
[elsewhere]
subjectAltName = DNS:mail.elsewhere.example
extendedKeyUsage = serverAuth
"""

# name: (issuer, extensions, first and last day as openssl ca wants them)
LEAVES = {
    "good": ("ca", "good", "20200101000000Z", "20491231235959Z"),
    "expired": ("ca", "good", "20200101000000Z", "20200201000000Z"),
    "notyet": ("ca", "good", "20480101000000Z", "20491231235959Z"),
    "wrongname": ("ca", "elsewhere", "20200101000000Z", "20491231235959Z"),
    "untrusted": ("otherca", "good", "20200101000000Z", "20491231235959Z"),
}


def _openssl(*args):
    subprocess.run(["openssl", *args], check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


class Certs:
    """Files under directory: ca.pem, system.pem (an authority that signed nothing), and NAME.pem with NAME.key for each of LEAVES and 'selfsigned'."""

    def __init__(self, directory):
        self.dir = str(directory)
        os.makedirs(self.dir, exist_ok=True)
        self.ca = self.path("ca.pem")
        self.conf = self.path("openssl.cnf")
        if not os.path.exists(self.path("done")):
            self._make()

    def path(self, name):
        return os.path.join(self.dir, name)

    def pair(self, name):
        """(certificate, key) files of one server."""
        return self.path(name + ".pem"), self.path(name + ".key")

    def _make(self):
        with open(self.conf, "w") as f:
            f.write(CONFIG.format(d=self.dir, san=SAN))
        open(self.path("index.txt"), "w").close()
        with open(self.path("serial"), "w") as f:
            f.write("1000\n")
        for name in ("ca", "otherca", "system"):
            self._self_signed(name, f"Postern Test {name}", "v3_ca")
        self._self_signed("selfsigned", "localhost", "good")
        for name, (issuer, ext, first, last) in LEAVES.items():
            self._issue(name, issuer, ext, first, last)
        for name in os.listdir(self.dir):
            os.chmod(self.path(name), 0o644)
        open(self.path("done"), "w").close()

    def _self_signed(self, name, cn, ext):
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                 "-config", self.conf, "-extensions", ext, "-subj", f"/CN={cn}", "-days", "3650",
                 "-keyout", self.path(name + ".key"), "-out", self.path(name + ".pem"))

    def _issue(self, name, issuer, ext, first, last):
        csr = self.path(name + ".csr")
        _openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                 "-config", self.conf, "-subj", f"/CN={name}", "-keyout", self.path(name + ".key"), "-out", csr)
        _openssl("ca", "-batch", "-notext", "-config", self.conf, "-extensions", ext,
                 "-cert", self.path(issuer + ".pem"), "-keyfile", self.path(issuer + ".key"),
                 "-startdate", first, "-enddate", last, "-in", csr, "-out", self.path(name + ".pem"))
