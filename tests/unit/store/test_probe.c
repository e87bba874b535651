/*
 * Probes, step by step, with a make-believe master and workers.
 */
#include "link_front.h"

/* ---- probes with workers ---- */
static struct far_end worker;

static int
hear_config(struct chan *c, const union msg *m, int *fd)
{
	(void)m;
	(void)fd;
	((struct far_end *)chan_ctx(c))->n++;
	return 0;
}

static const chan_handler worker_handlers[MSG__COUNT] = { [MSG_sync_config] = hear_config,
	[MSG_send_config] = hear_config };
static const struct chan_ops worker_ops = { .handlers = worker_handlers, .on_eof = far_gone,
	.on_broken = far_broken };

static void
worker_comes(uint32_t unit, enum role role)
{
	struct chan_peer here = { .role = ROLE_STORE }, there = { .role = role, .unit = unit };
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd), 0);
	worker.far = chan_new(fd[1], role, &here, &worker_ops, &worker);
	chan_run(worker.far);
	worker.n = 0;
	probe_peer(&there, fd[0]);
	turn();
	chan_read(worker.far);
	assert_int_equal(worker.n, 1);
}

static void
worker_says(enum step step, bool ok, bool last, const char *code)
{
	send_worker_step(worker.far, &(struct msg_worker_step){ .step = (uint8_t)step, .ok = ok, .last = last,
					 .code = slice_str(code) });
	turn();
}

static void
master_says(uint32_t unit, enum service service, enum step step, const char *code)
{
	probe_on_unit_step(&(struct msg_unit_step){ .unit = unit, .service = (uint8_t)service,
	    .step = (uint8_t)step, .ok = code == NULL, .code = slice_str(code) });
	turn();
}

static uint32_t
probing(const struct rec_link *r)
{
	union msg m;

	link_set(SET_CREATE, 0, r, true, fresh_seal(), NULL);
	vault_answers("");
	told_next(&master, MSG_unit_run, &m);
	assert_true((m.unit_run.unit & UNIT_PROBE) != 0);
	return m.unit_run.unit;
}

static void
assert_steps(size_t n)
{
	union msg m;

	assert_int_equal(told_count(&ats, MSG_probe_step), n);
	while (n-- > 0)
		told_next(&ats, MSG_probe_step, &m);
}

static void
every_step_passes(void **state)
{
	struct rec_link r = link_of("rec@agency.example");
	uint32_t unit = probing(&r);
	union msg m;

	(void)state;
	assert_true(slice_eq_str(probe_credential(unit, SERVICE_IMAP), "R:seal"));
	master_says(unit, SERVICE_IMAP, STEP_DNS, NULL);
	worker_comes(unit, ROLE_IMAP);
	worker_says(STEP_INBOX, true, false, NULL);	/* overtakes the login */
	assert_steps(1);
	master_says(unit, SERVICE_IMAP, STEP_AUTH, NULL);
	assert_steps(2);
	worker_says(STEP_SENT, true, true, NULL);
	chan_free(worker.far);
	probe_worker_gone(unit, ROLE_IMAP, SLICE_NONE);	/* it is meant to end */
	told_next(&master, MSG_worker_start, &m);
	told_next(&master, MSG_worker_start, &m);
	assert_int_equal(m.worker_start.role, ROLE_SMTP);
	worker_comes(unit, ROLE_SMTP);
	master_says(unit, SERVICE_SMTP, STEP_AUTH, NULL);
	worker_says(STEP_EHLO, true, false, NULL);
	assert_int_equal(link_of_address(slice_str("rec@agency.example")), 0);
	worker_says(STEP_MAIL_FROM, true, true, NULL);
	assert_steps(4);
	assert_int_equal(error_of_answer().n, 0);
	assert_true(link_exists((uint32_t)answer.set_done.id));
	told_next(&master, MSG_unit_stop, &m);
	assert_int_equal(m.unit_stop.unit, unit);
	told_next(&master, MSG_unit_run, &m);
	assert_int_equal(m.unit_run.unit, answer.set_done.id);
	chan_free(worker.far);
}

static void
nothing_is_stored_on_failure(void **state)
{
	struct rec_link r = link_of("rec@agency.example");
	uint32_t unit = probing(&r);
	union msg m;

	(void)state;
	worker_comes(unit, ROLE_IMAP);
	master_says(unit, SERVICE_IMAP, STEP_AUTH, "auth.rejected");
	assert_steps(1);
	assert_true(slice_eq_str(error_of_answer(), "verifyFailed"));
	told_next(&master, MSG_unit_stop, &m);
	assert_int_equal(told_count(&master, MSG_worker_start), 0);	/* no second service */
	assert_int_equal(link_of_address(slice_str("rec@agency.example")), 0);
	assert_int_equal(changes_state(ACCOUNT_ATS, OBJ_LINK), 0);
	assert_int_equal(probe_credential(unit, SERVICE_IMAP).n, 0);
	chan_free(worker.far);
	unit = probing(&r);
	probe_worker_gone(unit, ROLE_IMAP, slice_str("signal 9"));
	settle(150);
	assert_true(slice_eq_str(error_of_answer(), "verifyFailed"));
	assert_true(slice_eq_str(answer.set_done.description, "proc.crashed"));
}

static void
tests_store_nothing(void **state)
{
	struct rec_link r = link_of("rec@agency.example");
	uint32_t no;
	union msg m;

	(void)state;
	r.mode = MODE_SEND_ONLY;
	link_set(SET_TEST, 0, &r, true, "seal of the test", NULL);
	vault_answers("");
	told_next(&master, MSG_unit_run, &m);
	worker_comes(m.unit_run.unit, ROLE_SMTP);
	master_says(m.unit_run.unit, SERVICE_SMTP, STEP_AUTH, NULL);
	worker_says(STEP_MAIL_FROM, true, true, NULL);
	assert_int_equal(error_of_answer().n, 0);
	assert_int_equal(link_of_address(slice_str("rec@agency.example")), 0);
	chan_free(worker.far);
	no = linked("rec@agency.example");
	link_set(SET_TEST, no, &r, true, NULL, NULL);
	for (m.unit_run.unit = 0; (m.unit_run.unit & UNIT_PROBE) == 0;)
		told_next(&master, MSG_unit_run, &m);
	assert_int_equal(m.unit_run.link, no);
	assert_true(slice_eq_str(probe_credential(m.unit_run.unit, SERVICE_IMAP), "R:seal"));
	link_forget(ats.near);
}

static void
a_record_is_replaced_in_memory(void **state)
{
	struct rec_link r = link_of("rec@agency.example");
	uint32_t unit = probing(&r);
	union msg m;

	(void)state;
	for (int i = 0; i < 2; i++) {
		send_record_put(vault.far, &(struct msg_record_put){ .req = 9, .unit = unit, .generation = 1,
		    .service = SERVICE_SMTP, .was = slice_str("R:seal"), .data = slice_str("wrapped anew") });
		turn();
		told_next(&vault, MSG_record_put_done, &m);
		assert_true(slice_eq_str(m.record_put_done.code, i == 0 ? "" : "api.conflict"));
	}
	assert_true(slice_eq_str(probe_credential(unit, SERVICE_IMAP), "wrapped anew"));
}

static void
too_many_tests(void **state)
{
	struct rec_link r = link_of("eager@agency.example");
	unsigned int i;

	(void)state;
	for (i = 0; i < 100; i++) {
		link_set(SET_CREATE, 0, &r, true, "seal", NULL);
		if (told_count(&ats, MSG_set_done) > 0)
			break;
		link_forget(ats.near);
	}
	assert_in_range(i, 10, 60);
	assert_true(slice_eq_str(error_of_answer(), "rateLimit"));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, front_setup, front_teardown)
	const struct CMUnitTest tests[] = {
		T(every_step_passes),
		T(nothing_is_stored_on_failure),
		T(tests_store_nothing),
		T(a_record_is_replaced_in_memory),
		T(too_many_tests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
