/*
 * A stolen tls-worker against the real vault: it guesses tickets, replays them,
 * hands them to its like, asks too often. Each time it gets nothing, both sides
 * are in the log, and the others go on logging in.
 * limit: LIM_TICKETS_PER_MINUTE LIM_TICKETS_PER_MINUTE_ATS LIM_REFUSALS_PER_MINUTE LIM_REFUSALS_TOLD
 */
#include "vault_stage.h"

#include <time.h>

#define GUESS 0x1122334455667788u

static void
others_log_in(uint32_t link)
{
	struct permit p = PERMIT(link);
	struct wbuf r = record_for(&rival_store, "rival", link, 1);

	p.ats = "rival";
	p.store = &rival_store;
	p.tls = &rival_tls;
	stage_log_forget(&vault);
	assert_string_equal(login(p, wbuf_slice(&r)), "");
	stage_logged(&vault, "credential released by PLAIN", "ats=rival");
	wbuf_free(&r);
}

static void
guesses(void **state)
{
	(void)state;
	stage_log_forget(&vault);
	for (uint64_t i = 0; i < LIM_REFUSALS_PER_MINUTE; i++) {
		begin(&tls, GUESS + i, "PLAIN");
		refused(&tls, GUESS + i, "auth.temp_unavailable");
	}
	player_trusted(&tls);
	stage_logged(&vault, "ticket refused role=tls-worker ats=agency host=" HOST, "reason=unknown");
	/* The lines of one do not push out those of others. */
	assert_int_equal(stage_log_count(&vault, "ticket refused"), LIM_REFUSALS_TOLD);
	others_log_in(1);
	begin(&tls, GUESS, "PLAIN");	/* one too many */
	player_broken(&vault, &tls);
	stage_logged(&vault, "peer broke the rules role=tls-worker", "reason=auth_begin");
	others_log_in(2);
	stage_alive(&vault);
}

/* Also when it asks through the other messages that name a ticket. */
static void
guesses_by_challenge_and_result(void **state)
{
	(void)state;
	for (uint64_t i = 0; i <= LIM_REFUSALS_PER_MINUTE; i++)
		if (i % 2 == 0)
			(void)send_auth_challenge(tls.chan, &(struct msg_auth_challenge){ .ticket = GUESS + i });
		else
			(void)send_auth_result(tls.chan, &(struct msg_auth_result){ .ticket = GUESS + i, .ok = true });
	player_broken(&vault, &tls);
	others_log_in(1);
}

static void
replays(void **state)
{
	struct wbuf r = record_for(&store, "agency", 7, 1);
	uint64_t old;
	union msg m;

	(void)state;
	assert_string_equal(login(PERMIT(7), wbuf_slice(&r)), "");
	old = last_ticket;
	begin(&tls, old, "PLAIN");	/* while the login runs */
	refused(&tls, old, "auth.temp_unavailable");
	stage_logged(&vault, "ticket refused role=tls-worker ats=agency", "reason=used before");
	(void)send_auth_challenge(tls.chan, &(struct msg_auth_challenge){ .ticket = old });	/* PLAIN has one step */
	refused(&tls, old, "sync.protocol_error");
	begin(&tls, old, "PLAIN");	/* and after it */
	refused(&tls, old, "auth.temp_unavailable");
	/* A store that answers again, or unasked. */
	(void)send_record(store.chan, &(struct msg_record){ .ticket = old, .data = wbuf_slice(&r) });
	stage_logged(&vault, "ticket refused role=store ats=agency", "reason=unknown");
	assert_false(player_has(&tls, MSG_auth_respond, &m));
	player_trusted(&tls);
	wbuf_free(&r);
}

static void
shares(void **state)
{
	struct { struct player *thief; const char *ats, *host; } thieves[] = { { &tls2, "agency", HOST },
		{ &tls_smtp, "agency", SMTP_HOST }, { &rival_tls, "rival", HOST } };
	struct wbuf r = record_for(&store, "agency", 7, 1);
	char line[256];
	uint64_t ticket = issue(PERMIT(7));
	union msg m;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		stage_log_forget(&vault);
		begin(thieves[i].thief, ticket, "PLAIN");
		refused(thieves[i].thief, ticket, "auth.temp_unavailable");
		snprintf(line, sizeof(line), "ticket refused role=tls-worker ats=%s host=%s ", thieves[i].ats,
		    thieves[i].host);
		stage_logged(&vault, line, "issued to ats=agency unit=7 host=" HOST " reason=of another process");
	}
	/* Nor may they join in the middle. */
	begin(&tls, ticket, "LOGIN");
	player_get(&store, MSG_record_get, &m);
	(void)send_record(rival_store.chan, &(struct msg_record){ .ticket = ticket, .data = wbuf_slice(&r) });
	stage_logged(&vault, "ticket refused role=store ats=rival", "issued to ats=agency");
	(void)send_record(store.chan, &(struct msg_record){ .ticket = ticket, .data = wbuf_slice(&r) });
	player_get(&tls, MSG_auth_respond, &m);
	assert_true(slice_eq_str(m.auth_respond.data, "anna"));
	(void)send_auth_challenge(tls2.chan, &(struct msg_auth_challenge){ .ticket = ticket });
	refused(&tls2, ticket, "auth.temp_unavailable");
	(void)send_auth_result(rival_tls.chan, &(struct msg_auth_result){ .ticket = ticket });
	refused(&rival_tls, ticket, "auth.temp_unavailable");
	/* The rightful one is not disturbed by any of it. */
	(void)send_auth_challenge(tls.chan, &(struct msg_auth_challenge){ .ticket = ticket, .data = slice_str("Password:") });
	player_get(&tls, MSG_auth_respond, &m);
	assert_true(slice_eq_str(m.auth_respond.data, SECRET));
	wbuf_free(&r);
}

/* It is gone, and its successor has the same host and tenant: its tickets are void. */
static void
keeps_over_its_death(void **state)
{
	uint64_t ticket = issue(PERMIT(7));
	uint32_t number = tls.number;

	(void)state;
	player_leave(&tls);
	stage_settle(20);
	stage_wire(&vault, &tls, ROLE_TLS, "agency", 0, HOST);
	assert_true(tls.number != number);
	begin(&tls, ticket, "PLAIN");
	refused(&tls, ticket, "auth.temp_unavailable");
}

static void
asks_too_often_for_one_link(void **state)
{
	struct wbuf r = record_for(&store, "agency", 7, 1), r8 = record_for(&store, "agency", 8, 1);
	uint64_t ticket;

	(void)state;
	for (int i = 0; i < LIM_TICKETS_PER_MINUTE; i++)
		assert_string_equal(login(PERMIT(7), wbuf_slice(&r)), "");
	stage_log_forget(&vault);
	ticket = issue(PERMIT(7));
	begin(&tls, ticket, "PLAIN");
	refused(&tls, ticket, "auth.too_many_attempts");
	stage_logged(&vault, "credential refused", "ats=agency unit=7 service=imap port=993 host=" HOST
		     " code=auth.too_many_attempts");
	assert_string_equal(login(PERMIT(8), wbuf_slice(&r8)), "");	/* another link has its own */
	wbuf_free(&r);
	wbuf_free(&r8);
}

/* Logins that end at once: the store has no record. False: over the limit. */
static bool
attempt(uint32_t link)
{
	uint64_t ticket = issue(PERMIT(link));
	bool asked = false, within;
	union msg m;

	begin(&tls, ticket, "PLAIN");
	for (;;) {
		if (!asked && (asked = player_has(&store, MSG_record_get, &m)))
			(void)send_record(store.chan, &(struct msg_record){ .ticket = ticket });
		if (player_has(&tls, MSG_auth_refused, &m))
			break;
		stage_turn(1000);
	}
	within = slice_eq_str(m.auth_refused.code, "store.key_missing");
	assert_true(within || slice_eq_str(m.auth_refused.code, "auth.too_many_attempts"));
	player_forget(&tls);
	player_forget(&store);
	stage_log_forget(&vault);
	return within;
}

static void
asks_too_often_for_its_tenant(void **state)
{
	struct timespec from, to;
	uint32_t n = 0, came_back;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &from);
	while (n < 2 * LIM_TICKETS_PER_MINUTE_ATS && attempt(1000 + n))
		n++;
	clock_gettime(CLOCK_MONOTONIC, &to);
	came_back = (uint32_t)(to.tv_sec - from.tv_sec + 1) * LIM_TICKETS_PER_MINUTE_ATS / 60;
	print_message("%u logins of one tenant before the first refusal\n", n);
	assert_in_range(n, LIM_TICKETS_PER_MINUTE_ATS, LIM_TICKETS_PER_MINUTE_ATS + came_back);
	others_log_in(1);
}

/* Neither may a store fill the log with answers that nobody waits for. */
static void
a_store_that_talks(void **state)
{
	struct wbuf r = record_for(&store, "agency", 7, 1);

	(void)state;
	stage_log_forget(&vault);
	for (uint64_t i = 0; i < 2000; i++) {
		(void)send_record(store.chan, &(struct msg_record){ .ticket = GUESS + i, .data = wbuf_slice(&r) });
		if (i % 64 == 0)
			stage_turn(0);
	}
	stage_settle(50);
	stage_logged(&vault, "ticket refused role=store ats=agency", "reason=unknown");
	assert_in_range(stage_log_count(&vault, "ticket refused"), 1, LIM_REFUSALS_TOLD);
	player_trusted(&store);
	assert_string_equal(login(PERMIT(7), wbuf_slice(&r)), "");
	others_log_in(1);
	wbuf_free(&r);
}

int
main(int argc, char **argv)
{
#define T(f) cmocka_unit_test_setup_teardown(f, vault_setup, vault_teardown)
	const struct CMUnitTest tests[] = { T(guesses), T(guesses_by_challenge_and_result), T(replays), T(shares),
		T(keeps_over_its_death), T(asks_too_often_for_one_link), T(asks_too_often_for_its_tenant),
		T(a_store_that_talks) };

	(void)argc;
	stage_init(argv[0]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
