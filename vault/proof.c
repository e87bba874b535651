#include "clock.h"
#include "serve.h"

#include <inttypes.h>
#include <string.h>

#include "log.h"

#define CONFLICTS 3	/* times that somebody else changed the record meanwhile */

/* In locked memory: each holds what a password hashes to. */
static struct slot {
	struct ticket *of;	/* NULL: free */
	struct scram_work work;
} *slots;
static size_t next;
static bool waiting;		/* a ticket may wait for a slot */
static uint32_t last_put;

int
proof_init(void)
{
	if (slots == NULL && (slots = sodium_malloc(LIM_SCRAM_WORKS * sizeof(*slots))) == NULL)
		return -1;
	sodium_memzero(slots, LIM_SCRAM_WORKS * sizeof(*slots));
	return 0;
}

void
proof_forget(const struct ticket *t)
{
	for (size_t i = 0; slots != NULL && i < LIM_SCRAM_WORKS; i++)
		if (slots[i].of == t) {
			sodium_memzero(&slots[i], sizeof(slots[i]));
			waiting = true;
		}
}

/* ---- hashing ---- */

/* A free slot for this ticket, unless it has one or its tenant has enough. */
static struct slot *
slot_for(const struct ticket *t)
{
	struct slot *free_slot = NULL;
	size_t n = 0;

	for (struct slot *s = slots; s < slots + LIM_SCRAM_WORKS; s++)
		if (s->of == NULL)
			free_slot = s;
		else if (s->of == t)
			return NULL;
		else if (strcmp(s->of->ats, t->ats) == 0)
			n++;
	return n < LIM_SCRAM_WORKS_ATS ? free_slot : NULL;
}

static void
start(struct ticket *t, struct slot *s)
{
	struct seal_plain cred;
	const char *code = serve_open(t, &cred);

	if (*code == '\0') {
		s->of = t;
		scram_work_start(&s->work, &t->sasl.scram, cred.secret);
	} else
		serve_refuse(t, peers_find(t->tls_chan, ROLE_TLS), code);
	area_wipe();
}

/* Round the table, from behind the one that began last: none waits for ever. */
static void
start_waiting(void)
{
	static struct ticket *last;
	struct ticket *t = last;
	struct slot *s;

	waiting = false;
	for (int round = 0; round < 2; round++, t = NULL)
		while ((t = ticket_after(t, TICKET_HASHING)) != NULL)
			if ((s = slot_for(t)) != NULL)
				start(last = t, s);
}

/* The password's keys are there: what leaves is a proof, good for this exchange alone. */
static void
finish(struct slot *s)
{
	struct ticket *t = s->of;
	struct chan *tls = peers_find(t->tls_chan, ROLE_TLS);
	struct wbuf out = area_writer();
	struct seal_plain cred;
	const char *code = serve_open(t, &cred);

	if (*code == '\0' && scram_client_final(&t->sasl.scram, &s->work, &cred, &out) != 0)
		code = "sync.protocol_error";
	proof_forget(t);
	if (*code == '\0') {
		ticket_enter(t, TICKET_RUNNING, clock_ms());
		told_ticket(TOLD_RELEASED, t, "ok");
		serve_respond(t, tls, wbuf_slice(&out));
	} else
		serve_refuse(t, tls, code);
	area_wipe();
}

bool
proof_turn(void)
{
	if (waiting)
		start_waiting();
	for (size_t i = 0; i < LIM_SCRAM_WORKS; i++) {
		struct slot *s = &slots[next++ % LIM_SCRAM_WORKS];

		if (s->of == NULL)
			continue;
		if (clock_ms() > s->of->deadline)
			serve_refuse(s->of, peers_find(s->of->tls_chan, ROLE_TLS), "auth.temp_unavailable");
		else if (scram_work_slice(&s->work, LIM_SCRAM_SLICE))
			finish(s);
		return true;
	}
	return false;
}

/* ---- the pin ---- */

static void
get_again(struct ticket *t, struct chan *tls)
{
	struct chan *store = peers_find(t->store_chan, ROLE_STORE);

	if (store == NULL || t->conflicts++ == CONFLICTS) {
		serve_refuse(t, tls, "auth.temp_unavailable");
		return;
	}
	ticket_enter(t, TICKET_FETCHING, clock_ms());
	(void)send_record_get(store, &(struct msg_record_get){ t->id, t->unit, t->service });
}

static const char *
put_pinned(struct ticket *t, struct seal_plain *cred)
{
	const struct record_place place = { slice_str(t->ats), t->link, t->generation };
	struct chan *store = peers_find(t->store_chan, ROLE_STORE);
	uint8_t bytes[LIM_RECORD];
	struct wbuf record = { .p = bytes, .cap = sizeof(bytes), .max = sizeof(bytes) };
	struct msg_record_put m = { .req = ++last_put & ~(1u << 31), .unit = t->unit, .generation = t->generation,
		.service = t->service, .was = slice_mem(t->record, t->record_n) };

	cred->pins |= (uint8_t)sasl_pins(&t->sasl, t->service);
	if (store == NULL || record_make(cred, &place, &record) != 0)
		return "auth.temp_unavailable";
	m.data = wbuf_slice(&record);
	t->put = m.req;
	ticket_enter(t, TICKET_STORING, clock_ms());
	(void)send_record_put(store, &m);
	return "";
}

/* The server is proven: the login goes on when the record says so for good. */
void
proof_pin(struct ticket *t, struct chan *tls)
{
	struct seal_plain cred;
	const char *code = serve_open(t, &cred);

	if (*code == '\0' && (sasl_pins(&t->sasl, t->service) & ~cred.pins) == 0)
		serve_respond(t, tls, SLICE_NONE);
	else if (*code != '\0' || *(code = put_pinned(t, &cred)) != '\0')
		serve_refuse(t, tls, code);
	area_wipe();
}

/* ---- messages ---- */

int
proof_on_first(struct chan *c, const union msg *m, int *fd)
{
	struct ticket *t = serve_claim(c, m->scram_first.ticket, TICKET_RUNNING);
	const char *code;

	(void)fd;
	if (t == NULL)
		return serve_refused(c);
	code = scram_server_first(&t->sasl.scram, m->scram_first.nonce, m->scram_first.salt, m->scram_first.iterations);
	if (*code != '\0') {
		serve_refuse(t, c, code);
		return 0;
	}
	ticket_enter(t, TICKET_HASHING, clock_ms());
	waiting = true;
	return 0;
}

int
proof_on_final(struct chan *c, const union msg *m, int *fd)
{
	struct ticket *t = serve_claim(c, m->scram_final.ticket, TICKET_RUNNING);

	(void)fd;
	if (t == NULL)
		return serve_refused(c);
	if (scram_server_final(&t->sasl.scram, m->scram_final.signature))
		proof_pin(t, c);
	else
		serve_refuse(t, c, "auth.server_unproven");
	return 0;
}

int
proof_on_put_done(struct chan *c, const union msg *m, int *fd)
{
	const struct msg_record_put_done *q = &m->record_put_done;
	struct ticket *t = ticket_after(NULL, TICKET_STORING);
	struct chan *tls;

	(void)fd;
	while (t != NULL && (t->put != q->req || t->store_chan != chan_peer(c)->chan))
		t = ticket_after(t, TICKET_STORING);
	if (t == NULL)
		return 0;	/* its login has ended */
	tls = peers_find(t->tls_chan, ROLE_TLS);
	if (slice_eq_str(q->code, "api.conflict"))
		get_again(t, tls);
	else if (q->code.n > 0)
		serve_refuse(t, tls, "auth.temp_unavailable");
	else {
		told_ticket(TOLD_PINNED, t, "ok");
		ticket_enter(t, TICKET_RUNNING, clock_ms());
		serve_respond(t, tls, SLICE_NONE);
	}
	return 0;
}
