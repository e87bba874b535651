"""
One message of the bench's mailbox: message(n) -> bytes with LF, always the same for the same n.

The kinds and their shares are those of a recruiter's mailbox: short plain replies that quote, the usual
multipart/alternative in quoted-printable, newsletters of mostly HTML (some in base64), applications with a file.
Together about 20 KB a message. Four in ten answer an earlier one and name its thread in References.
"""

import base64
import binascii
import email.utils
import random

from words import paragraphs, words, wrapped

VERSION = 2  # of the mailbox: raise it when a message changes
FIRST_DAY = 1640995200
EVERY = 3061  # seconds between two messages

FIRST = "Anna Björn Céline David Eva François Grete Hans Inès Jürgen Karla Lars Mona Nils Olga Pía René Søren".split()
LAST = "Müller Schmidt Dupont Novák Jensen García Rossi Smith Kowalski Öztürk Weber Lindqvist Brown Nagy".split()
# (share, name)
KINDS = ((0.30, "plain"), (0.50, "alternative"), (0.12, "newsletter"), (0.08, "application"))


def sent_at(n):
    return FIRST_DAY + n * EVERY


def message_id(n):
    return f"<{n:06d}.{n * 7919 % 1000003:x}@mx{n % 40}.people.example>"


def _person(rnd):
    first, last = rnd.choice(FIRST), rnd.choice(LAST)
    plain = "".join(c for c in f"{first}.{last}".lower() if c.isascii())
    return f"{first} {last}", f"{plain}{rnd.randrange(60)}@{rnd.choice(('people', 'client', 'post', 'web'))}.example"


def _word(text):
    """A phrase as a header carries it (RFC 2047)."""
    if text.isascii():
        return text
    return "=?utf-8?Q?" + binascii.b2a_qp(text.encode(), header=True, quotetabs=True).decode().replace(
        "=\n", "").replace("?", "=3F") + "?="


def _thread(rnd, n):
    """The earlier messages this one answers, oldest first; [] for most."""
    if n < 50 or rnd.random() > 0.4:
        return []
    root = n - rnd.randrange(1, 50)
    return sorted(set(range(root, n, max(1, (n - root) // rnd.randrange(1, 8)))) | {root})[:10]


def _received(rnd, n):
    out = []
    for hop in range(rnd.randrange(2, 6)):
        out.append(f"Received: from mx{hop}.{rnd.choice(('people', 'post', 'web'))}.example "
                   f"(mx{hop} [192.0.2.{rnd.randrange(1, 255)}])\n"
                   f"\tby relay{rnd.randrange(9)}.agency.example with ESMTPS id {rnd.randbytes(8).hex()}\n"
                   f"\tfor <recruiter@agency.example>; {email.utils.formatdate(sent_at(n) - 2 * hop)}")
    return out


def _signature(rnd):
    def folded(size):
        return base64.b64encode(rnd.randbytes(size)).decode()
    value = folded(256)
    return ("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=people.example; s=k1;\n"
            f"\th=from:to:subject:date:message-id:mime-version; bh={folded(32)};\n"
            "\tb=" + "\n\t ".join(value[i:i + 70] for i in range(0, len(value), 70)))


def _head(rnd, n, kind, thread):
    name, address = _person(rnd)
    subject = " ".join(words(random.Random(thread[0] if thread else n), 6))
    out = ["Return-Path: <" + address + ">", "Delivered-To: recruiter@agency.example", *_received(rnd, n),
           _signature(rnd), f"From: {_word(name)} <{address}>", "To: Rita Recruiter <recruiter@agency.example>",
           "Subject: " + _word(("Re: " if thread else "") + f"{subject} {thread[0] if thread else n}"),
           "Date: " + email.utils.formatdate(sent_at(n)), "Message-ID: " + message_id(n)]
    if rnd.random() < 0.25:
        out.append("Cc: " + ",\n\t".join(f"{_word(p)} <{a}>" for p, a in (_person(rnd), _person(rnd))))
    if thread:
        out.append("In-Reply-To: " + message_id(thread[-1]))
        out.append("References: " + "\n\t".join(map(message_id, thread)))
    if kind == "newsletter":
        out += ["List-Unsubscribe: <https://news.web.example/u/" + rnd.randbytes(12).hex() + ">",
                "List-Id: News <news.web.example>", "Precedence: bulk"]
    out += ["X-Mailer: " + rnd.choice(("Mail 16.0", "Thunder 115", "Webmail 3", "Apple")),
            "X-Spam-Status: No, score=-" + str(rnd.randrange(50) / 10), "MIME-Version: 1.0"]
    return out


def _plain(rnd, size):
    """Lines of a letter; a part of it quotes."""
    out = []
    for i, p in enumerate(paragraphs(rnd, size)):
        out += wrapped(p, prefix="> " if i % 3 == 2 else "") + [""]
    return out


def _html(rnd, size):
    out = ['<html><head><meta http-equiv="Content-Type" content="text/html; charset=utf-8"></head><body>']
    for p in paragraphs(rnd, size * 3 // 5):
        color, link = f"{rnd.randrange(1 << 24):06x}", rnd.randbytes(9).hex()
        out.append(f'<table width="{rnd.randrange(300, 640)}" cellpadding="0" cellspacing="0" border="0"><tr>'
                   f'<td style="font-family:Arial,sans-serif;font-size:{rnd.randrange(11, 18)}px;color:#{color}">')
        out.append(f'<p>{p} <a href="https://www.web.example/{link}?m={rnd.randrange(10 ** 6)}">'
                   f'{" ".join(words(rnd, 3))}</a></p></td></tr></table>')
    return "\n".join(out) + "\n</body></html>\n"


def _base64(data):
    text = base64.b64encode(data).decode()
    return "\n".join(text[i:i + 76] for i in range(0, len(text), 76)) + "\n"


def _part(kind, text, encoding):
    data = text.encode()
    if encoding == "base64":
        body = _base64(data)
    else:
        body = binascii.b2a_qp(data, istext=True).decode()
    return f"Content-Type: text/{kind}; charset=utf-8\nContent-Transfer-Encoding: {encoding}\n\n{body}\n"


def _multipart(rnd, kind, parts):
    mark = "=_" + rnd.randbytes(12).hex()
    return (f'Content-Type: multipart/{kind}; boundary="{mark}"\n\n'
            + "".join(f"--{mark}\n{p}" for p in parts) + f"--{mark}--\n")


def _alternative(rnd, size, encoding):
    text = "\n".join(_plain(rnd, size // 3)) + "\n"
    return _multipart(rnd, "alternative", [_part("plain", text, encoding),
                                           _part("html", _html(rnd, size * 2 // 3), encoding)])


def _application(rnd):
    size = int(rnd.uniform(30000, 130000))
    # A PDF is mostly deflated streams, with some plain structure between.
    data = b"%PDF-1.5\n" + b"".join(b"%d 0 obj\n<< /Length 4000 /Filter /FlateDecode >>\nstream\n%b\nendstream\nendobj\n"
                                    % (i, rnd.randbytes(4000)) for i in range(size // 4060))
    file = (f'Content-Type: application/pdf; name="cv-{rnd.randrange(10 ** 5)}.pdf"\n'
            'Content-Transfer-Encoding: base64\nContent-Disposition: attachment; filename="cv.pdf"\n\n' + _base64(data))
    return _multipart(rnd, "mixed", [_alternative(rnd, 3000, "quoted-printable"), file])


def _body(rnd, kind):
    if kind == "plain":
        text = "\n".join(_plain(rnd, rnd.randrange(600, 5000))) + "\n"
        if rnd.random() < 0.5:
            return _part("plain", text, "quoted-printable")
        return f"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{text}"
    if kind == "alternative":
        return _alternative(rnd, rnd.randrange(4000, 22000), rnd.choices(("quoted-printable", "base64"), (4, 1))[0])
    if kind == "newsletter":
        return _alternative(rnd, rnd.randrange(20000, 50000), rnd.choices(("quoted-printable", "base64"), (2, 1))[0])
    return _application(rnd)


def message(n):
    rnd = random.Random(f"{VERSION}:{n}")
    kind = rnd.choices([name for _, name in KINDS], [share for share, _ in KINDS])[0]
    thread = _thread(rnd, n)
    return ("\n".join(_head(rnd, n, kind, thread)) + "\n" + _body(rnd, kind)).encode()
