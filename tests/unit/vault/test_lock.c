/* The key locked and unlocked: by files, by the socket, and what is refused meanwhile. */
#include "vault_test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "audit.h"
#include "child.h"
#include "key_wrap.h"
#include "serve.h"

#define PHRASE "correct horse battery staple"
#define CHEAP ((struct key_work){ 1, LIM_WRAP_KIB_MIN })

static uint8_t secret[2][KEY_SECRET_N], public[2][KEY_PUBLIC_N];
static uint8_t files[2 * WRAP_FILE_N + 1];
static const struct record_place here = { { (const uint8_t *)"agency", 6 }, 7, 3 };
static int unlock_fds[2], told;
static bool told_locked;

/* One key or two, wrapped with PHRASE; the second is the next one. */
static size_t
wrapped_files(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		crypto_box_keypair(public[i], secret[i]);
		assert_int_equal(key_wrap(secret[i], public[i], slice_str(PHRASE), CHEAP, files + i * WRAP_FILE_N), WRAP_OK);
	}
	return n * WRAP_FILE_N;
}

static void
load(size_t n)
{
	const char *why;

	assert_int_equal(load_bytes(files, n, &why), 0);
	assert_null(why);
}

static void
make_record(struct wbuf *out)
{
	struct wbuf list;
	struct seal_plain p = sample(&list);

	wbuf_init(out, LIM_RECORD);
	assert_int_equal(record_make(&p, &here, out), 0);
	area_wipe();
	wbuf_free(&list);
}

static const char *
open_record(const struct wbuf *r)
{
	struct seal_plain c;
	const char *code = record_open(wbuf_slice(r), &here, &c);

	area_wipe();
	return code;
}

static void
starts_locked(void **state)
{
	struct wbuf list;
	struct seal_plain p, c;
	uint8_t buf[LIM_SEAL_PLAIN + 64];
	size_t n = wrapped_files(1);

	(void)state;
	load(n);
	assert_null(keys);
	assert_true(key_locked() && key_wrapped() && !key_rotating());
	assert_memory_equal(key_public(), public[0], KEY_PUBLIC_N);
	p = sample(&list);
	assert_string_equal(seal_open(slice_mem(buf, 200), &p, &c), "vault.locked");
	assert_int_equal(record_make(&p, &here, &(struct wbuf){ .p = buf, .cap = sizeof(buf), .max = sizeof(buf) }), -1);
	assert_int_equal(key_unlock(slice_str("wrong")), UNLOCK_WRONG);
	assert_null(keys);
	assert_int_equal(key_unlock(slice_str(PHRASE)), UNLOCK_OPEN);
	assert_false(key_locked());
	assert_memory_equal(keys->secret, secret[0], KEY_SECRET_N);
	wbuf_free(&list);
}

static void
lock_wipes(void **state)
{
	const struct keys *was;
	struct wbuf r;

	(void)state;
	load(wrapped_files(1));
	assert_int_equal(key_unlock(slice_str(PHRASE)), UNLOCK_OPEN);
	make_record(&r);
	was = keys;
	assert_non_null(was);
	key_lock();
	assert_null(keys);
	assert_string_equal(open_record(&r), "vault.locked");
	assert_int_equal(key_unlock(slice_str(PHRASE)), UNLOCK_OPEN);
	assert_string_equal(open_record(&r), "");
	wbuf_free(&r);
}

static void
a_key_without_passphrase_stays_open(void **state)
{
	(void)state;
	load_fresh_key();
	key_lock();
	assert_non_null(keys);
	assert_false(key_locked() || key_wrapped());
	assert_int_equal(key_unlock(slice_str("anything")), UNLOCK_OPEN);
}

/* Two keys: records of either open, new ones are made under the next; then
 * only the next is left. A key that was open does not have to be unlocked again. */
static void
the_next_key(void **state)
{
	struct wbuf old, fresh;
	size_t n = wrapped_files(1);

	(void)state;
	load(n);
	assert_int_equal(key_unlock(slice_str(PHRASE)), UNLOCK_OPEN);
	make_record(&old);
	crypto_box_keypair(public[1], secret[1]);
	assert_int_equal(key_wrap(secret[1], public[1], slice_str(PHRASE), CHEAP, files + n), WRAP_OK);
	load(2 * n);
	assert_true(key_rotating() && key_locked());
	assert_non_null(keys_old);
	assert_string_equal(open_record(&old), "");
	assert_false(record_is_fresh(wbuf_slice(&old)));
	assert_int_equal(key_unlock(slice_str(PHRASE)), UNLOCK_OPEN);
	assert_memory_equal(keys->public, public[1], KEY_PUBLIC_N);
	make_record(&fresh);
	assert_true(record_is_fresh(wbuf_slice(&fresh)));
	memmove(files, files + n, n);
	load(n);
	assert_false(key_rotating() || key_locked());
	assert_null(keys_old);
	assert_string_equal(open_record(&fresh), "");
	assert_string_equal(open_record(&old), "store.key_wrong");
	wbuf_free(&old);
	wbuf_free(&fresh);
}

static void
seals_for_either_key(void **state)
{
	uint8_t buf[LIM_SEAL_PLAIN + 200];
	struct wbuf list;
	struct seal_plain p = sample(&list), c;
	struct slice old;

	(void)state;
	load(wrapped_files(1));
	assert_int_equal(key_unlock(slice_str(PHRASE)), UNLOCK_OPEN);
	old = seal_of(&p, buf);
	crypto_box_keypair(public[1], secret[1]);
	assert_int_equal(key_wrap(secret[1], public[1], slice_str(PHRASE), CHEAP, files + WRAP_FILE_N), WRAP_OK);
	load(2 * WRAP_FILE_N);
	assert_int_equal(key_unlock(slice_str(PHRASE)), UNLOCK_OPEN);
	assert_string_equal(seal_open(old, &p, &c), "");
	old = slice_mem(buf, old.n);
	memmove(files, files + WRAP_FILE_N, WRAP_FILE_N);
	load(WRAP_FILE_N);
	assert_string_equal(seal_open(old, &p, &c), "store.key_wrong");
	wbuf_free(&list);
}

static void
only_whole_files(void **state)
{
	const char *why;
	size_t n = wrapped_files(2);
	uint8_t now[KEY_PUBLIC_N];

	(void)state;
	load_fresh_key();
	memcpy(now, key_public(), sizeof(now));
	for (size_t i = 0; i <= n + 1; i++)
		if (i != n && i != n / 2) {
			assert_int_equal(load_bytes(files, i, &why), -1);
			assert_non_null(why);
		}
	/* The same key twice is no next key. */
	memcpy(files + WRAP_FILE_N, files, WRAP_FILE_N);
	assert_int_equal(load_bytes(files, n, &why), -1);
	assert_memory_equal(key_public(), now, sizeof(now));
	assert_non_null(keys);
}

/* ---- the socket ---- */

static int
on_vault_state(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	told++;
	told_locked = m->vault_state.locked;
	return 0;
}

/* What was said for the audit log: the events' names. */
static char audited[4096];

static int
on_audit(struct chan *c, const union msg *m, int *fd)
{
	size_t n = strlen(audited);

	(void)c;
	(void)fd;
	assert_int_equal(audit_decode(m->audit.event, m->audit.fields, NULL, NULL), 0);
	snprintf(audited + n, sizeof(audited) - n, "%s ", audit_table[m->audit.event].name);
	return 0;
}

static const chan_handler played[MSG__COUNT] = { [MSG_vault_state] = on_vault_state, [MSG_audit] = on_audit };
static const struct chan_ops played_ops = { .handlers = played }, own_ops = { .handlers = serve_master };
static struct chan *master;

static int
socket_setup(void **state)
{
	static const struct chan_peer vault = { .role = ROLE_VAULT }, above = { .role = ROLE_MASTER };
	struct sockaddr_un { sa_family_t family; char path[108]; } sun = { .family = AF_UNIX };
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	child.master = chan_new(fds[0], ROLE_VAULT, &above, &own_ops, NULL);
	master = chan_new(fds[1], ROLE_MASTER, &vault, &played_ops, NULL);
	chan_run(child.master);
	chan_run(master);
	/* An abstract name of the kernel's own choice. */
	unlock_fds[0] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(unlock_fds[0], (struct sockaddr *)&sun, sizeof(sa_family_t)), 0);
	assert_int_equal(listen(unlock_fds[0], 8), 0);
	assert_int_equal(lock_init(unlock_fds[0], geteuid()), 0);
	assert_int_equal(lock_init(unlock_fds[0], geteuid()), -1);
	return 0;
}

static int
dial(void)
{
	struct { sa_family_t family; char path[108]; } sun;
	socklen_t n = sizeof(sun);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_int_equal(getsockname(unlock_fds[0], (struct sockaddr *)&sun, &n), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&sun, n), 0);
	return fd;
}

static void
turns(void)
{
	struct pollfd p[LOCK_POLLS];

	for (int i = 0; i < 4; i++) {
		lock_polls(p);
		assert_true(poll(p, LOCK_POLLS, 0) != -1);
		lock_serve(p);
	}
	chan_write(child.master);
	chan_read(master);
}

static void
frame_of(uint8_t frame[UNLOCK_FRAME_N], const char *phrase)
{
	struct wbuf w = { .p = frame, .cap = UNLOCK_FRAME_N, .max = UNLOCK_FRAME_N };

	memset(frame, 0, UNLOCK_FRAME_N);
	w_raw(&w, UNLOCK_MAGIC, UNLOCK_MAGIC_N);
	w_u16(&w, (uint16_t)strlen(phrase));
	w_raw(&w, phrase, strlen(phrase));
}

/* The answer to these bytes, 0 when there is none and the line is dead, -1 when
 * it still waits. */
static int
answer_to(int fd, const void *bytes, size_t n)
{
	uint8_t answer[UNLOCK_ANSWER_N + 1];
	ssize_t got;

	assert_int_equal(send(fd, bytes, n, MSG_NOSIGNAL), (ssize_t)n);
	turns();
	got = recv(fd, answer, sizeof(answer), MSG_DONTWAIT);
	if (got <= 0)
		return (int)got;
	assert_int_equal(got, UNLOCK_ANSWER_N);
	assert_memory_equal(answer, UNLOCK_MAGIC, UNLOCK_MAGIC_N);
	return answer[UNLOCK_MAGIC_N];
}

static int
try(const char *phrase)
{
	uint8_t frame[UNLOCK_FRAME_N];
	int fd = dial(), a;

	frame_of(frame, phrase);
	a = answer_to(fd, frame, sizeof(frame));
	close(fd);
	return a;
}

static int
fresh_locked(void **state)
{
	(void)state;
	load(wrapped_files(1));
	rate_init();
	told = 0;
	return 0;
}

static void
a_passphrase_by_the_socket(void **state)
{
	union msg m = { 0 };
	int fd = -1;

	(void)state;
	audited[0] = '\0';
	assert_int_equal(try("wrong"), UNLOCK_WRONG);
	assert_true(key_locked() && told_locked);
	assert_int_equal(try(PHRASE), UNLOCK_OPEN);
	assert_false(key_locked());
	assert_int_equal(told, 2);
	assert_false(told_locked);
	assert_string_equal(audited, "vault.unlock-refused vault.unlocked ");
	audited[0] = '\0';
	assert_int_equal(serve_master[MSG_vault_lock](NULL, &m, &fd), 0);
	assert_true(key_locked());
	chan_read(master);
	assert_string_equal(audited, "vault.locked ");
}

static void
only_one_whole_frame(void **state)
{
	uint8_t frame[UNLOCK_FRAME_N];
	char c;
	int fd;

	(void)state;
	frame_of(frame, PHRASE);
	fd = dial();
	assert_int_equal(answer_to(fd, frame, sizeof(frame) - 1), -1);
	assert_int_equal(answer_to(fd, frame + sizeof(frame) - 1, 1), UNLOCK_OPEN);
	assert_int_equal(recv(fd, &c, 1, MSG_DONTWAIT), 0);	/* and it hangs up */
	close(fd);
	key_lock();
	frame[0] ^= 1;
	fd = dial();
	assert_int_equal(answer_to(fd, frame, sizeof(frame)), UNLOCK_FRAME);
	close(fd);
	frame[0] ^= 1;
	frame[sizeof(frame) - 1] = 1;	/* something follows */
	fd = dial();
	assert_int_equal(answer_to(fd, frame, sizeof(frame)), UNLOCK_FRAME);
	close(fd);
	frame_of(frame, "");
	fd = dial();
	assert_int_equal(answer_to(fd, frame, sizeof(frame)), UNLOCK_FRAME);
	close(fd);
	frame_of(frame, PHRASE);
	frame[UNLOCK_MAGIC_N] = 0xff;
	frame[UNLOCK_MAGIC_N + 1] = 0xff;
	fd = dial();
	assert_int_equal(answer_to(fd, frame, sizeof(frame)), UNLOCK_FRAME);
	close(fd);
	assert_true(key_locked());
}

/* The file's mode keeps others away; the vault looks at who they are besides. */
static void
nobody_else_is_heard(void **state)
{
	uint8_t frame[UNLOCK_FRAME_N];
	int back[2], status;
	pid_t pid;
	char c;

	(void)state;
	if (geteuid() != 0)
		skip();
	audited[0] = '\0';
	frame_of(frame, PHRASE);
	assert_int_equal(pipe(back), 0);
	if ((pid = fork()) == 0) {
		int fd;

		(void)signal(SIGPIPE, SIG_IGN);
		alarm(5);
		if (setuid(65534) == -1)
			_exit(2);
		fd = dial();
		(void)!write(back[1], "x", 1);
		(void)!write(fd, frame, sizeof(frame));
		_exit(recv(fd, &c, 1, 0) > 0 ? 1 : 0);
	}
	assert_int_equal(read(back[0], &c, 1), 1);
	turns();
	turns();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(key_locked());
	chan_read(master);
	assert_string_equal(audited, "vault.unlock-refused ");
}

/* Who is silent does not keep others away. */
static void
the_next_one_takes_the_place(void **state)
{
	int silent = dial();
	char c;

	(void)state;
	turns();
	assert_int_equal(try(PHRASE), UNLOCK_OPEN);
	assert_int_equal(recv(silent, &c, 1, MSG_DONTWAIT), 0);
	close(silent);
}

/* limit: LIM_UNLOCKS_PER_MINUTE */
static void
tries_are_counted(void **state)
{
	(void)state;
	for (int i = 0; i < LIM_UNLOCKS_PER_MINUTE; i++)
		assert_int_equal(try("wrong"), UNLOCK_WRONG);
	assert_int_equal(try(PHRASE), UNLOCK_RATE);
	assert_true(key_locked());
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(starts_locked), cmocka_unit_test(lock_wipes),
		cmocka_unit_test(a_key_without_passphrase_stays_open), cmocka_unit_test(the_next_key),
		cmocka_unit_test(seals_for_either_key), cmocka_unit_test(only_whole_files),
		cmocka_unit_test_setup(a_passphrase_by_the_socket, fresh_locked),
		cmocka_unit_test_setup(only_one_whole_frame, fresh_locked),
		cmocka_unit_test_setup(the_next_one_takes_the_place, fresh_locked),
		cmocka_unit_test_setup(nobody_else_is_heard, fresh_locked),
		cmocka_unit_test_setup(tries_are_counted, fresh_locked) };

	if (sodium_init() == -1 || area_init() == -1)
		return 1;
	return cmocka_run_group_tests(tests, (CMFixtureFunction)socket_setup, NULL);
}
