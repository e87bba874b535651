/* Hostile and clumsy clients: each costs its own connection and nothing else. */
#include "control_test.h"

static struct admin a, b;
static uint32_t asked;

static int
on_admin(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	asked = m->admin.req;
	return 0;
}
static const chan_handler master_handlers[MSG__COUNT] = { [MSG_admin] = on_admin };
static struct chan *master;

static void
hang_up(struct admin *x)
{
	close(x->fd);
	turns();
}

static void
garbage_closes_that_client_only(void **state)
{
	static const char http[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

	(void)state;
	admin_hello(&b);
	admin_connect(&a);
	admin_bytes(&a, http, sizeof(http) - 1);
	assert_true(admin_is_closed(&a));
	assert_false(admin_is_closed(&b));
	hang_up(&a);
	hang_up(&b);
	assert_true(TAILQ_EMPTY(&clients));
}

static void
hello_comes_first_and_once(void **state)
{
	const struct ctl_hello hello = { .version = CTL_VERSION };

	(void)state;
	admin_connect(&a);
	admin_ask(&a, CTL_reload, &(struct ctl_reload){ 0 });
	assert_true(admin_is_closed(&a));
	hang_up(&a);
	admin_hello(&a);
	admin_ask(&a, CTL_hello, &hello);
	assert_true(admin_is_closed(&a));
	hang_up(&a);
}

static void
other_versions_are_told(void **state)
{
	struct ctl f;

	(void)state;
	admin_connect(&a);
	admin_ask(&a, CTL_hello, &(struct ctl_hello){ .version = CTL_VERSION + 1 });
	assert_int_equal(admin_next(&a, &f), CTL_hello);
	assert_done(&a, "api.invalid");
	hang_up(&a);
}

static void
one_request_at_a_time(void **state)
{
	(void)state;
	admin_hello(&a);
	admin_ask(&a, CTL_show_processes, &(struct ctl_show_processes){ 0 });
	admin_ask(&a, CTL_show_processes, &(struct ctl_show_processes){ 0 });
	assert_true(admin_is_closed(&a));
	hang_up(&a);
}

static void
byte_by_byte(void **state)
{
	struct wbuf w = { .max = 4096 };
	struct ctl f;

	(void)state;
	asked = 0;
	admin_connect(&a);
	assert_int_equal(ctl_encode(&w, CTL_hello, &(struct ctl_hello){ .version = CTL_VERSION }), 0);
	assert_int_equal(ctl_encode(&w, CTL_reload, &(struct ctl_reload){ 0 }), 0);
	for (size_t i = 0; i < w.n; i++)
		admin_bytes(&a, w.p + i, 1);
	wbuf_free(&w);
	assert_int_equal(admin_next(&a, &f), CTL_hello);
	chan_read(master);
	assert_int_not_equal(asked, 0);
	assert_int_equal(send_admin_done(master, &(struct msg_admin_done){ .req = asked }), 0);
	turns();
	assert_done(&a, "");
	hang_up(&a);
}

static void
an_answer_nobody_waits_for(void **state)
{
	(void)state;
	admin_hello(&a);
	admin_ask(&a, CTL_reload, &(struct ctl_reload){ 0 });
	chan_read(master);
	hang_up(&a);
	assert_true(TAILQ_EMPTY(&clients));
	assert_int_equal(send_admin_done(master, &(struct msg_admin_done){ .req = asked }), 0);
	assert_int_equal(send_admin_done(master, &(struct msg_admin_done){ .req = 0 }), 0);
	turns();
}

/* A request with so many rows that the client's share of memory is full. */
static void
a_client_that_never_reads_is_dropped(void **state)
{
	static uint8_t record[4000];
	struct msg_admin_row row = { .record = slice_mem(record, sizeof(record)) };

	(void)state;
	admin_hello(&a);
	admin_ask(&a, CTL_show_processes, &(struct ctl_show_processes){ 0 });
	chan_read(master);
	row.req = asked;
	for (size_t sent = 0; sent < LIM_CTL_OUT + 1024 * 1024; sent += sizeof(record)) {
		assert_int_equal(send_admin_row(master, &row), 0);
		event_base_loop(loop_base(), EVLOOP_NONBLOCK);
	}
	turns();
	assert_true(TAILQ_EMPTY(&clients));
	hang_up(&a);
}

/* Each request is a line with its user and its end, also when nobody waits for it. */
static void
commands_are_audited(void **state)
{
	(void)state;
	chan_read(master);	/* what the tests before it left */
	audited[0] = '\0';
	admin_hello(&a);
	admin_ask(&a, CTL_log_level, &(struct ctl_log_level){ .level = slice_str("debug") });
	chan_read(master);
	assert_int_equal(send_admin_done(master, &(struct msg_admin_done){ .req = asked }), 0);
	turns();
	admin_ask(&a, CTL_reload, &(struct ctl_reload){ 0 });
	chan_read(master);
	assert_int_equal(send_admin_done(master,
	    &(struct msg_admin_done){ .req = asked, .error = slice_str("cfg.invalid") }), 0);
	turns();
	admin_ask(&a, CTL_reload, &(struct ctl_reload){ 0 });
	hang_up(&a);
	chan_read(master);
	assert_string_equal(audited,
	    "\nadmin.command uid=1000 client_pid=42 verb=log_level ats= argument=debug outcome=ok"
	    "\nadmin.command uid=1000 client_pid=42 verb=reload ats= argument= outcome=cfg.invalid"
	    "\nadmin.command uid=1000 client_pid=42 verb=reload ats= argument= outcome=abandoned");
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(garbage_closes_that_client_only),
		cmocka_unit_test(hello_comes_first_and_once), cmocka_unit_test(other_versions_are_told),
		cmocka_unit_test(one_request_at_a_time), cmocka_unit_test(byte_by_byte),
		cmocka_unit_test(an_answer_nobody_waits_for), cmocka_unit_test(a_client_that_never_reads_is_dropped),
		cmocka_unit_test(commands_are_audited) };

	master = play_master(master_handlers);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
