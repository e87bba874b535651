/*
 * Every record of every store is looked at: one under the newest key is opened
 * to prove it, one under the key before is put under the newest. One pass of a
 * store asks for one record at a time, so logins go on meanwhile. What a pass
 * finds is told; a pass that found nothing else than records under the newest
 * key is the proof that the one before is not needed any more.
 */
#include "serve.h"

#include <string.h>

#include "audit.h"
#include "child.h"
#include "log.h"

static struct pass {
	struct chan *store;	/* NULL: a free place */
	uint32_t at_unit;	/* the record looked at last */
	uint8_t at_service;
	bool waits;		/* for record_put_done */
	struct msg_vault_counted found;
} passes[LIM_CONF_ATS];
static uint32_t round_no;	/* also the number of its requests: late answers find no pass */
static uint32_t asked;		/* the master's number for it */

static struct pass *
pass_of(const struct chan *store, uint32_t req)
{
	for (struct pass *p = passes; p < passes + LIM_CONF_ATS; p++)
		if (p->store != NULL && p->store == store && req == round_no)
			return p;
	return NULL;
}

static void
tell_end(void)
{
	for (size_t i = 0; i < LIM_CONF_ATS; i++)
		if (passes[i].store != NULL)
			return;
	(void)send_vault_counted(child.master, &(struct msg_vault_counted){ .req = asked });
}

static void
pass_end(struct pass *p, bool whole)
{
	struct msg_vault_counted *f = &p->found;

	f->req = asked;
	f->ats = slice_str(chan_peer(p->store)->ats);
	f->whole = whole;
	log_info("records counted ats=%s count=%u moved=%u old=%u bad=%u whole=%d", chan_peer(p->store)->ats, f->fresh,
	    f->moved, f->old, f->bad, whole);
	if (f->moved > 0 || (whole && f->old == 0))
		audit_tell_vault_rotated(&(struct audit_vault_rotated){ .ats = f->ats, .fresh = f->fresh,
		    .moved = f->moved, .old = f->old, .bad = f->bad, .whole = whole });
	(void)send_vault_counted(child.master, f);
	*p = (struct pass){ 0 };
	tell_end();
}

static void
next(struct pass *p)
{
	if (send_record_list(p->store, &(struct msg_record_list){ round_no, p->at_unit, p->at_service }) == -1)
		pass_end(p, false);
}

void
rotate_begin(uint32_t req)
{
	struct chan *store;

	memset(passes, 0, sizeof(passes));	/* a round under way is given up */
	round_no = (round_no + 1) | ROTATE_REQ;
	asked = req;
	for (size_t i = 0; i < LIM_CONF_ATS && (store = peers_store(i)) != NULL; i++)
		passes[i].store = store;
	for (size_t i = 0; i < LIM_CONF_ATS; i++)
		if (passes[i].store != NULL)
			next(&passes[i]);
	tell_end();
}

void
rotate_store_gone(const struct chan *store)
{
	struct pass *p = pass_of(store, round_no);

	if (p != NULL)
		pass_end(p, false);
}

/* Put under the newest key, through the store. False: nothing was sent. */
static bool
move(struct pass *p, const struct msg_record_item *i, const struct record_place *place, const struct seal_plain *cred)
{
	uint8_t bytes[LIM_RECORD];
	struct wbuf out = { .p = bytes, .cap = sizeof(bytes), .max = sizeof(bytes) };

	return record_make(cred, place, &out) == 0 &&
	    send_record_put(p->store, &(struct msg_record_put){ round_no, i->unit, i->generation, i->service, i->data,
	    wbuf_slice(&out) }) == 0;
}

static void
look_at(struct pass *p, const struct msg_record_item *i)
{
	const struct record_place place = { slice_str(chan_peer(p->store)->ats), i->link, i->generation };
	struct seal_plain cred;
	const char *code = record_open(i->data, &place, &cred);
	bool opened = *code == '\0', fresh = record_is_fresh(i->data);

	p->at_unit = i->unit;
	p->at_service = i->service;
	p->waits = opened && !fresh && move(p, i, &place, &cred);
	area_wipe();
	if (p->waits)
		return;
	if (opened && fresh)
		p->found.fresh++;
	else if (opened || strcmp(code, "vault.locked") == 0)
		p->found.old++;
	else {
		p->found.bad++;
		audit_tell_record_refused(&(struct audit_record_refused){ .ats = slice_str(chan_peer(p->store)->ats),
		    .link = i->link, .code = slice_str(code) });
		log_warn("a record does not open ats=%s link=%u code=%s", chan_peer(p->store)->ats, i->link, code);
	}
}

int
rotate_on_item(struct chan *c, const union msg *m, int *fd)
{
	const struct msg_record_item *i = &m->record_item;
	struct pass *p = pass_of(c, i->req);

	(void)fd;
	if (p == NULL)
		return 0;
	/* Only forward: a store cannot keep the vault at it for ever. */
	if (p->waits || (i->unit != 0 && (i->unit < p->at_unit ||
	    (i->unit == p->at_unit && i->service <= p->at_service))))
		return -1;
	if (i->unit == 0) {
		pass_end(p, true);
		return 0;
	}
	look_at(p, i);
	if (!p->waits)
		next(p);
	return 0;
}

int
rotate_on_put_done(struct chan *c, const union msg *m, int *fd)
{
	struct pass *p = pass_of(c, m->record_put_done.req);

	(void)fd;
	if (p == NULL)
		return 0;
	if (!p->waits)
		return -1;
	p->waits = false;
	/* What was entered anew or unlinked meanwhile is seen by the next round. */
	if (m->record_put_done.code.n == 0)
		p->found.moved++;
	else
		p->found.old++;
	next(p);
	return 0;
}
