/*
 * ctl.h - posternctl: options, the way out, and what its parts share.
 *
 * Exit status: 0 done, 1 refused or failed, 2 wrong usage, 69 (EX_UNAVAILABLE)
 * posternd cannot be reached.
 */
#ifndef CONTROL_CTL_H
#define CONTROL_CTL_H

#include <jansson.h>

#include "messages.h"
#include "protocol.h"
#include "words.h"

#define CTL_REFUSED 1
#define CTL_USAGE 2
#define CTL_UNREACHABLE 69

struct ctl_options {
	bool json;
	const char *socket;
};
extern struct ctl_options ctl_options;

/* ctl_main.c: all of the program; the exit status. */
int ctl_main(int argc, char **argv);
/* "posternctl: " and the text on stderr; never returns. */
void ctl_fail(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3), noreturn));

/* ---- ctl_conn.c: the connection; every function exits when it is lost ---- */
void conn_open(void);	/* connect and greet; once is enough */
bool conn_reachable(void);	/* somebody listens; does not exit */
void conn_ask(enum ctl_type, const void *fields);
/* The next answer: true, or false when it is done. Slices live until the next
 * call. */
bool conn_next(struct ctl *);
/* For requests whose refusal ends the program: exits 1 unless done says it worked. */
void conn_check(const struct ctl *done);

/* ---- ctl_out.c: tables for people, JSON for programs ---- */
#define TABLE_COLUMNS 12

struct table {
	size_t columns, rows;
	char **cells;	/* the first row is the heading */
};
/* heading: words with one space between. */
void table_begin(struct table *, const char *heading);
/* One cell of text from anywhere: unprintable bytes are shown as \xNN. Empty
 * shows as "-". Columns follow one another. */
void table_text(struct table *, struct slice);
void table_add(struct table *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void table_print(struct table *);	/* and release */

/* As table_text, for one line; static buffer. */
const char *safe_text(struct slice);
/* "2026-11-21T14:03:00Z", or "-" for 0; static buffer. */
const char *time_text(uint64_t);
/* The word of a number of enums.h, "?" when it has none. */
const char *word_text(word_table, unsigned int number);
/* A JSON string of any bytes, or null when empty. */
json_t *text_json(struct slice);
json_t *time_json(uint64_t);
void json_show(json_t *);	/* print and release */

/* ---- ctl_links.c: a link as a person sees it ---- */
#define LINK_HEADING "ats id address state progress percent rate left fresh error last-sync"

const char *span_text(uint64_t seconds, bool known);	/* "7 min", "" when not known; static buffer */
bool link_counts(const struct rec_link *);	/* done, total and rate mean something */
unsigned int link_percent(const struct rec_link *);
/* One plain sentence and a code for what stands still, else NULL; static buffers. */
const char *link_why(const struct rec_link *, const char **code);
json_t *endpoint_json(struct slice host, uint16_t port, uint8_t security, struct slice user);
json_t *link_progress_json(const struct rec_link *);
json_t *link_json(struct slice ats, uint32_t no, const struct rec_link *);
/* The cells of LINK_HEADING; why it stands still is kept for below the table. */
void link_cells(struct table *, struct slice ats, uint32_t no, const struct rec_link *);
void links_print_still(void);

/* ---- commands: argv after the command's words; return the exit status ---- */
int cmd_show_processes(int argc, char **argv);
int cmd_show_links(int argc, char **argv);
int cmd_show_queue(int argc, char **argv);
int cmd_show_providers(int argc, char **argv);
int cmd_monitor(int argc, char **argv);
int cmd_link_add(int argc, char **argv);
int cmd_link_test(int argc, char **argv);
int cmd_link_pause(int argc, char **argv);
int cmd_link_resume(int argc, char **argv);
int cmd_link_remove(int argc, char **argv);
int cmd_vault_init(int argc, char **argv);
int cmd_vault_status(int argc, char **argv);
int cmd_vault_unlock(int argc, char **argv);
int cmd_vault_lock(int argc, char **argv);
int cmd_vault_passwd(int argc, char **argv);
int cmd_vault_rotate(int argc, char **argv);
int cmd_reload(int argc, char **argv);
int cmd_log_level(int argc, char **argv);
int cmd_audit_verify(int argc, char **argv);
int cmd_audit_show(int argc, char **argv);
/* Wrong arguments of the running command: prints its usage, exits 2. */
void ctl_usage(void) __attribute__((noreturn));

#endif
