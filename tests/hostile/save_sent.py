"""A submission server that delivers for real, and may file a copy into Sent itself as Gmail and Exchange do."""

import smtplib

from liar import Lie


def relaying(world, saves=None, **lie):
    """
    A Lie (an honest one) for all users of world: accepted mail is delivered by LMTP. saves: a folder into
    which the server appends a copy with the same Message-ID, read; None, and it keeps no copy, as Postfix.
    """
    def relay(login, sender, rcpts, data):
        for rcpt in rcpts:  # LMTP answers once for each recipient, smtplib reads one answer
            with smtplib.LMTP("127.0.0.1", world.dovecot.lmtp) as client:
                client.sendmail(sender, [rcpt], data)
        if saves:
            world.append(login, saves, data, "\\Seen")

    return Lie("smtp", accounts=world.dovecot.users, on_accept=relay, **lie)
