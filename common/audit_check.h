/*
 * audit_check.h - proves files of the audit log: whole, or which line is the
 * first that is not what was written. Bounded memory whatever the file is.
 *
 *	audit_check_init(&c, false);
 *	for each file, in order:
 *		audit_check_begin(&c, number in its name or 0);
 *		audit_check_feed(&c, bytes)...
 *		audit_check_end(&c);
 */
#ifndef COMMON_AUDIT_CHECK_H
#define COMMON_AUDIT_CHECK_H

#include "audit_chain.h"

struct audit_check {
	/* ---- results ---- */
	struct audit_head head;		/* the last good line; seq 0: none */
	uint64_t first;			/* the first good line */
	uint64_t line;			/* lines of this file so far */
	const char *wrong;		/* NULL: whole so far. Static text */
	uint64_t wrong_line;		/* of the present file */
	uint64_t lines, torn;		/* good lines; places where a crash tore one */
	uint64_t torn_end;		/* bytes of an unfinished line at the end of the last file */
	bool unterminated;		/* the last line is good and lacks its newline */

	/* A head that must be met on the way; seq 0: none. */
	struct audit_head expect;

	/* Called for each good line; may be NULL. */
	void (*on_line)(void *ctx, const struct audit_line *);
	void *ctx;

	/* ---- private ---- */
	bool join;			/* begin at the first whole line, in the middle */
	bool begins;			/* a file's first line is due */
	uint64_t number;		/* of the present file, 0: not known */
	size_t at, n;			/* what is not done with: buf[at, n) */
	size_t done;			/* from at: lines that are none, newlines included */
	uint64_t done_line;		/* where these begin */
	uint8_t buf[65536];	/* more than LIM_AUDIT_TORN + LIM_AUDIT_LINE */
};

/* join: the bytes begin somewhere in a file; what its first whole line says
 * of itself is believed. */
void audit_check_init(struct audit_check *, bool join);
void audit_check_begin(struct audit_check *, uint64_t number);
/* 0, or -1 when something is wrong; from then on nothing is looked at. */
int audit_check_feed(struct audit_check *, struct slice);
int audit_check_end(struct audit_check *);

#endif
