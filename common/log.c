#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "channel.h"

static struct chan *log_chan;
static enum log_level log_threshold = LOG_LVL_INFO;

void
log_init(struct chan *master, enum log_level level)
{
	log_chan = master;
	log_threshold = level;
}

void
log_set_level(enum log_level level)
{
	log_threshold = level;
}

static void
vlog(enum log_level level, const char *fmt, va_list ap)
{
	char text[LIM_LOG_TEXT];
	int saved = errno;
	int n;

	if (level > log_threshold)
		return;
	n = vsnprintf(text, sizeof(text), fmt, ap);
	if (n < 0)
		return;
	if ((size_t)n >= sizeof(text))
		n = (int)sizeof(text) - 1;
	if (log_chan == NULL || chan_dead(log_chan))
		fprintf(stderr, "%.*s\n", n, text);
	else
		(void)send_log(log_chan, &(struct msg_log){ .level = (uint8_t)level, .text = slice_mem(text, (size_t)n) });
	errno = saved;
}

#define LOG_FUNCTION(name, level)                                                                                      \
	void name(const char *fmt, ...)                                                                                \
	{                                                                                                              \
		va_list ap;                                                                                            \
		va_start(ap, fmt);                                                                                     \
		vlog(level, fmt, ap);                                                                                  \
		va_end(ap);                                                                                            \
	}
LOG_FUNCTION(log_error, LOG_LVL_ERROR)
LOG_FUNCTION(log_warn, LOG_LVL_WARN)
LOG_FUNCTION(log_info, LOG_LVL_INFO)
LOG_FUNCTION(log_debug, LOG_LVL_DEBUG)

void
fatal(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_LVL_ERROR, fmt, ap);
	va_end(ap);
	if (log_chan != NULL && !chan_dead(log_chan))
		(void)chan_flush_blocking(log_chan);
	exit(EXIT_FATAL);
}
