/*
 * imap_date.c - IMAP dates to seconds and back. Day numbers follow the
 * proleptic Gregorian calendar, counted in 400-year cycles of 146,097 days.
 */
#include "imap_date.h"

#include <stdio.h>
#include <strings.h>

#define DAY 86400

static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov",
	"Dec" };

/* Days since 1970-01-01; the year starts in March so that the leap day is last. */
static int64_t
days_from_civil(int64_t year, unsigned int month, unsigned int day)
{
	int64_t era, year_of_era, day_of_year;

	year -= month <= 2;
	era = (year >= 0 ? year : year - 399) / 400;
	year_of_era = year - era * 400;
	day_of_year = (153 * (int64_t)(month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static void
civil_from_days(int64_t days, int *year, unsigned int *month, unsigned int *day)
{
	int64_t z = days + 719468, era = z / 146097, doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;

	*day = (unsigned int)(doy - (153 * mp + 2) / 5 + 1);
	*month = (unsigned int)(mp < 10 ? mp + 3 : mp - 9);
	*year = (int)(yoe + era * 400 + (*month <= 2));
}

/* Exactly n digits, and below limit. */
static int
take_number(struct slice *s, size_t n, unsigned int limit, unsigned int *out)
{
	unsigned int v = 0;
	size_t i;

	if (s->n < n)
		return -1;
	for (i = 0; i < n; i++) {
		if (s->p[i] < '0' || s->p[i] > '9')
			return -1;
		v = v * 10 + (s->p[i] - '0');
	}
	s->p += n;
	s->n -= n;
	*out = v;
	return v < limit ? 0 : -1;
}

static int
take_char(struct slice *s, char c)
{
	if (s->n == 0 || s->p[0] != (uint8_t)c)
		return -1;
	s->p++;
	s->n--;
	return 0;
}

static int
take_month(struct slice *s, unsigned int *month)
{
	unsigned int i;

	if (s->n < 3)
		return -1;
	for (i = 0; i < 12; i++) {
		if (strncasecmp((const char *)s->p, months[i], 3) == 0) {
			s->p += 3;
			s->n -= 3;
			*month = i + 1;
			return 0;
		}
	}
	return -1;
}

/* "-0700" to seconds east of UTC. */
static int
take_zone(struct slice *s, int64_t *offset)
{
	unsigned int hours, minutes;
	int sign;

	if (s->n == 0 || (s->p[0] != '+' && s->p[0] != '-'))
		return -1;
	sign = s->p[0] == '-' ? -1 : 1;
	s->p++;
	s->n--;
	if (take_number(s, 2, 24, &hours) == -1 || take_number(s, 2, 60, &minutes) == -1)
		return -1;
	*offset = sign * (int64_t)(hours * 3600 + minutes * 60);
	return 0;
}

/* The day has two digits, or a space and one, or (servers do that) just one. */
static int
take_day(struct slice *s, unsigned int *day)
{
	while (s->n > 0 && s->p[0] == ' ') {
		s->p++;
		s->n--;
	}
	if (s->n > 1 && s->p[1] == '-')
		return take_number(s, 1, 10, day);
	return take_number(s, 2, 32, day);
}

int
imap_date_parse(struct slice s, uint64_t *seconds)
{
	unsigned int day, month, year, hour, minute, second;
	int64_t zone, t;

	if (take_day(&s, &day) == -1 || day == 0 || take_char(&s, '-') == -1 || take_month(&s, &month) == -1 ||
	    take_char(&s, '-') == -1 || take_number(&s, 4, 10000, &year) == -1 || take_char(&s, ' ') == -1)
		return -1;
	if (take_number(&s, 2, 24, &hour) == -1 || take_char(&s, ':') == -1 || take_number(&s, 2, 60, &minute) == -1 ||
	    take_char(&s, ':') == -1 || take_number(&s, 2, 61, &second) == -1)
		return -1;
	if (take_char(&s, ' ') == -1 || take_zone(&s, &zone) == -1 || s.n != 0)
		return -1;
	t = days_from_civil(year, month, day) * DAY + hour * 3600 + minute * 60 + second - zone;
	*seconds = t > 0 ? (uint64_t)t : 0;
	return 0;
}

/* Seconds past the year 9999 are nobody's date: cap them so that %04d holds. */
static uint64_t
bounded(uint64_t seconds)
{
	return seconds > 253402300799 ? 253402300799 : seconds;
}

void
imap_date_format(uint64_t seconds, char out[IMAP_DATE_LEN])
{
	unsigned int month, day, rest;
	int year;

	seconds = bounded(seconds);
	civil_from_days((int64_t)(seconds / DAY), &year, &month, &day);
	rest = (unsigned int)(seconds % DAY);
	snprintf(out, IMAP_DATE_LEN, "%2u-%s-%04d %02u:%02u:%02u +0000", day % 100, months[(month - 1) % 12], year % 10000,
	    rest / 3600 % 24, rest / 60 % 60, rest % 60);
}

void
imap_date_day(uint64_t seconds, char out[IMAP_DATE_LEN])
{
	unsigned int month, day;
	int year;

	civil_from_days((int64_t)(bounded(seconds) / DAY), &year, &month, &day);
	snprintf(out, IMAP_DATE_LEN, "%u-%s-%04d", day % 100, months[(month - 1) % 12], year % 10000);
}
