/*
 * push.c - events, coalesced: per turn one message for each (account, type).
 */
#include "push.h"

#include <stdlib.h>
#include <string.h>

struct event_row {
	uint32_t account;
	uint8_t type;
	uint64_t state;
};

static struct chan *listeners[LIM_ATS_WORKERS];
static struct event_row *rows;
static size_t nrows, cap;

static struct event_row *
row_for(uint32_t account, enum obj_type type)
{
	struct event_row *p;

	for (size_t i = nrows; i-- > 0;)
		if (rows[i].account == account && rows[i].type == type)
			return &rows[i];
	if (nrows == cap) {
		size_t more = cap != 0 ? 2 * cap : 64;

		if ((p = realloc(rows, more * sizeof(*p))) == NULL)
			return NULL;
		rows = p;
		cap = more;
	}
	rows[nrows] = (struct event_row){ .account = account, .type = (uint8_t)type };
	return &rows[nrows++];
}

void
push_note(uint32_t account, enum obj_type type, uint64_t state)
{
	struct event_row *r = row_for(account, type);

	if (r == NULL)
		db_fail("out of memory");
	else
		r->state = state;
}

static bool
busy(void)
{
	for (size_t i = 0; i < LIM_ATS_WORKERS; i++)
		if (listeners[i] != NULL && chan_queued(listeners[i]) > LIM_EVENTS_WAITING)
			return true;
	return false;
}

static void
tell(const struct event_row *r, bool more)
{
	struct msg_state_change m = { .account = r->account, .type = r->type, .epoch = store.epoch,
		.state = r->state, .more = more };

	for (size_t i = 0; i < LIM_ATS_WORKERS; i++)
		if (listeners[i] != NULL)
			(void)send_state_change(listeners[i], &m);
}

/* Committed: the states are true. While a listener is slow they pile up here,
 * one row each, and leave at the end of a later turn. */
static void
push_flush(void)
{
	if (nrows == 0 || busy())
		return;
	for (size_t i = 0; i < nrows; i++)
		tell(&rows[i], i + 1 < nrows);
	nrows = 0;
}

/* The turn was undone. Rows of earlier turns may still wait here: telling a
 * state that is no longer newest is harmless, one that never was is not. */
static void
push_undo(void)
{
	for (size_t i = 0; i < nrows; i++) {
		struct dbkey k = KEY(state, .account = rows[i].account, .type = rows[i].type);

		rows[i].state = table_get_u64(T_state, k);
	}
}

void
push_init(void)
{
	db_hook(DB_COMMITTED, push_flush);
	db_hook(DB_ABORTED, push_undo);
}

void
push_add(struct chan *c)
{
	for (size_t i = 0; i < LIM_ATS_WORKERS; i++)
		if (listeners[i] == NULL) {
			listeners[i] = c;
			return;
		}
}

void
push_hear(void)
{
	for (size_t i = 0; i < LIM_ATS_WORKERS; i++)
		if (listeners[i] != NULL)
			chan_read(listeners[i]);
}

void
push_remove(struct chan *c)
{
	for (size_t i = 0; i < LIM_ATS_WORKERS; i++)
		if (listeners[i] == c)
			listeners[i] = NULL;
}
