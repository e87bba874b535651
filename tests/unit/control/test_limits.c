/* Limits of the admin's socket, on both sides of each. */
#include <stdio.h>
#include <sys/un.h>

#include "control_test.h"
#include "../own_time.h"
#include "providers.h"

static struct admin a;
static uint32_t asked;

static int
on_admin(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	asked = m->admin.req;
	return 0;
}

static int
on_get(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	asked = m->get.req;
	return 0;
}

static int
on_query(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)m;
	(void)fd;
	return 0;
}

static const chan_handler master_handlers[MSG__COUNT] = { [MSG_admin] = on_admin };
static const chan_handler store_handlers[MSG__COUNT] = { [MSG_get] = on_get,
	[MSG_query] = on_query };
static struct chan *master, *store;

static void
hang_up(void)
{
	close(a.fd);
	turns();
	assert_true(TAILQ_EMPTY(&clients));
}

/* It is there until just before its time is over. */
static void
ends_after(unsigned int seconds)
{
	time_pass(seconds * 1000ul - 1);
	assert_false(TAILQ_EMPTY(&clients));
	time_pass(1);
	assert_true(TAILQ_EMPTY(&clients));
	hang_up();
}

/* limit: LIM_CTL_HELLO_SECONDS LIM_CTL_IDLE_SECONDS LIM_CTL_BUSY_SECONDS */
static void
times(void **state)
{
	(void)state;
	admin_connect(&a);
	ends_after(LIM_CTL_HELLO_SECONDS);
	admin_hello(&a);
	ends_after(LIM_CTL_IDLE_SECONDS);
	admin_hello(&a);
	admin_ask(&a, CTL_reload, &(struct ctl_reload){ 0 });
	ends_after(LIM_CTL_BUSY_SECONDS);
	/* Whose request is over is idle again. */
	admin_hello(&a);
	admin_ask(&a, CTL_reload, &(struct ctl_reload){ 0 });
	time_pass(LIM_CTL_IDLE_SECONDS * 1000);
	chan_read(master);
	assert_int_equal(send_admin_done(master, &(struct msg_admin_done){ .req = asked }), 0);
	turns();
	assert_done(&a, "");
	ends_after(LIM_CTL_IDLE_SECONDS);
}

static size_t
served(void)
{
	struct client *c;
	size_t n = 0;

	TAILQ_FOREACH(c, &clients, entry)
		n++;
	return n;
}

/* limit: LIM_CTL_CLIENTS */
static void
connections(void **state)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fds[LIM_CTL_CLIENTS + 1], l = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	char byte;

	(void)state;
	/* An abstract name: nothing to remove. */
	(void)snprintf(at.sun_path + 1, sizeof(at.sun_path) - 1, "postern-test-%d", (int)getpid());
	assert_int_equal(bind(l, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(l, LIM_CTL_CLIENTS + 1), 0);
	client_listen(l, SLICE_NONE, getuid());
	for (size_t i = 0; i <= LIM_CTL_CLIENTS; i++) {
		fds[i] = socket(AF_UNIX, SOCK_STREAM, 0);
		assert_int_equal(connect(fds[i], (struct sockaddr *)&at, sizeof(at)), 0);
		turns();
		assert_int_equal(served(), i < LIM_CTL_CLIENTS ? i + 1 : LIM_CTL_CLIENTS);
	}
	assert_int_equal(read(fds[LIM_CTL_CLIENTS], &byte, 1), 0);
	for (size_t i = 0; i <= LIM_CTL_CLIENTS; i++)
		close(fds[i]);
	turns();
	assert_int_equal(served(), 0);
}

/* limit: LIM_CTL_FRAME: read to its last byte, and not one further. */
static void
frames(void **state)
{
	static uint8_t frame[LIM_CTL_FRAME + 1];

	(void)state;
	for (uint32_t n = LIM_CTL_FRAME; n <= LIM_CTL_FRAME + 1; n++) {
		for (int i = 0; i < 4; i++)
			frame[i] = (uint8_t)((n - 4) >> (8 * i));
		frame[4] = CTL_reload;
		admin_hello(&a);
		admin_bytes(&a, frame, LIM_CTL_FRAME - 1);
		/* One that may be as long as this is waited for. */
		assert_int_equal(TAILQ_EMPTY(&clients), n > LIM_CTL_FRAME);
		if (n == LIM_CTL_FRAME)
			admin_bytes(&a, frame, 1);
		hang_up();
	}
}

/* limit: LIM_CTL_RECORD */
static void
records(void **state)
{
	static uint8_t record[LIM_CTL_RECORD + 1];
	struct wbuf w = { .max = 2 * LIM_CTL_FRAME };
	struct ctl_link_add m = { .ats = slice_str("one"), .record = slice_mem(record, LIM_CTL_RECORD) };
	struct ctl f;

	(void)state;
	assert_int_equal(ctl_encode(&w, CTL_link_add, &m), 0);
	assert_int_equal(ctl_decode(wbuf_slice(&w), CTLD_ASK, &f), (int)w.n);
	assert_int_equal(f.link_add.record.n, LIM_CTL_RECORD);
	m.record.n++;
	assert_int_equal(ctl_encode(&w, CTL_link_add, &m), -1);
	wbuf_free(&w);
}

/* Answers of 4 kB each that nobody reads; how many bytes are held before the last. */
static bool
holds(size_t bytes)
{
	static uint8_t text[16384];
	struct client *c = TAILQ_FIRST(&clients);
	struct ctl_link row = { .ats = slice_str("one"), .id = 1 };
	size_t head;

	/* The size of a frame around its record. */
	client_put(c, CTL_link, &row);
	for (head = c->out.n; c->out.n < bytes && !c->lost; client_put(c, CTL_link, &row)) {
		size_t left = bytes - c->out.n;

		if (left < 2 * head)
			break;
		row.record = slice_mem(text, left - head < 8192 ? left - head : 8192);
		if (left - head > 8192 && left - head < 8192 + 2 * head)
			row.record.n = 4096;
	}
	return !c->lost && c->out.n == bytes;
}

/* limit: LIM_CTL_OUT */
static void
answers_not_read(void **state)
{
	(void)state;
	for (size_t beyond = 0; beyond < 2; beyond++) {
		admin_hello(&a);
		assert_int_equal(holds(LIM_CTL_OUT + beyond), beyond == 0);
		time_pass(1);
		turns();
		assert_int_equal(TAILQ_EMPTY(&clients), beyond);
		hang_up();
	}
}

static void
say_link(uint64_t id, const char *address)
{
	struct rec_link l = { .address = slice_str(address), .mode = MODE_TWO_WAY, .state = LINK_LIVE };
	struct wbuf w = { .max = 8192 };

	rec_link_encode(&w, &l);
	assert_int_equal(send_row(store, &(struct msg_row){ asked, OBJ_LINK, id, wbuf_slice(&w) }, -1), 0);
	wbuf_free(&w);
}

/* Many addresses of one ATS; the answer to "show queue", or NULL: its queue is asked for. */
static const char *
queue_of(size_t bytes)
{
	static char address[LIM_ADDRESS + 1], error[LIM_CODE + 1];
	struct ctl f;
	uint32_t first;

	memset(address, 'a', LIM_ADDRESS);
	admin_hello(&a);
	admin_ask(&a, CTL_show_queue, &(struct ctl_show_queue){ .ats = slice_str("one") });
	chan_read(store);
	for (first = asked; bytes > 0; turns(), chan_read(store)) {	/* its credits come back */
		/* With its id and the length before it. */
		size_t n = bytes < 2 * (LIM_ADDRESS + 10) && bytes > LIM_ADDRESS + 10 ? bytes / 2 : bytes;

		n = n < LIM_ADDRESS + 10 ? n : LIM_ADDRESS + 10;
		address[n - 10] = '\0';
		say_link(7, address);
		address[n - 10] = 'a';
		bytes -= n;
	}
	assert_int_equal(send_get_done(store, &(struct msg_get_done){ .req = first }), 0);
	turns();
	if (admin_next(&a, &f) != CTL_done)
		return NULL;
	assert_int_equal(slice_copy(f.done.error, error, sizeof(error)), 0);
	return error;
}

/* limit: LIM_CTL_LINKS */
static void
links_of_one_tenant(void **state)
{
	const char *error;

	(void)state;
	assert_null(queue_of(LIM_CTL_LINKS));
	hang_up();
	error = queue_of(LIM_CTL_LINKS + 1);
	assert_non_null(error);
	assert_string_equal(error, "proc.limit_hit");
	hang_up();
}

/* limit: LIM_CTL_PROVIDERS: as many of the longest as the configuration may have. */
static void
providers_known(void **state)
{
	static uint8_t record[4096];

	(void)state;
	for (size_t i = 0; i < LIM_CONF_PROVIDERS; i++)
		assert_int_equal(providers_add(slice_mem(record, sizeof(record))), 0);
	assert_int_equal(providers_add(SLICE_NONE), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(times), cmocka_unit_test(connections),
		cmocka_unit_test(frames), cmocka_unit_test(records), cmocka_unit_test(answers_not_read),
		cmocka_unit_test(links_of_one_tenant), cmocka_unit_test(providers_known) };

	master = play_master(master_handlers);
	store = play_store("one", store_handlers);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
