#include "logger.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#define LIBBSD_OPENBSD_VIS 1
#include <vis.h>

#include "clock.h"
#include "limits.h"

static bool use_stderr = true;
static uint8_t threshold = LOG_LVL_INFO;

static const char *const level_words[] = { "error", "warn", "info", "debug" };
static const int level_syslog[] = { LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

void
logger_open(bool to_stderr, uint8_t level)
{
	use_stderr = to_stderr;
	threshold = level;
	if (!to_stderr)
		openlog("postern", LOG_NDELAY, LOG_MAIL);
}

static void
write_line(enum log_level level, const char *prefix, const char *text)
{
	struct timespec now;
	struct tm tm;
	char stamp[32], who[4 * LIM_LOG_TEXT + 1], safe[4 * LIM_LOG_TEXT + 1];

	if (level > threshold || level > LOG_LVL_DEBUG || strlen(prefix) > LIM_LOG_TEXT || strlen(text) > LIM_LOG_TEXT)
		return;
	/* Names and reasons in it may come from a child: four bytes a byte at most. */
	(void)strvis(who, prefix, VIS_CSTYLE | VIS_NL | VIS_TAB);
	(void)strvis(safe, text, VIS_CSTYLE | VIS_NL | VIS_TAB);
	if (!use_stderr) {
		syslog(level_syslog[level], "%s: %s", who, safe);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	fprintf(stderr, "%s.%03ldZ %s %s: %s\n", stamp, now.tv_nsec / 1000000, level_words[level], who, safe);
}

void
logger_line(enum log_level level, const char *fmt, ...)
{
	char text[LIM_LOG_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	write_line(level, "posternd", text);
}

void
logger_fatal(const char *fmt, ...)
{
	char text[LIM_LOG_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	write_line(LOG_LVL_ERROR, "posternd", text);
	exit(1);
}

/* True when this line may pass; says once a second how many did not. */
static bool
rate_allows(struct logger_rate *rate, const char *prefix)
{
	uint64_t second = clock_ms() / 1000;
	char text[80];

	if (rate->second != second) {
		if (rate->dropped > 0) {
			snprintf(text, sizeof(text), "log lines dropped count=%u", rate->dropped);
			write_line(LOG_LVL_WARN, prefix, text);
		}
		*rate = (struct logger_rate){ .second = second };
	}
	if (rate->lines < LIM_LOG_PER_SECOND) {
		rate->lines++;
		return true;
	}
	rate->dropped++;
	return false;
}

void
logger_child(struct logger_rate *rate, enum log_level level, const char *prefix, struct slice text)
{
	char plain[LIM_LOG_TEXT + 1];

	if (level > threshold || !rate_allows(rate, prefix) || slice_copy(text, plain, sizeof(plain)) == -1)
		return;
	write_line(level, prefix, plain);
}
