/* Limits of what the ATS may ask of a store, on both sides of each. */
#include "link_front.h"

#include "../own_time.h"
#include "probe_rate.h"

static char text[64];

static struct slice
nth(unsigned int i)
{
	(void)snprintf(text, sizeof(text), "a%u@many.example", i);
	return slice_str(text);
}

/* limit: LIM_PROBES_ADDRESS LIM_PROBE_WINDOW LIM_PROBE_ROWS LIM_PROBES_ATS_WINDOW */
static void
rates_of_probes(void **state)
{
	struct slice who = slice_str("a@rates.example");
	uint64_t t = 1000000;

	(void)state;
	for (unsigned int i = 0; i < LIM_PROBES_ADDRESS; i++)
		assert_true(probe_rate_allow(who, t));
	assert_false(probe_rate_allow(who, t));
	assert_false(probe_rate_allow(who, t + LIM_PROBE_WINDOW - 1));
	assert_true(probe_rate_allow(who, t + LIM_PROBE_WINDOW));
	/* All together, each once. */
	t += 2 * LIM_PROBE_WINDOW;
	for (unsigned int i = 0; i < LIM_PROBES_ATS_WINDOW; i++)
		assert_true(probe_rate_allow(nth(i), t));
	assert_false(probe_rate_allow(nth(LIM_PROBES_ATS_WINDOW), t));
	/* As many as have rows are counted; one more takes the oldest one's. */
	for (unsigned int more = 0; more < 2; more++) {
		t += 2 * LIM_PROBE_WINDOW;
		for (unsigned int i = 0; i < LIM_PROBES_ADDRESS; i++)
			assert_true(probe_rate_allow(who, t));
		for (unsigned int i = 1; i < LIM_PROBE_ROWS + more; i++)
			assert_true(probe_rate_allow(nth(1000 * (more + 1) + i), t + 1));
		assert_int_equal(probe_rate_allow(who, t + 1), more);
	}
}

static void
start_probe(unsigned int i)
{
	struct rec_link r = link_of("x");
	char address[64];

	(void)snprintf(address, sizeof(address), "p%u@probes.example", i);
	r.address = r.imap_user = r.smtp_user = slice_str(address);
	link_set(SET_CREATE, 0, &r, true, fresh_seal(), NULL);
}

/* limit: LIM_PROBES_STORE LIM_PROBE_SECONDS */
static void
probes_at_once(void **state)
{
	(void)state;
	time_pass(2 * LIM_PROBE_WINDOW * 1000);
	for (unsigned int i = 0; i < LIM_PROBES_STORE; i++)
		start_probe(i);
	assert_int_equal(told_count(&ats, MSG_set_done), 0);
	assert_int_equal(told_count(&vault, MSG_seal_open), LIM_PROBES_STORE);
	start_probe(LIM_PROBES_STORE);
	assert_true(slice_eq_str(error_of_answer(), "rateLimit"));
	/* A vault that does not answer. */
	time_pass(LIM_PROBE_SECONDS * 1000 - 1);
	turn();
	assert_int_equal(told_count(&ats, MSG_set_done), 0);
	time_pass(1);
	turn();
	assert_int_equal(told_count(&ats, MSG_set_done), LIM_PROBES_STORE);
	start_probe(LIM_PROBES_STORE + 1);
	assert_int_equal(told_count(&ats, MSG_set_done), LIM_PROBES_STORE);	/* there is room again */
	link_forget(ats.near);
}

/* limit: LIM_ATS_WORKERS */
static void
listeners(void **state)
{
	static struct far_end more[LIM_ATS_WORKERS + 1];

	(void)state;
	for (size_t i = 0; i <= LIM_ATS_WORKERS; i++) {
		far_open(&more[i], ROLE_ATS);
		push_add(more[i].near);
	}
	push_note(ACCOUNT_ATS, OBJ_NOTE, 7);
	turn();
	for (size_t i = 0; i <= LIM_ATS_WORKERS; i++) {
		pump(&more[i]);
		assert_int_equal(told_count(&more[i], MSG_state_change), i < LIM_ATS_WORKERS);
		push_remove(more[i].near);
		out_forget(more[i].near);
		far_close(&more[i]);
	}
}

/* limit: LIM_EVENTS_WAITING */
static void
events_for_a_slow_worker(void **state)
{
	static const struct msg_state_change m = { .account = 1, .type = OBJ_NOTE };
	size_t one = 0, queued = 0;

	(void)state;
	push_add(ats.near);
	while (queued + one <= LIM_EVENTS_WAITING) {
		assert_int_equal(send_state_change(ats.near, &m), 0);
		one = chan_queued(ats.near) - queued;
		queued += one;
	}
	for (size_t beyond = 0; beyond < 2; beyond++) {
		push_note(ACCOUNT_ATS, OBJ_NOTE, 8 + beyond);
		db_turn_end();
		/* The first one went, and made it too much. */
		assert_int_equal(chan_queued(ats.near), queued + one);
	}
	while (chan_queued(ats.near) > 0)
		pump(&ats);
	push_note(ACCOUNT_ATS, OBJ_LINK, 9);
	turn();
	pump(&ats);
	ats.read = ats.n - 2;	/* what waited, and what came after it */
	assert_int_equal(told_count(&ats, MSG_state_change), 2);
	push_remove(ats.near);
}

/* limit: LIM_ATS_JOBS: of gets; the first ones have the credits. */
static void
jobs(void **state)
{
	union msg m = { .get = { .account = ACCOUNT_ATS, .type = OBJ_LINK, .all = true } };
	size_t refused = 0, done = 0;
	int fd = -1;

	(void)state;
	make_link("one@jobs.example");
	db_turn_end();
	/* Each costs a credit that comes back later; who took the last one waits too. */
	for (m.get.req = 1; m.get.req <= LIM_CHAN_CREDITS + LIM_ATS_JOBS; m.get.req++)
		assert_int_equal(ats_on_get(ats.near, &m, &fd), 0);
	db_turn_end();
	for (int i = 0; i < 100; i++)
		turn();
	while (told_count(&ats, MSG_get_done) > 0) {
		told_next(&ats, MSG_get_done, &m);
		done += m.get_done.error.n == 0;
		refused += slice_eq_str(m.get_done.error, "serverUnavailable");
	}
	assert_int_equal(refused, 1);
	assert_int_equal(done, LIM_CHAN_CREDITS - 1 + LIM_ATS_JOBS);
}

/* Does the last one of so many addresses match? */
static bool
last_matches(uint32_t link_no, unsigned int addresses)
{
	struct wbuf from = { 0 }, to = { 0 }, cc = { 0 };
	struct rec_header h = { .kind = KIND_HUMAN };
	struct match m;

	add_address(&from, "", "rec@agency.example");
	for (unsigned int i = 1; i < addresses; i++)
		add_address(&to, "", (const char *)nth(i).p);
	add_address(&cc, "", "carl@match.example");
	h.from = wbuf_slice(&from);
	h.to = wbuf_slice(&to);
	h.cc = wbuf_slice(&cc);
	match_header(link_no, &h, &m);
	wbuf_free(&from);
	wbuf_free(&to);
	wbuf_free(&cc);
	return m.result == MATCH_ONE;
}

/* limit: LIM_MATCH_ADDRESSES */
static void
addresses_of_a_message(void **state)
{
	uint32_t no = make_link("rec@agency.example");

	(void)state;
	(void)make_person(PERSON_CANDIDATE, "carl@match.example");
	assert_true(last_matches(no, LIM_MATCH_ADDRESSES));
	assert_false(last_matches(no, LIM_MATCH_ADDRESSES + 1));
}

/* ---- a query beside writes ---- */

/* A write, and then one slice of all queries. */
static void
write_and_slice(uint32_t no)
{
	changes_record(no, OBJ_EMAIL, 1, UPDATED);
	db_turn_end();
	time_pass(1);
	turn();
}

/* limit: LIM_QUERY_RESTARTS: then it goes on, and tells the state of its last beginning. */
static void
queries_beside_writes(void **state)
{
	uint32_t no = make_link("rec@agency.example");
	union msg m = { .query = { .req = 8, .account = no, .type = OBJ_EMAIL, .total = true } };
	const unsigned int slices = 3, n = (slices - 1) * LIM_QUERY_SLICE + 1;
	uint64_t began = 0;
	int fd = -1;

	(void)state;
	for (uint64_t i = 1; i <= n; i++)
		table_put_empty(T_bydate, KEY(bydate, .account = no, .received_at = i, .email = i));
	db_turn_end();
	assert_int_equal(ats_on_query(ats.near, &m, &fd), 0);
	for (unsigned int i = 1; i < LIM_QUERY_RESTARTS + slices; i++) {
		assert_int_equal(told_count(&ats, MSG_query_done), 0);
		write_and_slice(no);
		if (i == LIM_QUERY_RESTARTS)
			began = changes_state(no, OBJ_EMAIL);
	}
	told_next(&ats, MSG_query_done, &m);
	assert_int_equal(m.query_done.error.n, 0);
	assert_int_equal(m.query_done.total, n);
	assert_true(m.query_done.state == began && began < changes_state(no, OBJ_EMAIL));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, front_setup, front_teardown)
	const struct CMUnitTest tests[] = { T(rates_of_probes), T(probes_at_once), T(listeners),
		T(events_for_a_slow_worker), T(jobs), T(addresses_of_a_message), T(queries_beside_writes) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
