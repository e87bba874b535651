/* Who may say what in the audit log, and how much of it. */
#include "audit_test.h"
#include "../audit_any.h"

/* ---- how much one may write ---- */

static bool
refused_ticket(const char *who, const char *ats, const char *host, int64_t now)
{
	static struct wbuf fields = { .max = LIM_AUDIT_FIELDS };
	struct audit_said s = { .who = who, .pid = 1, .event = AUDIT_ticket_refused };

	wbuf_reset(&fields);
	audit_encode(&fields, AUDIT_ticket_refused, &(struct audit_ticket_refused){ .role = slice_str("tls-worker"),
	    .ats = slice_str(ats), .host = slice_str(host), .reason = slice_str("unknown") });
	s.fields = wbuf_slice(&fields);
	return audit_rate_allow(&s, now);
}

/* limit: LIM_AUDIT_PARTY_BURST LIM_AUDIT_PARTY_MINUTE */
static void
a_flood_is_bounded_and_counted(void **state)
{
	struct audit_drop d;
	int allowed = 0;

	(void)state;
	for (int i = 0; i < 50000; i++)
		allowed += refused_ticket("vault", "bad", "mail.example", 1000000);
	assert_int_equal(allowed, LIM_AUDIT_PARTY_BURST);
	/* Another host of that tenant, and other tenants, have their own room. */
	assert_true(refused_ticket("vault", "bad", "other.example", 1000000));
	assert_true(refused_ticket("vault", "good", "mail.example", 1000000));
	assert_true(audit_rate_dropped(&d));
	assert_string_equal(d.who, "vault");
	assert_int_equal(d.event, AUDIT_ticket_refused);
	assert_int_equal(d.count, 50000 - LIM_AUDIT_PARTY_BURST);
	assert_false(audit_rate_dropped(&d));
	/* A minute later there is room for a few. */
	allowed = 0;
	for (int i = 0; i < 1000; i++)
		allowed += refused_ticket("vault", "bad", "mail.example", 1060000);
	assert_int_equal(allowed, LIM_AUDIT_PARTY_MINUTE);
	while (audit_rate_dropped(&d))
		;
}

/* Naming ever new parties does not help.
 * limit: LIM_AUDIT_CHILD_BURST LIM_AUDIT_CHILD_MINUTE */
static void
a_child_is_bounded_whoever_it_names(void **state)
{
	struct audit_drop d;
	char host[32];
	int allowed = 0;

	(void)state;
	for (int i = 0; i < 60000; i++) {
		snprintf(host, sizeof(host), "h%d.example", i);
		allowed += refused_ticket("store[bad]", "bad2", host, 2000000);
	}
	assert_int_equal(allowed, LIM_AUDIT_CHILD_BURST);
	allowed = 0;
	for (int i = 0; i < 1000; i++) {
		snprintf(host, sizeof(host), "later%d.example", i);
		allowed += refused_ticket("store[bad]", "bad2", host, 2060000);
	}
	assert_int_equal(allowed, LIM_AUDIT_CHILD_MINUTE);
	assert_true(refused_ticket("store[good]", "good2", "h1.example", 2000000));
	while (audit_rate_dropped(&d))
		;
}

/* limit: LIM_AUDIT_DROPPED */
static void
summaries_are_bounded(void **state)
{
	struct audit_drop d;
	char who[32];
	uint64_t total = 0;
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 300; i++) {
		snprintf(who, sizeof(who), "store[%d]", i);
		for (int k = 0; k < LIM_AUDIT_PARTY_BURST + 3; k++)
			(void)refused_ticket(who, "x", "h.example", 3000000);
	}
	for (; audit_rate_dropped(&d); n++)
		total += d.count;
	assert_int_equal(n, LIM_AUDIT_DROPPED);
	assert_true(total >= 300 * 3);	/* buckets may be shared, counts are never lost */
}

/* ---- what a child may say ---- */

static struct tenant agency = { .name = "agency" };

/* What the master makes of it: 0, or -1 and the child is ended. */
static int
says(struct proc *p, unsigned int event, struct slice fields)
{
	static const struct chan_peer peer;
	static const struct chan_ops ops;
	static struct chan *c;
	union msg m = { .audit = { .event = (uint16_t)event, .fields = fields } };
	int fds[2], fd = -1;

	if (c == NULL) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
		c = chan_new(fds[0], ROLE_MASTER, &peer, &ops, NULL);
	}
	chan_set_ctx(c, p);
	return audit_on_event(c, &m, &fd);
}

static void
nobody_says_what_another_may(void **state)
{
	static union audit_any any;
	struct wbuf w = { .max = LIM_AUDIT_FIELDS };

	(void)state;
	assert_int_equal(audit_file_open(dir), 0);
	for (unsigned int role = 1; role < ROLE__COUNT; role++) {
		struct proc p = { .role = role, .tenant = &agency, .pid = 7 };

		assert_int_equal(says(&p, AUDIT_none, SLICE_NONE), -1);
		assert_int_equal(says(&p, AUDIT__COUNT, SLICE_NONE), -1);
		for (unsigned int e = 1; e < AUDIT__COUNT; e++) {
			bool may = (audit_table[e].from & (1u << role)) != 0;

			wbuf_reset(&w);
			audit_encode(&w, e, &any);
			assert_int_equal(says(&p, e, wbuf_slice(&w)), may ? 0 : -1);
			w_u8(&w, 0);
			assert_int_equal(says(&p, e, wbuf_slice(&w)), -1);
			assert_int_equal(says(&p, e, slice_mem(w.p, w.n - 2)), -1);
		}
	}
	assert_null(verify(1, 1));
	assert_true(has(1, " store[agency] pid=7 link.made "));
	assert_false(has(1, " store[agency] pid=7 credential."));
	wbuf_free(&w);
}

/* The disk gets what the bounds allow, and then a count. */
static void
a_stolen_child_does_not_fill_the_disk(void **state)
{
	struct proc p = { .role = ROLE_STORE, .tenant = &agency, .pid = 8 };
	struct wbuf w = { .max = LIM_AUDIT_FIELDS };
	struct audit_content_demand e = { .outcome = slice_str("fetching") };
	struct audit_drop d;
	uint64_t before;

	(void)state;
	assert_int_equal(audit_file_open(dir), 0);
	before = audit_file_head()->seq;
	for (uint32_t i = 0; i < 100000; i++) {
		e.link = i;	/* ever new ones */
		wbuf_reset(&w);
		audit_encode(&w, AUDIT_content_demand, &e);
		assert_int_equal(says(&p, AUDIT_content_demand, wbuf_slice(&w)), 0);
	}
	assert_in_range(audit_file_head()->seq - before, LIM_AUDIT_CHILD_BURST / 2, LIM_AUDIT_CHILD_BURST + 200);
	assert_true(audit_file.size < 3 * 1024 * 1024);
	assert_true(audit_rate_dropped(&d));
	assert_string_equal(d.who, "store[agency]");
	wbuf_free(&w);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = { cmocka_unit_test(a_flood_is_bounded_and_counted),
		cmocka_unit_test(a_child_is_bounded_whoever_it_names), cmocka_unit_test(summaries_are_bounded),
		/* These two fill buckets: behind those that count. */
		T(nobody_says_what_another_may), T(a_stolen_child_does_not_fill_the_disk) };

	if (sodium_init() == -1)
		return 1;
	logger_open(true, LOG_LVL_ERROR);
	return cmocka_run_group_tests_name("audit rates", tests, NULL, NULL);
}
