#include "serve.h"

#include <stdlib.h>
#include <string.h>

static struct ticket table[LIM_TICKETS];

void
ticket_drop(struct ticket *t)
{
	proof_forget(t);
	free(t->record);	/* ciphertext: nothing to wipe */
	*t = (struct ticket){ 0 };
}

struct ticket *
ticket_find(uint64_t id)
{
	for (struct ticket *t = table; t < table + LIM_TICKETS; t++)
		if (t->state != TICKET_NONE && t->id == id)
			return t;
	return NULL;
}

struct ticket *
ticket_after(struct ticket *t, enum ticket_state state)
{
	for (t = t != NULL ? t + 1 : table; t < table + LIM_TICKETS; t++)
		if (t->state == state)
			return t;
	return NULL;
}

/* A free place for this tenant, or NULL. Forgets what nobody came for. */
static struct ticket *
place_for(struct slice ats, uint64_t now)
{
	struct ticket *place = NULL;
	size_t n = 0;

	for (struct ticket *t = table; t < table + LIM_TICKETS; t++) {
		if (t->state != TICKET_NONE && now > t->deadline)
			ticket_drop(t);
		if (t->state == TICKET_NONE)
			place = t;
		else if (slice_eq_str(ats, t->ats))
			n++;
	}
	return n < LIM_TICKETS_ATS ? place : NULL;
}

const char *
ticket_add(const struct msg_ticket *m, uint64_t now)
{
	struct ticket *t = place_for(m->ats, now);

	if (t == NULL)
		return "too many at once";
	if (ticket_find(m->ticket) != NULL)
		return "number in use";
	*t = (struct ticket){ .id = m->ticket, .unit = m->unit, .link = m->link, .generation = m->generation,
		.store_chan = m->store_chan, .tls_chan = m->tls_chan, .port = m->port, .service = m->service,
		.security = m->security };
	if (slice_copy(m->ats, t->ats, sizeof(t->ats)) != 0 || slice_copy(m->host, t->host, sizeof(t->host)) != 0)
		return "names too long";
	ticket_enter(t, TICKET_ISSUED, now);
	return NULL;
}

void
ticket_enter(struct ticket *t, enum ticket_state state, uint64_t now)
{
	t->state = state;
	t->deadline = now + LIM_TICKET_SECONDS * 1000u;
}

const char *
ticket_check(const struct ticket *t, const struct chan_peer *peer, enum ticket_state state, uint64_t now)
{
	uint32_t chan;

	if (t == NULL)
		return "unknown";
	chan = peer->role == ROLE_STORE ? t->store_chan : t->tls_chan;
	if (peer->chan != chan || strcmp(t->ats, peer->ats) != 0 ||
	    (peer->role == ROLE_TLS && strcmp(t->host, peer->host) != 0))
		return "of another process";
	if (now > t->deadline)
		return "expired";
	if (state == TICKET_NONE ? t->state < TICKET_FETCHING : t->state != state)
		return state == TICKET_ISSUED ? "used before" : "out of turn";
	return NULL;
}

void
ticket_chan_gone(uint32_t chan, void (*fn)(struct ticket *))
{
	for (struct ticket *t = table; t < table + LIM_TICKETS; t++) {
		bool waits = (t->state == TICKET_FETCHING || t->state == TICKET_STORING) && t->store_chan == chan;

		if (waits)
			fn(t);
		if (waits || (t->state != TICKET_NONE && t->tls_chan == chan))
			ticket_drop(t);
	}
}

void
ticket_lock(void (*fn)(struct ticket *))
{
	for (struct ticket *t = table; t < table + LIM_TICKETS; t++)
		if (t->state > TICKET_ISSUED) {
			fn(t);
			ticket_drop(t);
		}
}
