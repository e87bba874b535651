/* Requests that go through stores: two tenants, played by the test. */
#include "control_test.h"

static struct admin a;

/* The last request that a store got. */
static struct {
	enum msg_type type;
	uint32_t req, account;
	uint64_t id;
	uint8_t obj, action, state;
	bool all, paused, flag;
	size_t ids;
} got;

static int
on_get(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	got.type = MSG_get;
	got.req = m->get.req;
	got.account = m->get.account;
	got.obj = m->get.type;
	got.all = m->get.all;
	got.ids = ids_count(m->get.ids);
	return 0;
}

static int
on_query(struct chan *c, const union msg *m, int *fd)
{
	struct rec_filter f;

	(void)c;
	(void)fd;
	got.type = MSG_query;
	got.req = m->query.req;
	got.account = m->query.account;
	got.obj = m->query.type;
	assert_int_equal(rec_filter_decode(m->query.filter, &f), 0);
	got.state = f.state;
	return 0;
}

static int
on_link_set(struct chan *c, const union msg *m, int *fd)
{
	struct rec_link link;

	(void)c;
	(void)fd;
	got.type = MSG_link_set;
	got.req = m->link_set.req;
	got.id = m->link_set.id;
	got.action = m->link_set.action;
	got.flag = m->link_set.keep_notes;
	if (m->link_set.record.n > 0) {
		assert_int_equal(rec_link_decode(m->link_set.record, &link), 0);
		got.paused = link.paused;
	}
	return 0;
}

static const chan_handler store_handlers[MSG__COUNT] = { [MSG_get] = on_get, [MSG_query] = on_query,
	[MSG_link_set] = on_link_set };
static struct chan *master, *one, *two;

static void
next_asked(struct chan *store, enum msg_type type)
{
	memset(&got, 0, sizeof(got));
	turns();
	chan_read(store);
	assert_int_equal(got.type, type);
}

static void
send_link(struct chan *store, uint64_t id, const char *address)
{
	struct rec_link l = { .address = slice_str(address), .mode = MODE_TWO_WAY, .state = LINK_LIVE };
	struct wbuf w = { .max = 8192 };

	rec_link_encode(&w, &l);
	assert_int_equal(send_row(store, &(struct msg_row){ got.req, OBJ_LINK, id, wbuf_slice(&w) }, -1), 0);
	wbuf_free(&w);
}

static void
end_get(struct chan *store)
{
	assert_int_equal(send_get_done(store, &(struct msg_get_done){ .req = got.req }), 0);
	turns();
}

static void
end_set(struct chan *store, const char *error)
{
	assert_int_equal(send_set_done(store, &(struct msg_set_done){ .req = got.req, .id = 7, .error = slice_str(error) }), 0);
	turns();
}

static void
hang_up(void)
{
	close(a.fd);
	turns();
}

static void
links_of_all_tenants(void **state)
{
	struct ctl f;

	(void)state;
	admin_hello(&a);
	admin_ask(&a, CTL_show_links, &(struct ctl_show_links){ .ats = SLICE_NONE });
	next_asked(one, MSG_get);
	assert_true(got.all && got.obj == OBJ_LINK && got.account == ACCOUNT_ATS);
	send_link(one, 7, "anna@example.org");
	end_get(one);
	next_asked(two, MSG_get);
	send_link(two, 3, "bert@example.org");
	end_get(two);
	assert_int_equal(admin_next(&a, &f), CTL_link);
	assert_true(slice_eq_str(f.link.ats, "one") && f.link.id == 7);
	assert_int_equal(admin_next(&a, &f), CTL_link);
	assert_true(slice_eq_str(f.link.ats, "two") && f.link.id == 3);
	assert_done(&a, "");
	hang_up();
}

static void
an_unknown_tenant(void **state)
{
	(void)state;
	admin_hello(&a);
	admin_ask(&a, CTL_show_links, &(struct ctl_show_links){ .ats = slice_str("three") });
	assert_done(&a, "api.not_found");
	hang_up();
}

static void
pause_by_address(void **state)
{
	(void)state;
	admin_hello(&a);
	admin_ask(&a, CTL_link_pause,
	    &(struct ctl_link_pause){ .ats = slice_str("one"), .link = slice_str("Anna@Example.org"), .paused = true });
	next_asked(one, MSG_get);
	send_link(one, 6, "annalena@example.org");
	send_link(one, 7, "anna@example.org");
	end_get(one);
	next_asked(one, MSG_link_set);
	assert_true(got.id == 7 && got.action == SET_UPDATE && got.paused);
	end_set(one, "");
	assert_done(&a, "");
	hang_up();
}

static void
remove_by_id_and_refusal(void **state)
{
	(void)state;
	admin_hello(&a);
	admin_ask(&a, CTL_link_remove,
	    &(struct ctl_link_remove){ .ats = slice_str("one"), .link = slice_str("L7"), .keep_notes = true });
	next_asked(one, MSG_get);
	send_link(one, 7, "anna@example.org");
	send_link(one, 70, "bert@example.org");
	end_get(one);
	next_asked(one, MSG_link_set);
	assert_true(got.id == 7 && got.action == SET_DESTROY && got.flag);
	end_set(one, "notFound");
	assert_done(&a, "notFound");
	hang_up();
}

static void
no_such_link(void **state)
{
	(void)state;
	admin_hello(&a);
	admin_ask(&a, CTL_link_test, &(struct ctl_link_test){ .ats = slice_str("one"), .link = slice_str("x@y") });
	next_asked(one, MSG_get);
	send_link(one, 7, "anna@example.org");
	end_get(one);
	assert_done(&a, "api.not_found");
	/* An empty name must never mean "every link" here. */
	admin_ask(&a, CTL_link_remove, &(struct ctl_link_remove){ .ats = slice_str("one") });
	assert_done(&a, "api.invalid");
	hang_up();
}

static void
steps_are_passed_on(void **state)
{
	struct ctl f;

	(void)state;
	admin_hello(&a);
	admin_ask(&a, CTL_link_test, &(struct ctl_link_test){ .ats = slice_str("one"), .link = slice_str("L7") });
	next_asked(one, MSG_get);
	send_link(one, 7, "anna@example.org");
	end_get(one);
	next_asked(one, MSG_link_set);
	assert_int_equal(got.action, SET_TEST);
	assert_int_equal(send_probe_step(one, &(struct msg_probe_step){ .req = got.req, .service = SERVICE_IMAP,
	    .step = STEP_AUTH, .code = slice_str("auth.rejected"), .ms = 12 }), 0);
	/* The other tenant cannot speak into it. */
	assert_int_equal(send_set_done(two, &(struct msg_set_done){ .req = got.req }), 0);
	end_set(one, "verifyFailed");
	assert_int_equal(admin_next(&a, &f), CTL_step);
	assert_true(f.step.step == STEP_AUTH && slice_eq_str(f.step.code, "auth.rejected"));
	assert_done(&a, "verifyFailed");
	hang_up();
}

static void
send_submission(struct chan *store, uint64_t id)
{
	struct rec_rcpt rcpt = { .email = slice_str("c@example.net"), .state = RCPT_PENDING };
	struct wbuf list = { .max = 4096 }, item = { .max = 4096 }, w = { .max = 8192 };
	struct rec_submission s = { .state = SUB_QUEUED, .attempts = 2 };

	rec_rcpt_encode(&item, &rcpt);
	list_add(&list, wbuf_slice(&item));
	list_add(&list, wbuf_slice(&item));
	s.rcpts = wbuf_slice(&list);
	rec_submission_encode(&w, &s);
	assert_int_equal(send_row(store, &(struct msg_row){ got.req, OBJ_SUBMISSION, id, wbuf_slice(&w) }, -1), 0);
	wbuf_free(&w);
	wbuf_free(&item);
	wbuf_free(&list);
}

static void
answer_query(struct chan *store, size_t n)
{
	struct wbuf ids = { .max = 8192 };

	for (uint64_t i = 1; i <= n; i++)
		ids_add(&ids, i);
	assert_int_equal(send_query_done(store, &(struct msg_query_done){ .req = got.req, .ids = wbuf_slice(&ids) }), 0);
	wbuf_free(&ids);
	turns();
}

static void
the_queue(void **state)
{
	static const uint8_t states[] = { SUB_SENDING, SUB_QUEUED, SUB_UNCERTAIN };
	struct ctl f;

	(void)state;
	admin_hello(&a);
	admin_ask(&a, CTL_show_queue, &(struct ctl_show_queue){ .ats = slice_str("one") });
	next_asked(one, MSG_get);
	send_link(one, 7, "anna@example.org");
	send_link(one, 8, "bert@example.org");
	end_get(one);
	for (uint32_t link = 7; link <= 8; link++)
		for (size_t i = 0; i < 3; i++) {
			next_asked(one, MSG_query);
			assert_true(got.account == link && got.state == states[i] && got.obj == OBJ_SUBMISSION);
			if (link == 8 && states[i] == SUB_QUEUED) {
				answer_query(one, 1);
				next_asked(one, MSG_get);
				assert_true(got.account == 8 && got.ids == 1 && !got.all);
				send_submission(one, 33);
				end_get(one);
			} else
				answer_query(one, 0);
		}
	assert_int_equal(admin_next(&a, &f), CTL_queued);
	assert_true(f.queued.id == 33 && f.queued.link == 8 && f.queued.rcpts == 2 && f.queued.attempts == 2);
	assert_true(slice_eq_str(f.queued.address, "bert@example.org") && slice_eq_str(f.queued.rcpt, "c@example.net"));
	assert_done(&a, "");
	hang_up();
}

/* A full page is followed by the next one. */
static void
pages_of_the_queue(void **state)
{
	(void)state;
	admin_hello(&a);
	admin_ask(&a, CTL_show_queue, &(struct ctl_show_queue){ .ats = slice_str("one"), .link = slice_str("L7") });
	next_asked(one, MSG_get);
	send_link(one, 7, "anna@example.org");
	end_get(one);
	next_asked(one, MSG_query);
	answer_query(one, 200);
	next_asked(one, MSG_get);
	assert_int_equal(got.ids, 200);
	end_get(one);
	next_asked(one, MSG_query);
	assert_int_equal(got.state, SUB_SENDING);	/* still the first state */
	hang_up();
}

static void
a_malformed_link_record(void **state)
{
	(void)state;
	admin_hello(&a);
	admin_ask(&a, CTL_link_add, &(struct ctl_link_add){ .ats = slice_str("one"), .record = slice_str("nonsense") });
	assert_done(&a, "api.invalid");
	hang_up();
}

/* Last: it ends the second tenant. */
static void
a_store_that_dies(void **state)
{
	(void)state;
	admin_hello(&a);
	admin_ask(&a, CTL_show_links, &(struct ctl_show_links){ .ats = slice_str("two") });
	next_asked(two, MSG_get);
	chan_free(two);
	turns();
	assert_done(&a, "proc.crashed");
	admin_ask(&a, CTL_show_links, &(struct ctl_show_links){ .ats = slice_str("two") });
	assert_done(&a, "api.not_found");
	hang_up();
}

int
main(void)
{
	static const chan_handler none[MSG__COUNT];
	const struct CMUnitTest tests[] = { cmocka_unit_test(links_of_all_tenants), cmocka_unit_test(an_unknown_tenant),
		cmocka_unit_test(pause_by_address), cmocka_unit_test(remove_by_id_and_refusal),
		cmocka_unit_test(no_such_link), cmocka_unit_test(steps_are_passed_on), cmocka_unit_test(the_queue),
		cmocka_unit_test(pages_of_the_queue), cmocka_unit_test(a_malformed_link_record),
		cmocka_unit_test(a_store_that_dies) };

	int failed;

	master = play_master(none);
	one = play_store("one", store_handlers);
	two = play_store("two", store_handlers);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	chan_free(master);
	return failed;
}
