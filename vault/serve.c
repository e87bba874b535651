#include "serve.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "clock.h"
#include "log.h"

static void
refuse(struct chan *tls, uint64_t id, const char *code)
{
	if (tls != NULL)
		(void)send_auth_refused(tls, &(struct msg_auth_refused){ id, slice_str(code) });
}

/* The ticket is used up. */
void
serve_refuse(struct ticket *t, struct chan *tls, const char *code)
{
	told_ticket(TOLD_REFUSED, t, code);
	refuse(tls, t->id, code);
	ticket_drop(t);
}

/* One refusal more to this peer: true when there is room in the log for it. */
static bool
may_tell(struct chan *c)
{
	const struct chan_peer *peer = chan_peer(c);
	uint32_t untold;
	bool told = refusals_add(chan_ctx(c), clock_ms(), &untold);

	if (untold > 0)
		log_warn("refusals not told role=%s ats=%s count=%u host=%s", role_name(peer->role), peer->ats, untold,
		    peer->host);
	return told;
}

/* The peer's claim on this ticket, or NULL after a refusal that names both. */
struct ticket *
serve_claim(struct chan *c, uint64_t id, enum ticket_state state)
{
	const struct chan_peer *peer = chan_peer(c);
	struct ticket *t = ticket_find(id);
	const char *why = ticket_check(t, peer, state, clock_ms());

	if (why == NULL)
		return t;
	told_claim(peer, id, t, why);
	if (may_tell(c))
		log_warn("ticket refused role=%s ats=%s host=%s ticket=%016" PRIx64
			 " issued to ats=%s unit=%u host=%s reason=%s",
		    role_name(peer->role), peer->ats, peer->host, id, t != NULL ? t->ats : "-",
		    t != NULL ? t->unit : 0, t != NULL ? t->host : "-", why);
	refuse(peer->role == ROLE_TLS ? c : NULL, id, "auth.temp_unavailable");
	return NULL;
}

/* What a handler returns after a refused claim: late answers happen, a
 * tls-worker that goes on and on guesses. A store only fails its own tenant. */
int
serve_refused(const struct chan *c)
{
	const struct refusals *r = chan_ctx(c);

	return chan_peer(c)->role == ROLE_TLS && r->count > LIM_REFUSALS_PER_MINUTE ? -1 : 0;
}

static bool
bound_to_ticket(const struct seal_plain *cred, const struct ticket *t)
{
	char endpoint[SEAL_ENDPOINT_MAX];

	return seal_endpoint(endpoint, t->service, t->security, t->host, t->port) == 0 &&
	    cred_list_has(cred->endpoints, slice_str(endpoint));
}

const char *
serve_open(const struct ticket *t, struct seal_plain *cred)
{
	const struct record_place place = { slice_str(t->ats), t->link, t->generation };
	const char *code = record_open(slice_mem(t->record, t->record_n), &place, cred);

	return *code == '\0' && !bound_to_ticket(cred, t) ? "store.secret_tampered" : code;
}

void
serve_respond(const struct ticket *t, struct chan *tls, struct slice data)
{
	if (tls != NULL)
		(void)send_auth_respond(tls, &(struct msg_auth_respond){ t->id, slice_str(sasl_name(&t->sasl)), data });
}

/* The record is opened for one step only: no plain secret waits for a server. */
static void
respond(struct ticket *t, struct chan *tls, struct slice challenge)
{
	struct wbuf out = area_writer();
	struct seal_plain cred;
	const char *code = serve_open(t, &cred);

	if (*code == '\0' && t->sasl.step == 0)
		code = sasl_pick(&t->sasl, &cred, t->service);
	if (*code == '\0' && sasl_step(&t->sasl, &cred, challenge, &out) != 0)
		code = t->sasl.scram.plus ? "auth.channel_binding" : "sync.protocol_error";
	if (*code == '\0') {
		if (!sasl_is_scram(&t->sasl))	/* of SCRAM the proof is told */
			told_ticket(TOLD_RELEASED, t, "ok");
		serve_respond(t, tls, wbuf_slice(&out));
	} else
		serve_refuse(t, tls, code);
	area_wipe();
}

/* ---- from the master ---- */

static int
on_cfg_vault(struct chan *c, const union msg *m, int *fd)
{
	bool first = key_public() == NULL;
	const char *why;

	(void)c;
	(void)m;
	if (key_load(*fd, &why) == 0)
		log_info("key loaded locked=%d", key_locked());
	else if (first)
		fatal("the vault has no key code=store.key_missing reason=%s", why);
	else
		log_error("the key was not read anew reason=%s", why);
	if (!first) {
		told_key();
		lock_tell();
	}
	return 0;
}

static int
on_cfg_unlock(struct chan *c, const union msg *m, int *fd)
{
	int taken = *fd;

	(void)c;
	*fd = -1;
	return lock_init(taken, m->cfg_unlock.uid);
}

static void
serve_locked(struct ticket *t)
{
	told_ticket(TOLD_REFUSED, t, "vault.locked");
	refuse(peers_find(t->tls_chan, ROLE_TLS), t->id, "vault.locked");
}

static int
on_vault_lock(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)m;
	(void)fd;
	key_lock();
	ticket_lock(serve_locked);
	log_warn("locked by the admin locked=%d", key_locked());
	if (key_locked())
		audit_tell_vault_locked(&(struct audit_vault_locked){ .cause = slice_str("admin") });
	lock_tell();
	return 0;
}

static int
on_vault_count(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	rotate_begin(m->vault_count.req);
	return 0;
}

static int
on_ticket(struct chan *c, const union msg *m, int *fd)
{
	static struct refusals untaken;
	const char *why = ticket_add(&m->ticket, clock_ms());
	uint32_t untold;

	(void)c;
	(void)fd;
	if (why != NULL && refusals_add(&untaken, clock_ms(), &untold))
		log_warn("ticket not taken ticket=%016" PRIx64 " ats=%.*s unit=%u count=%u reason=%s", m->ticket.ticket,
		    (int)m->ticket.ats.n, (const char *)m->ticket.ats.p, m->ticket.unit, untold, why);
	return 0;
}

/* ---- from tls-workers ---- */

static int
on_auth_begin(struct chan *c, const union msg *m, int *fd)
{
	struct ticket *t = serve_claim(c, m->auth_begin.ticket, TICKET_ISSUED);
	struct chan *store;

	(void)fd;
	if (t == NULL)
		return serve_refused(c);
	store = peers_find(t->store_chan, ROLE_STORE);
	if (!rate_allow('l', t->ats, t->link, LIM_TICKETS_PER_MINUTE, clock_ms()) ||
	    !rate_allow('a', t->ats, 0, LIM_TICKETS_PER_MINUTE_ATS, clock_ms()))
		serve_refuse(t, c, "auth.too_many_attempts");
	else if (store == NULL || strcmp(chan_peer(store)->ats, t->ats) != 0)
		serve_refuse(t, c, "auth.temp_unavailable");
	else if (sasl_begin(&t->sasl, m->auth_begin.mechanisms, m->auth_begin.binding, m->auth_begin.binding_data) != 0)
		serve_refuse(t, c, "auth.no_mechanism");
	else {
		ticket_enter(t, TICKET_FETCHING, clock_ms());
		(void)send_record_get(store, &(struct msg_record_get){ t->id, t->unit, t->service });
	}
	return 0;
}

static int
on_auth_challenge(struct chan *c, const union msg *m, int *fd)
{
	struct ticket *t = serve_claim(c, m->auth_challenge.ticket, TICKET_RUNNING);

	(void)fd;
	if (t == NULL)
		return serve_refused(c);
	respond(t, c, m->auth_challenge.data);
	return 0;
}

static int
on_auth_result(struct chan *c, const union msg *m, int *fd)
{
	struct ticket *t = serve_claim(c, m->auth_result.ticket, TICKET_NONE);
	char code[LIM_CODE + 1] = "";

	(void)fd;
	if (t == NULL)
		return serve_refused(c);
	(void)slice_copy(m->auth_result.code, code, sizeof(code));
	if (m->auth_result.ok && sasl_is_scram(&t->sasl) && t->sasl.scram.step != SCRAM_PROVEN)
		told_ticket(TOLD_UNPROVEN, t, "ok");
	told_ticket(m->auth_result.ok ? TOLD_ACCEPTED : TOLD_REJECTED, t, m->auth_result.ok ? "ok" : code);
	ticket_drop(t);
	return 0;
}

/* ---- from stores ---- */

static int
on_record(struct chan *c, const union msg *m, int *fd)
{
	struct ticket *t = serve_claim(c, m->record.ticket, TICKET_FETCHING);
	struct chan *tls;

	(void)fd;
	if (t == NULL)
		return 0;
	tls = peers_find(t->tls_chan, ROLE_TLS);
	free(t->record);
	t->record = NULL;
	if (tls == NULL || m->record.data.n == 0 || (t->record = malloc(m->record.data.n)) == NULL) {
		serve_refuse(t, tls, "store.key_missing");
		return 0;
	}
	memcpy(t->record, m->record.data.p, m->record.data.n);
	t->record_n = m->record.data.n;
	ticket_enter(t, TICKET_RUNNING, clock_ms());
	if (t->conflicts > 0)
		proof_pin(t, tls);	/* another record than it began with */
	else
		respond(t, tls, SLICE_NONE);
	return 0;
}

static int
on_seal_open(struct chan *c, const union msg *m, int *fd)
{
	const struct msg_seal_open *s = &m->seal_open;
	const char *ats = chan_peer(c)->ats, *code = "api.rate";
	const struct record_place place = { slice_str(ats), s->link, s->generation };
	char owner[LIM_ATS_NAME + 1] = "";
	uint8_t bytes[LIM_RECORD];
	struct wbuf record = { .p = bytes, .cap = sizeof(bytes), .max = sizeof(bytes) };
	struct seal_plain cred, wanted = { .ats = place.ats, .address = s->address, .user = s->user,
		.endpoints = s->endpoints };

	(void)fd;
	if (rate_allow('s', ats, 0, LIM_SEALS_PER_MINUTE, clock_ms()))
		code = seal_open(s->seal, &wanted, &cred);
	if (*code == '\0' && record_make(&cred, &place, &record) != 0)
		code = "cfg.invalid";
	if (strcmp(code, "store.secret_tampered") == 0)
		(void)slice_copy(cred.ats, owner, sizeof(owner));
	area_wipe();
	if (*code == '\0' || may_tell(c))
		log_info("seal for a credential ats=%s link=%u code=%s%s%s", ats, s->link,
		    *code == '\0' ? "ok" : code, *owner != '\0' ? " reason=bound to another place of ats " : "", owner);
	told_seal(ats, s, code, owner);
	(void)send_seal_opened(c, &(struct msg_seal_opened){ s->req, slice_str(code),
	    *code == '\0' ? wbuf_slice(&record) : SLICE_NONE });
	return 0;
}

/* Two ask for it: a login that pins, and the rounds over all records. */
static int
on_record_put_done(struct chan *c, const union msg *m, int *fd)
{
	return (m->record_put_done.req & ROTATE_REQ) != 0 ? rotate_on_put_done(c, m, fd) : proof_on_put_done(c, m, fd);
}

void
serve_store_gone(struct ticket *t)
{
	told_ticket(TOLD_REFUSED, t, "auth.temp_unavailable");
	refuse(peers_find(t->tls_chan, ROLE_TLS), t->id, "auth.temp_unavailable");
}

const chan_handler serve_master[MSG__COUNT] = { [MSG_cfg_vault] = on_cfg_vault, [MSG_cfg_unlock] = on_cfg_unlock,
	[MSG_vault_lock] = on_vault_lock, [MSG_vault_count] = on_vault_count, [MSG_ticket] = on_ticket };
const chan_handler serve_peers[MSG__COUNT] = { [MSG_auth_begin] = on_auth_begin,
	[MSG_auth_challenge] = on_auth_challenge, [MSG_auth_result] = on_auth_result, [MSG_record] = on_record,
	[MSG_seal_open] = on_seal_open, [MSG_scram_first] = proof_on_first, [MSG_scram_final] = proof_on_final,
	[MSG_record_item] = rotate_on_item, [MSG_record_put_done] = on_record_put_done };
