/*
 * ingest_body.c - bodies that are wanted: asked for a few at a time, parsed,
 * stored. See ingest.h.
 */
#include <stdlib.h>
#include <string.h>

#include "blob.h"
#include "email.h"
#include "ingest.h"
#include "link.h"
#include "log.h"
#include "quota.h"
#include "seam.h"
#include "told.h"

static struct dbkey
want_key(uint32_t account, uint64_t email)
{
	return KEY(want, .account = account, .email = email);
}

/* Old mail, and not asked for by anybody. */
static bool
nobody_waits(uint64_t flags)
{
	return (flags & WANT_BACKFILL) != 0 && (flags & WANT_DEMAND) == 0;
}

void
ingest_wanted(uint32_t account, uint64_t email, uint64_t flags)
{
	struct imap_session *s = imap_session_of(account);

	table_put_u64(T_want, want_key(account, email), flags);
	if (s != NULL && !nobody_waits(flags) && s->nnow < LIM_BODIES_NOW)
		s->now[s->nnow++] = email;	/* one more finds its turn among the others */
}

static void
want(uint32_t account, uint64_t email, uint64_t more)
{
	ingest_wanted(account, email, table_get_u64(T_want, want_key(account, email)) | WANT_NOTE | more);
	imap_drain_of(account);
}

void
ingest_want(uint32_t account, uint64_t email, bool backfill)
{
	want(account, email, backfill ? WANT_BACKFILL : 0);
}

void
ingest_demand(uint32_t account, uint64_t email, bool backfill)
{
	want(account, email, WANT_DEMAND | (backfill ? WANT_BACKFILL : 0));
}

/* ---- asking ---- */

/* Places that are free for it. */
static size_t
places_for(const struct imap_session *s, uint64_t flags)
{
	size_t most = LIM_BODIES_ASKED - (nobody_waits(flags) ? LIM_BODIES_NOW : 0);

	return s->nbodies < most ? most - s->nbodies : 0;
}

/* A free place, or NULL when enough is on its way already. */
static struct imap_body *
place_for(struct imap_session *s, uint32_t size, uint64_t flags)
{
	struct imap_body *b = NULL;

	for (size_t i = 0; i < LIM_BODIES_ASKED && b == NULL; i++)
		if (s->bodies[i].email == 0)
			b = &s->bodies[i];
	return places_for(s, flags) > 0 && (s->nbodies == 0 || s->bodies_bytes + size <= LIM_BODIES_BYTES) ? b : NULL;
}

static uint32_t
validity_of(uint32_t account, uint64_t mailbox)
{
	struct row_mailbox row;
	uint32_t v = 0;

	if (row_mailbox_get(&row, KEY(mailbox, .account = account, .id = mailbox))) {
		v = row.rec.uidvalidity;
		row_mailbox_free(&row);
	}
	return v;
}

/* May this folder be asked now? One that is closed to us rests. */
static bool
folder_open(struct imap_session *s, uint64_t mailbox)
{
	const struct imap_folder *f = imap_folder_of(s, mailbox);

	return f != NULL && f->bodies_after <= store_ticks();
}

/* A copy that the server can be asked for. */
static bool
reachable(struct imap_session *s, const struct email *e, struct copy *c, uint32_t *validity)
{
	for (size_t i = 0; i < copies_count(wbuf_slice(&e->copies)); i++) {
		*c = copies_at(wbuf_slice(&e->copies), i);
		if (c->uid != 0 && folder_open(s, c->mailbox) &&
		    (*validity = validity_of(s->link, c->mailbox)) != 0)
			return true;
	}
	return false;
}

static void
ask(struct imap_session *s, struct imap_body *b, const struct email *e, uint64_t flags)
{
	uint32_t validity;
	struct copy c;

	if (!reachable(s, e, &c, &validity))
		return;
	*b = (struct imap_body){ .email = e->id, .mailbox = c.mailbox, .uid = c.uid, .size = e->rec.size,
		.flags = flags, .session = s };
	s->nbodies++;
	s->bodies_bytes += b->size;
	/* Asking early does no harm if the turn should be undone. */
	(void)send_body_want(s->chan,
	    &(struct msg_body_want){ .mailbox = c.mailbox, .uidvalidity = validity, .uid = c.uid,
		.size = e->rec.size, .backfill = nobody_waits(flags) });
}

static struct imap_body *
asked(struct imap_session *s, uint64_t email)
{
	for (size_t i = 0; i < LIM_BODIES_ASKED; i++)
		if (s->bodies[i].email == email)
			return &s->bodies[i];
	return NULL;
}

/* It was asked for as old mail, and now somebody waits: asked again, it goes before the others. */
static void
hurry(struct imap_session *s, struct imap_body *b)
{
	uint64_t flags = table_get_u64(T_want, want_key(s->link, b->email));

	if (b->arrived || !nobody_waits(b->flags) || nobody_waits(flags))
		return;
	b->flags = flags;
	(void)send_body_want(s->chan,
	    &(struct msg_body_want){ .mailbox = b->mailbox, .uidvalidity = validity_of(s->link, b->mailbox),
		.uid = b->uid, .size = b->size });
}

/* false: there is no place for it. */
static bool
ask_for(struct imap_session *s, uint64_t id)
{
	struct imap_body *b = asked(s, id);
	uint64_t flags;
	struct email e;
	bool full;

	if (b != NULL) {
		hurry(s, b);
		return true;
	}
	imap_touch(s);
	flags = table_get_u64(T_want, want_key(s->link, id));
	if (!email_load(&e, s->link, id)) {
		(void)table_del(T_want, want_key(s->link, id));
		return true;
	}
	full = e.rec.content_state == CONTENT_STATE_FULL;
	if (full)
		(void)table_del(T_want, want_key(s->link, id));
	else if ((b = place_for(s, e.rec.size, flags)) != NULL)
		ask(s, b, &e, flags);
	email_free(&e);
	return full || b != NULL;
}

/* Those that somebody waits for go before all others. */
static void
ask_now(struct imap_session *s)
{
	size_t n = 0;

	while (n < s->nnow && ask_for(s, s->now[n]))
		n++;
	s->nnow -= n;
	memmove(s->now, s->now + n, s->nnow * sizeof(s->now[0]));
}

/* On from where the last look ended: what was asked for, and what cannot be
 * reached now, is not looked at for each free place, but once in a while. */
static void
ask_others(struct imap_session *s)
{
	struct scan scan;
	struct slice key;
	struct key_want k;

	if (store_ticks() >= s->again_at) {
		s->want_from = 0;
		s->again_at = store_ticks() + LIM_WANTS_AGAIN_SECONDS;
	} else if (s->wants_seen != 0 && s->wants_seen == table_version(T_want))
		return;
	scan_range(&scan, T_want, want_key(s->link, s->want_from), PREFIX(want, 1, .account = s->link + 1), false);
	s->wants_seen = 0;
	while (places_for(s, WANT_BACKFILL) > 0) {
		if (!scan_next(&scan, &key, NULL)) {
			s->wants_seen = table_version(T_want);
			break;
		}
		if (key_want_read(key, &k) == -1)
			continue;
		if (!ask_for(s, k.email))
			break;
		s->want_from = k.email + 1;
	}
	scan_end(&scan);
}

void
ingest_pump(struct imap_session *s)
{
	if (!s->listed || store_ticks() < s->pump_after || (s->nnow == 0 && places_for(s, WANT_BACKFILL) == 0))
		return;
	if (!quota_room(0)) {
		s->pump_after = store_ticks() + LIM_FULL_REST_SECONDS;
		return;
	}
	ask_now(s);
	if (s->nnow == 0)
		ask_others(s);
}

/* ---- answers ---- */

static void
place_free(struct imap_body *b)
{
	struct imap_session *s = b->session;

	if (b->arrived)
		chan_release(s->chan, 1);
	s->nbodies--;
	s->bodies_bytes -= b->size;
	*b = (struct imap_body){ .email = 0 };
	link_body_done(s->link);
	imap_touch(s);
	ingest_pump(s);
}

/* It will not come: the note is filed with what there is. */
static void
give_up(struct imap_body *b, const char *code)
{
	uint32_t link = b->session->link;
	uint64_t flags = table_get_u64(T_want, want_key(link, b->email));
	struct email e;

	log_warn("message without content link=%u uid=%u code=%s", link, b->uid, code);
	(void)table_del(T_want, want_key(link, b->email));
	if (email_load(&e, link, b->email)) {
		if ((flags & WANT_NOTE) != 0)
			ingest_note(&e, SLICE_NONE, SLICE_NONE, (flags & WANT_BACKFILL) != 0);
		email_free(&e);
	}
	email_content_done(link, b->email, code);
}

static void
store_parsed(struct email *e, struct slice raw, const struct mime_result *res, uint64_t flags)
{
	struct rec_parsed p;

	if (res->error != NULL || rec_parsed_decode(res->data, &p) == -1) {
		ingest_quarantine(e, raw);
		return;
	}
	ingest_content(e, raw, &p);
	email_save(e);
	if ((flags & WANT_NOTE) != 0)
		ingest_note(e, mime_note_text(&p), p.parts, (flags & WANT_BACKFILL) != 0);
}

static void
body_stored(struct imap_body *b, const struct mime_result *res, uint64_t flags)
{
	uint32_t link = b->session->link;
	struct email e;

	if ((flags & WANT_DEMAND) == 0)
		told_rule(link);
	if (email_load(&e, link, b->email)) {
		store_parsed(&e, res->source, res, flags);
		email_free(&e);
	}
	(void)table_del(T_want, want_key(link, b->email));
	(void)table_del(T_tries, KEY(tries, .account = link, .mailbox = b->mailbox, .uid = b->uid));
	email_content_done(link, b->email, "");
}

static void
body_parsed(void *ctx, const struct mime_result *res)
{
	struct imap_body *b = ctx;
	uint64_t flags = table_get_u64(T_want, want_key(b->session->link, b->email));
	/* Behind the last one nothing comes that could share its commit. */
	bool may_wait = nobody_waits(b->flags | flags) && b->session->nbodies > 1;

	b->job = NULL;
	imap_touch(b->session);
	if (may_wait)
		db_patient();
	body_stored(b, res, flags);
	if (may_wait)
		db_patient_end();
	place_free(b);
}

static void
body_died(void *ctx, unsigned int tries)
{
	struct imap_body *b = ctx;

	imap_touch(b->session);
	table_put_u64(T_tries,
	    KEY(tries, .account = b->session->link, .mailbox = b->mailbox, .uid = b->uid), tries);
}

static void
body_raw(struct imap_body *b, struct slice raw)
{
	struct email e;

	if ((b->flags & WANT_DEMAND) == 0)
		told_rule(b->session->link);
	if (email_load(&e, b->session->link, b->email)) {
		ingest_quarantine(&e, raw);
		email_free(&e);
	}
	(void)table_del(T_want, want_key(b->session->link, b->email));
	email_content_done(b->session->link, b->email, "");
}

/* Codes of the item itself are final. Others (the copy is gone by now, the
 * folder is closed to us) are tried again, by another copy if there is one. */
static bool
is_final(struct slice code)
{
	return code.n >= 10 && memcmp(code.p, "sync.item_", 10) == 0;
}

static bool
is_about_folder(struct slice code)
{
	return code.n >= 12 && memcmp(code.p, "sync.folder_", 12) == 0;
}

static void
folder_close(struct imap_body *b)
{
	struct imap_folder *f = imap_folder_of(b->session, b->mailbox);

	if (f != NULL)
		f->bodies_after = store_ticks() + LIM_FOLDER_REST_SECONDS;
}

static void
body_refused(struct imap_body *b, struct slice code)
{
	char text[LIM_CODE + 1] = "sync.item_empty";
	bool renumbered = slice_eq_str(code, "sync.uidvalidity_changed");	/* its new UID is on its way */
	bool closed = is_about_folder(code);
	uint64_t flags = b->flags + (renumbered || closed ? 0 : WANT_TRY);

	if (closed)
		folder_close(b);
	(void)slice_copy(code, text, sizeof(text));
	if (is_final(code) || flags / WANT_TRY >= LIM_PARSE_TRIES)
		give_up(b, text);
	else {
		b->session->again_at = store_ticks() + 1;
		table_put_u64(T_want, want_key(b->session->link, b->email), flags);
	}
	place_free(b);
}

bool
ingest_body(struct imap_session *s, const struct msg_message_body *m, struct body *body)
{
	struct imap_body *b = NULL;
	uint64_t tries;

	for (size_t i = 0; i < LIM_BODIES_ASKED && b == NULL; i++)
		if (s->bodies[i].email != 0 && s->bodies[i].mailbox == m->mailbox && s->bodies[i].uid == m->uid &&
		    !s->bodies[i].arrived)
			b = &s->bodies[i];
	if (b == NULL)
		return false;
	if (m->code.n > 0) {
		body_refused(b, m->code);
		return false;
	}
	tries = table_get_u64(T_tries, KEY(tries, .account = s->link, .mailbox = m->mailbox, .uid = m->uid));
	if ((b->flags & WANT_RAW) != 0 || tries >= LIM_MIME_TRIES) {
		body_raw(b, body->data);
		place_free(b);
		return false;
	}
	b->arrived = true;
	b->job = mime_parse(s->link, false, body, (unsigned int)tries, body_parsed, body_died, b);
	if (b->job == NULL)
		db_fail("out of memory");
	return true;
}
