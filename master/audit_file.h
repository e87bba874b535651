/*
 * audit_file.h - private to audit_file.c and audit_open.c: the file that is
 * written now.
 */
#ifndef MASTER_AUDIT_FILE_H
#define MASTER_AUDIT_FILE_H

#include "audit_log.h"

struct audit_file {
	char dir[LIM_PATH + 1];
	int dirfd, fd;		/* -1: none */
	uint64_t number;	/* of the file */
	uint64_t size;		/* up to the end of the last good line */
	uint64_t limit;		/* then the next file begins */
	struct audit_head head;
	bool dirty;		/* written and not synced */
	bool torn;		/* there may be bytes behind size */
	bool crashed;		/* they were there at the start: kept and named */
	uint64_t lost;		/* events that found no room */
	int64_t lost_ms;	/* since when */
	int why;		/* errno of the last failure */
};
extern struct audit_file audit_file;

/* Go on in a new file. 0, or -1: the present one stays. */
int audit_file_begin(const char *reason);
/* A line of the master's own, which begins at from. 0 or -1. */
int audit_file_own(enum audit_event, const void *fields, uint64_t from);

#endif
