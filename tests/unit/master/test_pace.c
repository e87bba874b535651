/*
 * Logins at one host when all links come back at once.
 * limit: LIM_LOGINS_SECOND
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "limits.h"
#include "pace.h"

#define LINKS 1000

/* No second, wherever it begins, sees more than its number; all have their turn, in order. */
static void
an_outage_ends(void **state)
{
	static int64_t at[LINKS];

	(void)state;
	for (size_t i = 0; i < LINKS; i++)
		at[i] = pace_slot("imap.example.org", false, 5000);
	assert_int_equal(at[0], 5000);
	for (size_t i = 1; i < LINKS; i++)
		assert_true(at[i] > at[i - 1]);
	for (size_t i = LIM_LOGINS_SECOND; i < LINKS; i++)
		assert_true(at[i] - at[i - LIM_LOGINS_SECOND] >= 1000);
	assert_true(at[LINKS - 1] <= 5000 + (LINKS / LIM_LOGINS_SECOND) * 1000);
	/* Whom a person waits for does not queue behind them, nor does another host. */
	assert_int_equal(pace_slot("imap.example.org", true, 5000), 5000);
	assert_true(pace_slot("imap.example.org", true, 5000) > 5000);
	assert_int_equal(pace_slot("imap.example.net", false, 5000), 5000);
	/* Later nothing is left of it. */
	assert_int_equal(pace_slot("imap.example.org", false, 100000), 100000);
	assert_true(pace_slot("imap.example.org", false, 100000) > 100000);
}

/* Hosts that are past are forgotten: no list that only grows. */
static void
many_hosts(void **state)
{
	char host[64];

	(void)state;
	for (int i = 0; i < 100000; i++) {
		(void)snprintf(host, sizeof(host), "h%d.example", i);
		assert_int_equal(pace_slot(host, false, 200000 + i * 1000), 200000 + i * 1000);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(an_outage_ends), cmocka_unit_test(many_hosts) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
