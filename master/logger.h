/*
 * logger.h - where log lines end: syslog, or stderr with -d. The master adds
 * time and the process the line came from; a child cannot forge that part.
 */
#ifndef MASTER_LOGGER_H
#define MASTER_LOGGER_H

#include <stdbool.h>
#include <stdint.h>

#include "enums.h"
#include "wire.h"

/* Counts the lines of one child; zeroed = fresh. */
struct logger_rate {
	uint64_t second;
	unsigned int lines, dropped;
};

void logger_open(bool to_stderr, uint8_t level);
/* A line of the master itself. */
void logger_line(enum log_level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void logger_fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
/* A line of a child: odd bytes are encoded with strvis(3), the rate is limited. */
void logger_child(struct logger_rate *, enum log_level, const char *prefix, struct slice text);

#endif
