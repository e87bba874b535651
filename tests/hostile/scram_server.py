"""
The server's side of SCRAM-SHA-256 and -PLUS (RFC 5802, 7677), written from the texts with nothing of Postern's, as an
action of a Lie. Channel bindings are real: tls-unique from the TLS library, tls-exporter (RFC 9266) worked out from the
key log as RFC 8446 s. 7.5 says.

    Lie(capability="IMAP4rev1 AUTH=SCRAM-SHA-256", on={"AUTHENTICATE": [scram()]})
    scram(first="r={r}x,s={s},i=4095")      lies in the first message; {r} {s} {i} are what the truth would say
    scram(final="v=AAAA")                   lies in the last one; {v} is the true signature
"""

import base64
import hashlib
import hmac
import os
import re

from liar import Closed

SALT = b"0123456789abcdef"


def b64(data):
    return base64.b64encode(data).decode()


def mac(key, data, digest="sha256"):
    return hmac.new(key, data, digest).digest()


def expand_label(secret, label, context, size, digest):
    """HKDF-Expand-Label, RFC 8446 s. 7.1; one block is enough here."""
    label = b"tls13 " + label
    info = size.to_bytes(2, "big") + bytes([len(label)]) + label + bytes([len(context)]) + context
    return mac(secret, info + b"\1", digest)[:size]


def exporter(keylog, label, size):
    secret = bytes.fromhex(re.findall(r"^EXPORTER_SECRET \w+ (\w+)$", keylog, re.M)[-1])
    digest = {32: "sha256", 48: "sha384"}[len(secret)]
    empty = hashlib.new(digest, b"").digest()
    derived = expand_label(secret, label, empty, len(secret), digest)
    return expand_label(derived, b"exporter", empty, size, digest)


def binding(session, kind):
    """The bytes that both ends of this TLS connection know."""
    tls = session.writer.get_extra_info("ssl_object")
    if kind == "tls-unique" and tls.version() == "TLSv1.2":
        return tls.get_channel_binding("tls-unique")
    if kind == "tls-exporter" and tls.version() == "TLSv1.3":
        with open(session.server.keylog) as f:
            return exporter(f.read(), b"EXPORTER-Channel-Binding", 32)
    return None


def escaped(name):
    return name.replace("=2C", ",").replace("=3D", "=")


class Exchange:
    def __init__(self, session, client_first):
        self.session = session
        match = re.fullmatch(r"(?:p=([a-z-]+)|([ny])),,(n=([^,]+),r=([^,]+))", client_first)
        if not match:
            raise Closed
        self.header = client_first[:client_first.index(",,") + 2]
        self.kind, self.flag, self.bare, self.user, self.nonce = match[1], match[2], match[3], escaped(match[4]), match[5]

    def keys(self, iterations):
        password = (self.session.lie.accounts or {self.session.lie.user: self.session.lie.password})[self.user]
        self.salted = hashlib.pbkdf2_hmac("sha256", password.encode(), SALT, iterations)

    def signature(self, auth):
        return mac(mac(self.salted, b"Server Key"), auth)

    def proof_good(self, auth, proof):
        key = mac(self.salted, b"Client Key")
        sent = bytes(a ^ b for a, b in zip(mac(hashlib.sha256(key).digest(), auth), base64.b64decode(proof)))
        return hmac.compare_digest(sent, key)

    def binding_good(self, offers_plus):
        """What c= must be, or None: this exchange cannot be good."""
        if self.kind:
            data = binding(self.session, self.kind)
            return data and b64(self.header.encode() + data)
        return None if self.flag == "y" and offers_plus else b64(self.header.encode())


def scram(first="r={r},s={s},i={i}", final="v={v}", iterations=4096, welcome_early=False, wrong="e=invalid-proof",
          false_binding=False, other_binding=False):
    """An action for AUTHENTICATE or AUTH."""
    async def act(s):
        imap = s.lie.proto == "imap"
        words = (s.rest if imap else s.command.split(None, 1)[1]).decode().split()

        async def ask(text):
            s.write((b"+ " if imap else b"334 ") + b64(text.encode("latin-1")).encode() + b"\r\n")
            await s.drain()
            return base64.b64decode(await s.line()).decode()

        def verdict(good):
            s.server.logins_good += good
            s.server.logins_bad += not good
            s.server.gs2 = e.header
            s.user = e.user if good else None
            s.write((s.tag + (b" OK in\r\n" if good else b" NO [AUTHENTICATIONFAILED] no\r\n")) if imap else
                    b"235 2.7.0 in\r\n" if good else b"535 5.7.8 no\r\n")

        e = Exchange(s, base64.b64decode(words[1]).decode() if len(words) > 1 else await ask(""))
        e.keys(iterations)
        nonce = e.nonce + b64(os.urandom(18))
        server_first = first.format(r=nonce, own=e.nonce, s=b64(SALT), i=iterations)
        client_final = await ask(server_first)
        body, proof = client_final.rsplit(",p=", 1)
        auth = f"{e.bare},{server_first},{body}".encode()
        if other_binding and e.kind:
            s.write(s.tag + b" NO bad protocol / cancel\r\n")  # in the words of Cyrus SASL
            return
        offers_plus = "-PLUS" in (s.lie.capability or "")
        expected = e.binding_good(offers_plus)
        if expected is None or false_binding or body != f"c={expected},r={nonce}":
            await ask("e=channel-bindings-dont-match")
            return verdict(False)
        if not e.proof_good(auth, proof):
            await ask(wrong)
            return verdict(False)
        if not welcome_early:
            await ask(final.format(v=b64(e.signature(auth))))
        verdict(True)
    return act
