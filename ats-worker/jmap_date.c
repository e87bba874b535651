#include "jmap_date.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define DAY 86400
#define LATEST 253402300799	/* the end of year 9999 */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "n" exactly digits, then the character after (0: none wanted). */
static int
number(const char **s, int n, char after, int *out)
{
	*out = 0;
	for (int i = 0; i < n; i++, (*s)++) {
		if (!is_digit(**s))
			return -1;
		*out = *out * 10 + (**s - '0');
	}
	if (after == '\0')
		return 0;
	return *(*s)++ == after ? 0 : -1;
}

/* Days since 1970 of a Gregorian date: counted from 1 March, so that the
 * leap day is the last of its year. */
static int64_t
days_from_civil(int y, int m, int d)
{
	int64_t year = m <= 2 ? y - 1 : y;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t yoe = year - era * 400;
	int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static int
days_in_month(int y, int m)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;

	return m == 2 && leap ? 29 : days[m - 1];
}

/* "Z" or "+hh:mm" to the end of the string. */
static int
parse_zone(const char *s, bool utc, int *seconds)
{
	int h, m, sign = *s == '-' ? -1 : 1;

	*seconds = 0;
	if (*s == 'Z')
		return s[1] == '\0' ? 0 : -1;
	if (utc || (*s != '+' && *s != '-'))
		return -1;
	s++;
	if (number(&s, 2, ':', &h) == -1 || number(&s, 2, '\0', &m) == -1 || *s != '\0' || h > 23 || m > 59)
		return -1;
	*seconds = sign * (h * 3600 + m * 60);
	return 0;
}

int
jmap_date_parse(const char *s, bool utc, uint64_t *out)
{
	int y, mo, d, h, mi, sec, zone;
	int64_t t;

	if (number(&s, 4, '-', &y) == -1 || number(&s, 2, '-', &mo) == -1 || number(&s, 2, 'T', &d) == -1 ||
	    number(&s, 2, ':', &h) == -1 || number(&s, 2, ':', &mi) == -1 || number(&s, 2, '\0', &sec) == -1)
		return -1;
	if (mo < 1 || mo > 12 || d < 1 || d > days_in_month(y, mo) || h > 23 || mi > 59 || sec > 60)
		return -1;
	if (*s == '.') {
		if (!is_digit(*++s))
			return -1;
		while (is_digit(*s))
			s++;
	}
	if (parse_zone(s, utc, &zone) == -1)
		return -1;
	t = days_from_civil(y, mo, d) * DAY + h * 3600 + mi * 60 + sec - zone;
	*out = t > 0 ? (uint64_t)t : 0;
	return 0;
}

static void
print(char out[JMAP_DATE_MAX], int64_t seconds, const char *zone)
{
	time_t t = (time_t)(seconds < 0 ? 0 : seconds > LATEST ? LATEST : seconds);
	struct tm tm;

	(void)gmtime_r(&t, &tm);
	(void)snprintf(out, JMAP_DATE_MAX, "%04d-%02d-%02dT%02d:%02d:%02d%.6s", (tm.tm_year + 1900) % 10000,
	    (tm.tm_mon + 1) % 100, tm.tm_mday % 100, tm.tm_hour % 100, tm.tm_min % 100, tm.tm_sec % 100, zone);
}

void
jmap_date_print(char out[JMAP_DATE_MAX], uint64_t seconds)
{
	print(out, seconds > LATEST ? LATEST : (int64_t)seconds, "Z");
}

void
jmap_date_print_zone(char out[JMAP_DATE_MAX], uint64_t seconds, int minutes)
{
	int abs = minutes < 0 ? -minutes : minutes;
	char zone[16];

	if (abs > 24 * 60 - 1 || minutes == 0) {
		jmap_date_print(out, seconds);
		return;
	}
	(void)snprintf(zone, sizeof(zone), "%c%02d:%02d", minutes < 0 ? '-' : '+', abs / 60, abs % 60);
	print(out, (seconds > LATEST ? LATEST : (int64_t)seconds) + minutes * 60, zone);
}
