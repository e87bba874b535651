/* Tickets: one use, one channel, one minute; and the rates. */
#include "vault_test.h"

#include "serve.h"

static const struct chan_peer tls = { .chan = 5, .role = ROLE_TLS, .ats = "agency", .host = "imap.example.org" };
static const struct chan_peer store = { .chan = 4, .role = ROLE_STORE, .ats = "agency" };

static struct msg_ticket
issue(uint64_t id, const char *ats)
{
	return (struct msg_ticket){ .ticket = id, .ats = slice_str(ats), .unit = 7, .link = 7, .generation = 1,
		.service = SERVICE_IMAP, .host = slice_str("imap.example.org"), .port = 993, .security = SECURITY_TLS,
		.store_chan = 4, .tls_chan = 5 };
}

static void
add(uint64_t id, uint64_t now)
{
	struct msg_ticket m = issue(id, "agency");

	assert_null(ticket_add(&m, now));
}

static void
only_for_its_channel(void **state)
{
	struct chan_peer other = tls;
	struct ticket *t;

	(void)state;
	add(1, 0);
	t = ticket_find(1);
	assert_null(ticket_check(t, &tls, TICKET_ISSUED, 10));
	other.chan = 6;
	assert_string_equal(ticket_check(t, &other, TICKET_ISSUED, 10), "of another process");
	other = tls;
	memcpy(other.ats, "agency2", 8);
	assert_string_equal(ticket_check(t, &other, TICKET_ISSUED, 10), "of another process");
	other = tls;
	memcpy(other.host, "evil.example.org", 17);
	assert_string_equal(ticket_check(t, &other, TICKET_ISSUED, 10), "of another process");
	assert_string_equal(ticket_check(ticket_find(2), &tls, TICKET_ISSUED, 10), "unknown");
	other = store;
	other.chan = 5;
	assert_string_equal(ticket_check(t, &other, TICKET_ISSUED, 10), "of another process");
	ticket_drop(t);
}

static void
used_once(void **state)
{
	struct ticket *t;

	(void)state;
	add(1, 0);
	t = ticket_find(1);
	assert_string_equal(ticket_check(t, &store, TICKET_FETCHING, 1), "out of turn");
	ticket_enter(t, TICKET_FETCHING, 1);
	assert_string_equal(ticket_check(t, &tls, TICKET_ISSUED, 2), "used before");
	assert_string_equal(ticket_check(t, &tls, TICKET_RUNNING, 2), "out of turn");
	assert_null(ticket_check(t, &store, TICKET_FETCHING, 2));
	ticket_enter(t, TICKET_RUNNING, 3);
	assert_string_equal(ticket_check(t, &tls, TICKET_ISSUED, 4), "used before");
	assert_null(ticket_check(t, &tls, TICKET_RUNNING, 4));
	ticket_drop(t);
	assert_null(ticket_find(1));
}

static void
expires(void **state)
{
	struct ticket *t;

	(void)state;
	add(1, 1000);
	t = ticket_find(1);
	assert_null(ticket_check(t, &tls, TICKET_ISSUED, 1000 + LIM_TICKET_SECONDS * 1000));
	assert_string_equal(ticket_check(t, &tls, TICKET_ISSUED, 1001 + LIM_TICKET_SECONDS * 1000), "expired");
	add(2, 1001 + LIM_TICKET_SECONDS * 1000);	/* sweeps */
	assert_null(ticket_find(1));
	ticket_drop(ticket_find(2));
}

static void
numbers_are_unique(void **state)
{
	struct msg_ticket m = issue(1, "agency");

	(void)state;
	add(1, 0);
	assert_string_equal(ticket_add(&m, 0), "number in use");
	ticket_drop(ticket_find(1));
}

static void
a_tenant_cannot_fill_the_table(void **state)
{
	struct msg_ticket m = issue(0, "greedy");

	(void)state;
	for (uint64_t i = 1; i <= LIM_TICKETS_ATS; i++) {
		m.ticket = i;
		assert_null(ticket_add(&m, 0));
	}
	m.ticket = LIM_TICKETS_ATS + 1;
	assert_string_equal(ticket_add(&m, 0), "too many at once");
	add(LIM_TICKETS_ATS + 1, 0);	/* another tenant */
	add(LIM_TICKETS_ATS + 2, 10 * LIM_TICKET_SECONDS * 1000);	/* all others are swept */
	assert_null(ticket_find(1));
	ticket_drop(ticket_find(LIM_TICKETS_ATS + 2));
}

static unsigned int told;

static void
tell(struct ticket *t)
{
	assert_int_equal(t->state, TICKET_FETCHING);
	told++;
}

static void
channels_take_their_tickets_along(void **state)
{
	(void)state;
	add(1, 0);
	add(2, 0);
	ticket_enter(ticket_find(2), TICKET_FETCHING, 0);
	ticket_chan_gone(4, tell);	/* the store: only the one that waits for it */
	assert_int_equal(told, 1);
	assert_null(ticket_find(2));
	assert_non_null(ticket_find(1));
	ticket_chan_gone(5, tell);
	assert_int_equal(told, 1);
	assert_null(ticket_find(1));
}

static unsigned int
burst(char kind, const char *ats, uint32_t link, uint64_t now)
{
	unsigned int n = 0;

	while (n < 1000 && rate_allow(kind, ats, link, 30, now))
		n++;
	return n;
}

static void
rates(void **state)
{
	(void)state;
	rate_init();
	assert_int_equal(burst('l', "agency", 1, 100000), 30);
	assert_int_equal(burst('l', "agency", 1, 100001), 0);
	assert_int_equal(burst('l', "agency", 1, 102001), 1);	/* two seconds: one more */
	assert_int_equal(burst('l', "agency", 1, 200000), 30);
	assert_int_equal(burst('a', "agency", 0, 200000), 30);
	assert_int_equal(burst('l', "agency2", 1, 200000), 30);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(only_for_its_channel), cmocka_unit_test(used_once),
		cmocka_unit_test(expires), cmocka_unit_test(numbers_are_unique),
		cmocka_unit_test(a_tenant_cannot_fill_the_table), cmocka_unit_test(channels_take_their_tickets_along),
		cmocka_unit_test(rates) };

	if (sodium_init() == -1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
