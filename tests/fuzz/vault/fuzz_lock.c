/*
 * The vault's own socket: clients that come, say something and go. Each piece
 * of the input is u8 length and bytes; length 0xff is a new client, 0xfe one
 * that leaves, 0xfd a right head, 0xfc the passphrase, 0xfb zeros to the end
 * of a frame. Only the right passphrase in a whole frame may open the key.
 */
#include "../clock.h"
#include "../hostile.h"

#include <poll.h>
#include <sodium.h>
#include <sys/un.h>

#include "cred.h"
#include "key_wrap.h"
#include "log.h"
#include "serve.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define PASSPHRASE "correct horse"

static struct sockaddr_un name = { .sun_family = AF_UNIX };
static socklen_t name_n = sizeof(sa_family_t);	/* the system finds a free one */
static int client = -1;
static uint8_t sent[UNLOCK_FRAME_N];
static size_t sent_n;
static unsigned int frames;
static bool may_open;	/* a right frame went out */

static void
load_wrapped(void)
{
	static const uint8_t seed[crypto_box_SEEDBYTES] = { 1 };
	uint8_t file[WRAP_FILE_N], public[KEY_PUBLIC_N], secret[KEY_SECRET_N];
	const char *why;
	int fds[2];

	crypto_box_seed_keypair(public, secret, seed);
	feed_check(key_wrap(secret, public, slice_str(PASSPHRASE), (struct key_work){ 1, LIM_WRAP_KIB_MIN }, file) ==
	    WRAP_OK);
	feed_check(pipe(fds) == 0 && write(fds[1], file, sizeof(file)) == sizeof(file) && close(fds[1]) == 0);
	feed_check(key_load(fds[0], &why) == 0 && key_locked());
	close(fds[0]);
}

static void
start(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	feed_check(sodium_init() != -1);
	load_wrapped();
	rate_init();
	feed_check(fd != -1 && bind(fd, (struct sockaddr *)&name, name_n) == 0 && listen(fd, 8) == 0);
	name_n = sizeof(name);
	feed_check(getsockname(fd, (struct sockaddr *)&name, &name_n) == 0);
	feed_check(lock_init(fd, getuid()) == 0);
	(void)hostile_master(ROLE_VAULT);
	log_init(child.master, LOG_LVL_ERROR);
}

static void
turn(void)
{
	struct pollfd p[LOCK_POLLS];

	for (int i = 0; i < 3; i++) {
		lock_polls(p);
		if (poll(p, LOCK_POLLS, 0) > 0)
			lock_serve(p);
		hostile_turn(hostile_master(ROLE_VAULT));
	}
	feed_check(key_locked() || may_open);
}

static void
leave(void)
{
	if (client != -1)
		close(client);
	client = -1;
	sent_n = 0;
	turn();
}

static void
come(void)
{
	leave();
	feed_check((client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) != -1);
	feed_check(connect(client, (struct sockaddr *)&name, name_n) == 0);
	turn();
}

/* What a frame that opens looks like, told apart from how it is read. */
static bool
is_right(void)
{
	uint8_t right[UNLOCK_FRAME_N] = UNLOCK_MAGIC;
	size_t n = strlen(PASSPHRASE);

	right[UNLOCK_MAGIC_N] = (uint8_t)n;
	memcpy(right + UNLOCK_MAGIC_N + 2, PASSPHRASE, n);
	return memcmp(sent, right, sizeof(right)) == 0;
}

static void
say(const void *p, size_t n)
{
	if (client == -1 || n == 0)
		return;
	n = n > sizeof(sent) - sent_n ? sizeof(sent) - sent_n : n;
	memcpy(sent + sent_n, p, n);
	sent_n += n;
	may_open = may_open || (sent_n == sizeof(sent) && is_right());
	(void)send(client, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	turn();
	if (sent_n < sizeof(sent))
		return;
	if (++frames <= LIM_UNLOCKS_PER_MINUTE && is_right())
		feed_check(!key_locked());
	leave();
}

static void
step(struct feed *f)
{
	static const uint8_t zeros[UNLOCK_FRAME_N], length[2] = { sizeof(PASSPHRASE) - 1 };
	uint8_t b = feed_byte(f);
	struct slice s;

	if (b == 0xff)
		come();
	else if (b == 0xfe)
		leave();
	else if (b == 0xfd)
		say(UNLOCK_MAGIC, UNLOCK_MAGIC_N);
	else if (b == 0xfc) {
		say(length, sizeof(length));
		say(PASSPHRASE, strlen(PASSPHRASE));
	} else if (b == 0xfb)
		say(zeros, sizeof(zeros));
	else {
		s = feed_raw(f, b, 255);
		say(s.p, s.n);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feed f = feed_start(data, size);

	if (key_public() == NULL)
		start();
	clock_start();
	may_open = false;
	frames = 0;
	key_lock();
	come();
	for (int i = 0; i < 100 && f.n > 0; i++)
		step(&f);
	leave();
	clock_on = false;
	return 0;
}
