"""A submission server that files a copy into the sender's Sent folder itself, as Gmail and Exchange do."""

import smtplib

from liar import Lie


def save_sent(world, user, folder="Sent", **lie):
    """
    A Lie (an honest one): mail of user that it accepts is delivered into world by LMTP, and a copy
    with the same Message-ID is appended to folder, read, by the server.
    """
    def relay(login, sender, rcpts, data):
        with smtplib.LMTP("127.0.0.1", world.dovecot.lmtp) as client:
            client.sendmail(sender, rcpts, data)
        world.append(login, folder, data, "\\Seen")

    return Lie("smtp", user=user, password=world.password(user), on_accept=relay, **lie)


def relaying(world, user, **lie):
    """The same server without the copy: what Postfix does, where Postfix cannot be run, or with lies in on."""
    def relay(login, sender, rcpts, data):
        with smtplib.LMTP("127.0.0.1", world.dovecot.lmtp) as client:
            client.sendmail(sender, rcpts, data)

    return Lie("smtp", user=user, password=world.password(user), on_accept=relay, **lie)
