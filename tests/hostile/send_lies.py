"""
The lies told while a message is sent: name -> (what the server does instead of the truth, how often, the states the
submission may end in). Whatever it says, a message that it took is never handed over twice, and one that it did not
take is delivered once it becomes honest. A new lie is one row.
"""

from liar import accept, close, flood, honest, hang, reset, say, slowly

SENT = ("sent",)
TAKEN = ("sent", "uncertain")  # it has the message, and Postern was not told
REFUSED = ("failed",)


def lie(step, *actions, ends=SENT):
    return {step: list(actions)}, ends


LIES = {
    **{f"gone at {step}": lie(step, close()) for step in ("EHLO", "MAIL", "RCPT", "DATA")},
    **{f"reset at {step}": lie(step, reset()) for step in ("EHLO", "MAIL", "RCPT", "DATA")},
    "gone before the message is taken": lie("DOT", close(), ends=TAKEN),
    "gone after it": lie("DOT", accept(), close(), ends=TAKEN),
    "reset after it": lie("DOT", accept(), reset(), ends=TAKEN),
    "half an answer": lie("DOT", accept(), say(b"250 2.0"), close(), ends=TAKEN),
    "no number": lie("DOT", accept(), say(b"done, thank you\r\n"), ends=TAKEN),
    "an answer of another protocol": lie("DOT", accept(), say(b"* OK done\r\n"), ends=TAKEN),
    "000": lie("DOT", accept(), say(b"000 what\r\n"), ends=TAKEN),
    "354 again": lie("DOT", accept(), say(b"354 go on\r\n"), close(), ends=TAKEN),
    "a continuation that never ends": lie("DOT", accept(), flood(b"250-" + b"x" * 500 + b"\r\n", 20000), ends=TAKEN),
    "a line that never ends": lie("DOT", accept(), say(b"250 "), flood(b"x" * 65536, 200), ends=TAKEN),
    "two answers": lie("MAIL", honest(), say(b"250 2.0.0 and once more\r\n")),
    "an answer before it is asked": lie("EHLO", honest(), say(b"250 2.1.0 I know what you want\r\n")),
    "accepts before the text": lie("DATA", say(b"250 2.0.0 accepted\r\n")),
    "NUL": lie("MAIL", say(b"250 \0\0\0\r\n")),
    "one byte at a time": lie("EHLO", slowly()),
    "EHLO of a megabyte": lie("EHLO", flood(b"250-X" + b"y" * 400 + b"\r\n", 2500), honest()),
    "an offer it does not keep": lie("EHLO", say(b"250-mail\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-BINARYMIME\r\n"
                                                 b"250-SMTPUTF8\r\n250-SIZE 1\r\n250 DSN\r\n"), ends=("sent", "failed")),
    "refused for good": lie("MAIL", say(b"550 5.7.1 no\r\n"), ends=REFUSED),
}

# Postern waits before it tries again, or as long as a server may take (RFC 5321 s. 4.5.3.2): in make check-long.
SLOW = {
    "later": lie("MAIL", say(b"451 4.3.0 later\r\n")),
    **{f"421 at {step}": lie(step, say(b"421 4.3.2 shutting down\r\n"), close()) for step in ("MAIL", "RCPT", "DATA")},
    "no answer to the dot": lie("DOT", accept(), hang(), ends=TAKEN),
}
