/*
 * date.c - nearly all dates are in the one form that RFC 5322 lets be written:
 * it is read here. All others, and those that are no days, are GMime's.
 */
#include "date.h"

#include <gmime/gmime.h>
#include <string.h>

#include "limits.h"

#define DAY 86400

static bool
take_text(struct slice *s, const char *text)
{
	size_t n = strlen(text);

	if (s->n < n || memcmp(s->p, text, n) != 0)
		return false;
	*s = slice_mem(s->p + n, s->n - n);
	return true;
}

/* So many digits; -1: it is something else. */
static int
take_digits(struct slice *s, size_t n)
{
	int v = 0;

	if (s->n < n)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (s->p[i] < '0' || s->p[i] > '9')
			return -1;
		v = v * 10 + s->p[i] - '0';
	}
	*s = slice_mem(s->p + n, s->n - n);
	return v;
}

/* One of names of three letters, from 1 on; 0: none. */
static int
take_name(struct slice *s, const char *names)
{
	for (int i = 1; s->n >= 3 && *names != '\0'; names += 3, i++)
		if (memcmp(s->p, names, 3) == 0) {
			*s = slice_mem(s->p + 3, s->n - 3);
			return i;
		}
	return 0;
}

static int
days_in(int month, int year)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
}

/* Days since 1970; years since then end with their leap days before March. */
static int64_t
day_number(int year, int month, int day)
{
	int64_t y = year - 1, n = y * 365 + y / 4 - y / 100 + y / 400 - 719162;

	for (int m = 1; m < month; m++)
		n += days_in(m, year);
	return n + day - 1;
}

/* "Mon, 5 Jan 2026": days since 1970, or -1. */
static int64_t
take_day(struct slice *s)
{
	int day, month, year;

	if (take_name(s, "MonTueWedThuFriSatSun") != 0 && !take_text(s, ", "))
		return -1;
	day = s->n > 1 && s->p[1] == ' ' ? take_digits(s, 1) : take_digits(s, 2);
	if (!take_text(s, " ") || (month = take_name(s, "JanFebMarAprMayJunJulAugSepOctNovDec")) == 0 ||
	    !take_text(s, " ") || (year = take_digits(s, 4)) < 1970 || day < 1 || day > days_in(month, year))
		return -1;
	return day_number(year, month, day);
}

/* " 10:00:00": seconds, or -1. */
static int
take_time(struct slice *s)
{
	int h, m, sec;

	if (!take_text(s, " ") || (h = take_digits(s, 2)) < 0 || h > 23 || !take_text(s, ":") ||
	    (m = take_digits(s, 2)) < 0 || m > 59 || !take_text(s, ":") || (sec = take_digits(s, 2)) < 0 || sec > 59)
		return -1;
	return (h * 60 + m) * 60 + sec;
}

/* " +0100", perhaps with a comment behind: minutes east of UTC. */
static bool
take_zone(struct slice *s, int *minutes)
{
	bool west = take_text(s, " -");
	int h, m;

	if ((!west && !take_text(s, " +")) || (h = take_digits(s, 2)) < 0 || h > 11 || (m = take_digits(s, 2)) < 0 ||
	    m > 59)
		return false;
	*minutes = west ? -(h * 60 + m) : h * 60 + m;
	return s->n == 0 || take_text(s, " (");
}

static bool
read_usual(struct slice s, uint64_t *seconds, uint16_t *zone)
{
	int64_t day = take_day(&s), at;
	int time = day < 0 ? -1 : take_time(&s), minutes;

	if (time < 0 || !take_zone(&s, &minutes))
		return false;
	at = day * DAY + time - minutes * 60;
	*seconds = at > 0 ? (uint64_t)at : 0;
	*zone = (uint16_t)(minutes + ZONE_UTC);
	return true;
}

static void
read_any(struct slice s, uint64_t *seconds, uint16_t *zone)
{
	GDateTime *date = NULL;
	char text[LIM_DATE + 1];
	gint64 at, minutes;

	*seconds = 0;
	*zone = ZONE_UTC;
	if (slice_copy(s, text, sizeof(text)) == 0)
		date = g_mime_utils_header_decode_date(text);
	if (date == NULL)
		return;
	at = g_date_time_to_unix(date);
	minutes = g_date_time_get_utc_offset(date) / G_TIME_SPAN_MINUTE;
	if (at > 0)
		*seconds = (uint64_t)at;
	if (minutes >= -720 && minutes <= 840)
		*zone = (uint16_t)(minutes + ZONE_UTC);
	g_date_time_unref(date);
}

void
date_read(struct slice value, uint64_t *seconds, uint16_t *zone)
{
	if (value.n > LIM_DATE || !read_usual(value, seconds, zone))
		read_any(value, seconds, zone);
}
