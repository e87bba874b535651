/*
 * audit_log.h - the audit log: what children and the master itself say of security
 * events, one chained line each. The lines are audit_chain.h's, the events
 * audit.def's.
 */
#ifndef MASTER_AUDIT_LOG_H
#define MASTER_AUDIT_LOG_H

#include "audit.h"
#include "audit_chain.h"
#include "config.h"
#include "proc.h"

/* ---- audit_log.c: what is said ---- */
/* Open, say that posternd starts, begin the timers. Exits when there is no log. */
void audit_start(const struct conf *);
/* The last line, and the chain's head into the ordinary log. */
void audit_stop(const char *reason);
/* What the configuration that is read now takes away from security. */
void audit_config(const struct conf *, const char *cause);
/* A child's event. */
int audit_on_event(struct chan *, const union msg *, int *);
/* An event of the master: about itself, or for p, whose word it takes. */
void audit_say(enum audit_event, const void *fields);
void audit_say_for(const struct proc *p, enum audit_event, const void *fields);
/* audit = "required" and it cannot be written: no logins. */
bool audit_forbids_logins(void);
/* "SEQUENCE HASH DIRECTORY" for posternctl. */
void audit_head_text(char *out, size_t size);

/* ---- audit_line.c ---- */
struct audit_said {
	const char *who;	/* label of the process */
	uint32_t pid;
	enum audit_event event;
	struct slice fields;	/* decoded well before */
};
/* All of a line between its time and its hash into w. */
void audit_line_format(const struct audit_said *, struct wbuf *w);

/* ---- audit_rate.c ---- */
/* May this be written? If not it is counted for the next summary. */
bool audit_rate_allow(const struct audit_said *, int64_t now_ms);
/* Hand out and forget one summary; false: none is left. */
struct audit_drop {
	char who[LIM_AUDIT_WHO + 1];
	enum audit_event event;
	uint64_t count;
};
bool audit_rate_dropped(struct audit_drop *);

/* ---- audit_file.c: the files ---- */
/* Take up the chain in dir. 0, or -1 after logging why not. */
int audit_file_open(const char *dir);
/* Append one line of this text. What cannot be written is counted. */
void audit_file_put(struct slice text);
void audit_file_sync(void);
void audit_file_look(void);		/* is it still ours, and as long as it was? */
void audit_file_close(void);
bool audit_file_works(void);		/* nothing waits for space */
bool audit_file_dirty(void);
const struct audit_head *audit_file_head(void);
void audit_file_limit(uint64_t bytes);	/* tests: another LIM_AUDIT_FILE */

#endif
