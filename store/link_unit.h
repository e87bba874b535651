/*
 * link_unit.h - private to link*.c and probe*.c.
 */
#ifndef STORE_LINK_UNIT_H
#define STORE_LINK_UNIT_H

#include "link.h"

/* What the process knows about a running link, and the database does not. */
struct link_run {
	uint32_t no;
	bool running;		/* the master has the unit */
	bool touched;		/* started or stopped in this turn */
	bool redo;		/* that turn was undone: to be started from scratch */
	uint64_t progress_at;	/* when progress was last written, store_ticks() */
	/* link_now.c */
	enum sync_phase phase;
	uint32_t moved[LIM_RATE_SECONDS];	/* messages of this phase by second */
	uint64_t moved_at;	/* the newest of them, store_ticks() */
	uint64_t phase_at;	/* the rate counts from here */
	uint32_t bodies_done;	/* since the worker came */
	uint32_t bodies_total;	/* with those that were wanted when the phase began */
	uint64_t whole_at;	/* when the server confirmed that nothing is missing; 0: not yet */
};

void link_unit_init(void);	/* hooks */
/* NULL only without memory (the turn then fails). */
struct link_run *link_run_of(uint32_t no);
void link_run_forget(uint32_t no);
/* NULL when nothing is known. */
struct link_run *link_run_known(uint32_t no);

/* A unit's endpoints, for the master. */
struct msg_unit_run link_unit_of(uint32_t unit, uint32_t no, const struct rec_link *);
/* Stop what runs for a link; the mail half is told. */
void link_unit_stop(uint32_t no);

bool link_has_imap(const struct rec_link *);	/* by its mode */
bool link_has_smtp(const struct rec_link *);
/* True when this code means that trying again makes it worse or is useless. */
bool link_code_stops(struct slice code);

/* Write a link's row and its change. */
void link_write(uint32_t no, const struct rec_link *, bool created);

/* Another phase: its rate is counted from now on. */
void link_phase(struct link_run *, enum sync_phase);

/* ---- credentials ---- */
/* The vault's record for a service; SMTP falls back to IMAP's. malloc-free:
 * borrowed as table.h says. Empty: none. */
struct slice link_credential(uint32_t no, enum service);
void link_credential_put(uint32_t no, enum service, struct slice record);	/* empty: delete */
/* Put record in the place of the row that link_credential finds and that is
 * was, byte for byte. False: it is not, or the generation has passed. */
bool link_credential_replace(uint32_t no, enum service, uint32_t generation, struct slice was, struct slice record);
int link_on_record_put(struct chan *, const union msg *, int *fd);	/* of a link or a probe */
int link_on_record_list(struct chan *, const union msg *, int *fd);	/* link_records.c */

/* ---- link_check.c ---- */
/* NULL, or the property that is wrong. */
const char *link_check(const struct rec_link *, const char **description);
/* What a seal binds to: see link_set.c. smtp_apart: there is a seal for SMTP. */
void link_seal_endpoints(const struct rec_link *, bool smtp_apart, struct wbuf *imap, struct wbuf *smtp);

/* ---- link_erase.c ---- */
void link_destroy(uint32_t no, bool keep_notes);
void link_erase_start(void);	/* resume after a start */
bool link_erase_slice(void);	/* false: nothing is left */

#endif
