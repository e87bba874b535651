/* Dates in the usual form are read without GMime: as GMime reads them. */
#include "helper.h"

#include <gmime/gmime.h>
#include <time.h>

#include "date.h"
#include "limits.h"

static void
as_gmime(const char *text)
{
	GDateTime *date = g_mime_utils_header_decode_date(text);
	gint64 at = date != NULL ? g_date_time_to_unix(date) : 0;
	gint64 minutes = date != NULL ? g_date_time_get_utc_offset(date) / G_TIME_SPAN_MINUTE : 0;
	uint64_t seconds;
	uint16_t zone;

	date_read(slice_str(text), &seconds, &zone);
	if (seconds != (uint64_t)(at > 0 ? at : 0) || zone != minutes + ZONE_UTC)
		fail_msg("%s: %llu in zone %d", text, (unsigned long long)seconds, zone);
	if (date != NULL)
		g_date_time_unref(date);
}

/* All days of the years around a century and a leap day, and some of all others. */
static void
test_days(void **state)
{
	static const char *const zones[] = { "+0000", "-0000", "+0100", "-0800", "+0545", "-1130", "+1159", "+1300" };
	char text[LIM_DATE + 1], day[64];
	time_t t = 0;
	struct tm tm;

	(void)state;
	warm_libraries();
	for (size_t i = 0; t < INT64_C(7000000000); i++) {
		gmtime_r(&t, &tm);
		strftime(day, sizeof(day), i % 3 == 0 ? "%d %b %Y %H:%M:%S" : "%a, %d %b %Y %H:%M:%S", &tm);
		snprintf(text, sizeof(text), "%s %s%s", day, zones[i % 8], i % 5 == 0 ? " (a comment)" : "");
		as_gmime(text);
		t += tm.tm_year % 100 <= 4 ? 80000 : 3000007;
	}
}

/* Close to the usual form, and none of it. */
static void
test_others(void **state)
{
	static const char *const dates[] = { "Thu, 1 Jan 2026 00:00:00 +0100", "Thu, 1 Jan 2026 00:00:00 +0100 ",
		"Thu, 01 Jan 2026 00:00:00 +01000", "Thu, 29 Feb 2026 00:00:00 +0000", "Thu, 29 Feb 2024 00:00:00 +0000",
		"Sat, 29 Feb 2100 10:00:00 +0000", "Tue, 29 Feb 2000 10:00:00 +0000", "Thu, 31 Apr 2026 00:00:00 +0000",
		"Thu, 0 Jan 2026 00:00:00 +0000", "Thu, 1 Jan 2026 24:00:00 +0000", "Thu, 1 Jan 2026 23:60:00 +0000",
		"Thu, 1 Jan 2026 23:59:60 +0000", "Thu, 1 Jan 2026 23:59:59 +0199", "Thu,1 Jan 2026 00:00:00 +0100",
		"Xyz, 1 Jan 2026 00:00:00 +0100", "thu, 1 jan 2026 00:00:00 +0100", "Thu, 1 Jan 2026 0:00:00 +0100",
		"Thu, 1 Jan 2026 00:00:00 GMT", "Thu, 1 Jan 2026 00:00:00", "Thu, 1 Jan 2026 00:00:00 -1200",
		"Thu, 1 Jan 2026 00:00:00 +1400", "1 Jan 1970 00:00:00 +0100", "1 Jan 1970 00:00:01 +0000",
		"31 Dec 1969 23:59:59 -0100", "Thu, 1 Jan 2026 00:00:00 + 100", "Thu, 1 Jan 2026 00:00:00 +0100(CET)",
		"Thu, 1 Jan 2026 -1:00:00 +0100", "Thu, 1 Jan 20266 00:00:00 +0100", "Thu", "1", "1 ", "Thu, ", "" };

	(void)state;
	for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++)
		as_gmime(dates[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_days), cmocka_unit_test(test_others) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
