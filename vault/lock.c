/*
 * The vault's own socket: one passphrase in one frame of fixed size, from the
 * uid that started posternd and nobody else. Nothing here waits: what a client
 * does not send costs nobody but the client, and the next one takes its place.
 */
#include "serve.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "audit.h"
#include "child.h"
#include "clock.h"
#include "log.h"

static int listening = -1, client = -1;
static uid_t allowed;
static uint8_t *frame;	/* UNLOCK_FRAME_N, locked memory */
static size_t have;

void
lock_tell(void)
{
	(void)send_vault_state(child.master, &(struct msg_vault_state){ key_locked(), key_wrapped(), key_rotating(),
	    slice_mem(key_public(), KEY_PUBLIC_N) });
}

int
lock_init(int fd, uint32_t uid)
{
	if (listening != -1 || (frame = sodium_malloc(UNLOCK_FRAME_N)) == NULL)
		return -1;
	listening = fd;
	allowed = (uid_t)uid;
	return 0;
}

void
lock_polls(struct pollfd p[LOCK_POLLS])
{
	p[0] = (struct pollfd){ listening, POLLIN, 0 };	/* poll ignores -1 */
	p[1] = (struct pollfd){ client, POLLIN, 0 };
}

static void
hang_up(void)
{
	if (client != -1)
		close(client);
	client = -1;
	have = 0;
	sodium_memzero(frame, UNLOCK_FRAME_N);
}

static void
welcome(void)
{
	int fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct ucred who = { .uid = (uid_t)-1 };
	socklen_t n = sizeof(who);

	if (fd == -1)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) == -1 || who.uid != allowed) {
		log_warn("unlock refused uid=%u", who.uid);
		audit_tell_vault_unlock_refused(&(struct audit_vault_unlock_refused){ .uid = who.uid,
		    .reason = slice_str("another user") });
		close(fd);
		return;
	}
	hang_up();
	client = fd;
}

/* The passphrase in a whole frame; empty: malformed. */
static struct slice
frame_passphrase(void)
{
	struct rbuf r;
	size_t n;

	rbuf_init(&r, slice_mem(frame + UNLOCK_MAGIC_N, UNLOCK_FRAME_N - UNLOCK_MAGIC_N));
	n = r_u16(&r);
	if (memcmp(frame, UNLOCK_MAGIC, UNLOCK_MAGIC_N) != 0 || n > LIM_PASSPHRASE || !sodium_is_zero(r.p + n, r.n - n))
		return SLICE_NONE;
	return slice_mem(r.p, n);
}

static enum unlock_answer
try_passphrase(struct slice passphrase)
{
	if (passphrase.n == 0)
		return UNLOCK_FRAME;
	if (!rate_allow('u', "", 0, LIM_UNLOCKS_PER_MINUTE, clock_ms()))
		return UNLOCK_RATE;
	return key_unlock(passphrase);
}

static void
tell_tried(enum unlock_answer a)
{
	struct audit_vault_unlock_refused e = { .uid = (uint32_t)allowed, .reason = slice_str("passphrase") };

	if (a == UNLOCK_OPEN) {
		audit_tell_vault_unlocked(&(struct audit_vault_unlocked){ .uid = (uint32_t)allowed });
		return;
	}
	if (a == UNLOCK_FRAME || a == UNLOCK_RATE)
		e.reason = slice_str(a == UNLOCK_RATE ? "too many tries" : "malformed");
	audit_tell_vault_unlock_refused(&e);
}

static void
answer(void)
{
	uint8_t out[UNLOCK_ANSWER_N] = UNLOCK_MAGIC;
	struct iovec part = { out, sizeof(out) };
	enum unlock_answer a = try_passphrase(frame_passphrase());

	out[UNLOCK_MAGIC_N] = (uint8_t)a;
	log_warn("unlock tried by uid=%u code=%s", allowed, a == UNLOCK_OPEN ? "ok" : "vault.locked");
	tell_tried(a);
	lock_tell();	/* before the answer: who sees it finds the logins on their way */
	chan_write(child.master);
	(void)sendmsg(client, &(struct msghdr){ .msg_iov = &part, .msg_iovlen = 1 }, MSG_NOSIGNAL);
	hang_up();
}

void
lock_serve(const struct pollfd p[LOCK_POLLS])
{
	ssize_t n;

	if (p[1].revents != 0 && client == p[1].fd) {
		n = read(client, frame + have, UNLOCK_FRAME_N - have);
		have += n > 0 ? (size_t)n : 0;
		if (n == 0)
			hang_up();
		else if (have == UNLOCK_FRAME_N)
			answer();
	}
	if (p[0].revents != 0)
		welcome();
}
