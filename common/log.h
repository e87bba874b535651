/*
 * log.h - log lines of a child. They go through the master channel; the master
 * adds time, process name, ATS and unit, encodes odd bytes with strvis and
 * limits the rate. Before the channel exists, and in tests, to stderr.
 *
 * A line is an event in plain words and then key=value pairs from this list:
 * link unit ats host port service code step ms role pid reason count size uid
 * ticket mailbox req submission. Never message text, never a credential, no
 * address above level debug. Values from outsiders are the last pair.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include "enums.h"

struct chan;

void log_init(struct chan *master, enum log_level);	/* NULL: stderr */
void log_set_level(enum log_level);
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Log the error, flush the master channel and exit with EXIT_FATAL. */
void fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

#define EXIT_FATAL 70		/* named in posternctl: "failed: see its last log line" */
#define EXIT_SANDBOX 71		/* a sandbox step failed */
#define EXIT_CONFIG 72		/* wrong fds, wrong table hash: restart posternd */

#endif
