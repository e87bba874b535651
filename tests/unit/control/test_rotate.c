/* posternctl vault rotate against a played posternd: how long it goes on counting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl.h"
#include "ctl_vault.h"
#include "messages.h"

static char dir[] = "/tmp/postern-rotate-XXXXXX", key[64], next[72];
/* What the played posternd has seen; shared with the program's process. */
static struct seen {
	unsigned int counts, waited_ms;
} *seen;
static unsigned int whole_at;	/* from this count on the store is there */
static enum ctl_type asked;
static bool answered;

int
poll(struct pollfd *fds, nfds_t n, int ms)
{
	(void)fds;
	(void)n;
	seen->waited_ms += (unsigned int)ms;
	return 0;
}

void
conn_open(void)
{
}

bool
conn_reachable(void)
{
	return true;
}

void
conn_check(const struct ctl *d)
{
	if (d->done.error.n > 0)
		_exit(70);
}

void
conn_ask(enum ctl_type type, const void *fields)
{
	(void)fields;
	asked = type;
	answered = false;
	seen->counts += type == CTL_vault_count;
}

/* The newest key that there is. */
static struct ctl_vault
state(void)
{
	static char text[128];
	static struct key_pair *p;

	if (p == NULL)
		p = pair_new();
	pair_read(p, access(next, F_OK) == 0 ? next : key, false);
	(void)snprintf(text, sizeof(text), "unlocked source=%s", key);
	return (struct ctl_vault){ slice_mem(p->public, KEY_PUBLIC_N), slice_str(text) };
}

bool
conn_next(struct ctl *f)
{
	static struct wbuf row;

	*f = (struct ctl){ .type = CTL_done };
	if (answered)
		return false;
	answered = true;
	if (asked == CTL_vault_status) {
		f->type = CTL_vault;
		f->vault = state();
	} else if (asked == CTL_vault_count) {
		wbuf_reset(&row);
		rec_vault_count_encode(&row, &(struct rec_vault_count){ .ats = slice_str("agency"), .fresh = 7,
		    .whole = seen->counts >= whole_at });
		f->type = CTL_vault_counted;
		f->vault_counted.record = wbuf_slice(&row);
	}
	return f->type != CTL_done;
}

/* The exit status of the program; the store is there at that count. */
static int
rotate(unsigned int at)
{
	char *argv[] = { (char *)(uintptr_t)"-k", key, NULL };
	int status;
	pid_t pid;

	whole_at = at;
	*seen = (struct seen){ 0 };
	fflush(NULL);
	if ((pid = fork()) == 0) {
		(void)!freopen("/dev/null", "w", stdout);
		(void)!freopen("/dev/null", "w", stderr);
		_exit(cmd_vault_rotate(2, argv));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
setup(void **s)
{
	struct key_pair *p;

	(void)s;
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sodium_init() == -1 || seen == MAP_FAILED || mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(key, sizeof(key), "%s/vault.key", dir);
	(void)snprintf(next, sizeof(next), "%s.new", key);
	p = pair_new();
	crypto_box_keypair(p->public, p->secret);
	pair_write(p, key, false);
	pair_free(p);
	return 0;
}

static int
teardown(void **s)
{
	char pub[72];

	(void)s;
	(void)snprintf(pub, sizeof(pub), "%s/vault.pub", dir);
	(void)unlink(key);
	(void)unlink(next);
	(void)unlink(pub);
	return rmdir(dir);
}

/* limit: LIM_ROTATE_ROUNDS: then both keys stay in use, and the next run goes on. */
static void
rounds(void **s)
{
	(void)s;
	assert_int_equal(rotate(LIM_ROTATE_ROUNDS + 1), CTL_REFUSED);
	assert_int_equal(seen->counts, LIM_ROTATE_ROUNDS);
	assert_int_equal(seen->waited_ms, LIM_ROTATE_ROUNDS * LIM_ROTATE_PAUSE_MS);
	assert_int_equal(access(next, F_OK), 0);
	assert_int_equal(rotate(LIM_ROTATE_ROUNDS), 0);
	assert_int_equal(seen->counts, LIM_ROTATE_ROUNDS + 1);	/* once more when the old key is gone */
	assert_int_not_equal(access(next, F_OK), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(rounds) };

	return cmocka_run_group_tests_name("rotate", tests, setup, teardown);
}
