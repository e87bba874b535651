#include "ingest.h"

#include <stdlib.h>
#include <string.h>

#include "bind.h"
#include "journal.h"
#include "link.h"
#include "log.h"
#include "mailbox.h"
#include "submit_copy.h"
#include "window.h"

/* ---- headers at the parser ---- */

static void
take_result(struct imap_row *r, const struct mime_result *res)
{
	struct slice keep = res->error == NULL ? res->data : res->source;

	r->job = NULL;
	r->parsed = true;
	(void)slice_copy(slice_str(res->error), r->error, sizeof(r->error));
	wbuf_init(&r->result, 0);
	w_raw(&r->result, keep.p, keep.n);
	if (r->result.failed)
		db_fail("out of memory");
}

static void
header_parsed(void *ctx, const struct mime_result *res)
{
	struct imap_row *r = ctx;

	take_result(r, res);
	imap_touch(r->session);
	imap_drain(r->session);	/* may end the row */
}

static void
header_died(void *ctx, unsigned int tries)
{
	struct imap_row *r = ctx;
	const struct msg_message_header *m = &r->m.message_header;

	imap_touch(r->session);
	r->tried = true;
	table_put_u64(T_tries, KEY(tries, .account = r->session->link, .mailbox = m->mailbox, .uid = m->uid), tries);
}

static void
parse_start(struct imap_row *r)
{
	const struct msg_message_header *m = &r->m.message_header;
	uint64_t tries =
	    table_get_u64(T_tries, KEY(tries, .account = r->session->link, .mailbox = m->mailbox, .uid = m->uid));

	r->tried = tries > 0;
	/* Killed one parser too many before a restart: it only needs its verdict. */
	if (tries >= LIM_MIME_TRIES) {
		take_result(r, &(struct mime_result){ .error = "sync.item_poison", .source = r->header.data });
		return;
	}
	r->job = mime_parse(r->session->link, true, &r->header, (unsigned int)tries, header_parsed, header_died, r);
	if (r->job == NULL)
		db_fail("out of memory");
}

static bool
header_known(const struct imap_row *r)
{
	const struct msg_message_header *m = &r->m.message_header;

	return table_get(T_uid, KEY(uid, .account = r->session->link, .mailbox = m->mailbox, .uid = m->uid), NULL);
}

void
ingest_early(struct imap_row *r)
{
	const struct msg_message_header *m = &r->m.message_header;

	if (r->type != MSG_message_header || header_known(r))
		return;
	/* A message with a bad record is settled at its turn, in order. */
	if (table_get_u64(T_tries, KEY(tries, .account = r->session->link, .mailbox = m->mailbox, .uid = m->uid)) <
	    LIM_MIME_TRIES)
		parse_start(r);
}

/* ---- rows ---- */

static void
flags_changed(uint32_t link, uint64_t mailbox, uint32_t uid, struct slice flags)
{
	struct uid_row u, was;
	struct email e;

	if (!uid_get(link, mailbox, uid, &u))
		return;
	was = u;
	keywords_from_flags(&u.keywords, flags, &u.deleted);
	if (u.deleted == was.deleted && slice_eq(keywords_slice(&u.keywords), keywords_slice(&was.keywords)))
		return;
	uid_put(link, mailbox, uid, &u);
	if (u.email == 0 || !email_load(&e, link, u.email))
		return;
	if (!u.apart)
		bind_share(&e, &u.keywords);
	email_free(&e);
	email_settle(link, u.email);
}

/* Its UID came with our own operation, its names come now; those of a draft say
 * nothing of what was sent. */
static void
learn_known(uint32_t link, const struct msg_message_header *m)
{
	struct uid_row u;
	struct email e;

	if ((m->emailid.n == 0 && m->gm_msgid == 0) || !uid_get(link, m->mailbox, m->uid, &u) ||
	    !email_load(&e, link, u.email))
		return;
	if (m->mailbox == submit_sent_mailbox(link)) {
		bind_learn(&e, m->emailid, m->gm_msgid);
		if (uid_get(link, m->mailbox, m->uid, &u) && u.apart) {
			u.apart = false;	/* by this one it is named now */
			uid_put(link, m->mailbox, m->uid, &u);
		}
	} else if (e.rec.emailid.n == 0 && e.rec.gm_msgid == 0 && !submit_copy_in_sent(&e))
		bind_learn(&e, m->emailid, m->gm_msgid);
	email_save(&e);
	email_free(&e);
}

static enum ingest
row_header(struct imap_row *r)
{
	const struct msg_message_header *m = &r->m.message_header;

	if (header_known(r)) {
		mime_cancel(r->job);
		r->job = NULL;
		learn_known(r->session->link, m);
		flags_changed(r->session->link, m->mailbox, m->uid, m->flags);
		link_moved(r->session->link, PHASE_HEADERS);
		return INGEST_DONE;
	}
	if (!r->parsed && r->job == NULL)
		parse_start(r);
	if (!r->parsed)
		return INGEST_WAIT;
	ingest_header(r);
	link_moved(r->session->link, PHASE_HEADERS);
	return INGEST_DONE;
}

static void
row_found(struct imap_session *s, const struct msg_mailbox_found *m)
{
	uint64_t id = mailbox_found(s->link, m);
	struct imap_folder *f = imap_folder_of(s, id), *v;

	if (f == NULL) {
		if ((v = reallocarray(s->folders, s->nfolders + 1, sizeof(*v))) == NULL) {
			db_fail("out of memory");
			return;
		}
		s->folders = v;
		f = &s->folders[s->nfolders++];
		*f = (struct imap_folder){ .id = id };
	}
	f->synced = m->synced;
	f->listed = true;
	/* Also the folders that are not synced: drafts and moves may go there. */
	if (m->selectable)
		mailbox_send_bound(s->chan, s->link, id);
}

/* A new connection lists anew: what is not in its list any more is gone. */
static void
row_list_end(struct imap_session *s)
{
	struct wbuf seen = { .max = 0 };
	size_t n = 0;

	for (size_t i = 0; i < s->nfolders; i++) {
		if (!s->folders[i].listed)
			continue;
		ids_add(&seen, s->folders[i].id);
		s->folders[n] = s->folders[i];
		s->folders[n].looked_at = 0;	/* what was under way may not have come */
		s->folders[n++].listed = false;
	}
	if (n > 0)
		s->nfolders = n;
	mailbox_list_end(s->link, wbuf_slice(&seen));
	wbuf_free(&seen);
	s->listed = true;
	if (s->sweep)
		window_sweep(s->link);
	s->sweep = false;
}

static enum ingest
row_open(struct imap_session *s, const struct msg_mailbox_open *m)
{
	struct imap_folder *f = imap_folder_of(s, m->mailbox);

	if (f == NULL)
		return INGEST_DONE;
	f->no_keywords = !m->keywords_any;
	f->uidnext = m->uidnext;
	if (f->read_only && !m->read_only)
		journal_takes(s, m->mailbox);
	f->read_only = m->read_only;
	/* The new UIDVALIDITY is only noted once no UID of the old one is left. */
	if (mailbox_rebuilt(s->link, m) && bind_unbind(s->link, m->mailbox, LIM_DB_SLICE))
		return INGEST_AGAIN;
	mailbox_opened(s->link, m);
	f->read = mailbox_is_read(s->link, m);
	return INGEST_DONE;
}

/* Whatever was lost until now is not in this folder. */
static void
looked(struct imap_session *s, uint64_t mailbox)
{
	struct imap_folder *f = imap_folder_of(s, mailbox);

	if (f != NULL)
		f->looked_at = store_next_id();
}

static enum ingest
row_vanished(struct imap_row *r)
{
	struct imap_session *s = r->session;
	uint64_t mailbox = r->m.uids_vanished.mailbox;
	struct imap_folder *f = imap_folder_of(s, mailbox);

	if (ingest_vanished(r) == INGEST_AGAIN)
		return INGEST_AGAIN;
	/* It went elsewhere, if anywhere; but what another folder lost may be
	 * among the news here that are still to come. */
	if (f != NULL && f->read)
		looked(s, mailbox);
	return INGEST_DONE;
}

static void
row_synced(struct imap_session *s, const struct msg_mailbox_synced *m)
{
	struct imap_folder *f = imap_folder_of(s, m->mailbox);

	mailbox_synced(s->link, m);
	/* A position on the way: what comes may be what another folder lost. */
	if (f != NULL && m->complete && m->uidnext >= f->uidnext) {
		f->read = true;
		looked(s, m->mailbox);
	}
	if (m->complete)
		bind_round(s->link, m->mailbox, m->uid_low <= 1);
	if (s->live)
		link_synced(s->link);
	ingest_release(s);
}

static void
row_progress(struct imap_session *s, const struct msg_sync_progress *m)
{
	bool live = m->phase == PHASE_LIVE;

	if (live)
		link_headers_done(s->link, m->done, m->total);
	else
		link_progress(s->link, m->phase < PHASE_LIVE ? m->phase : PHASE_NONE, m->done, m->total);
	link_set_state(s->link, live ? LINK_LIVE : LINK_SYNCING, "", SLICE_NONE);
	s->live = live;
}

static bool
begins(struct slice s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.n >= n && memcmp(s.p, prefix, n) == 0;
}

/* What a worker may say of its link. A login that was rejected is told by the
 * master; it would end this session in the middle of its own row. */
static bool
concerns_link(const struct msg_sync_error *m)
{
	if (m->mailbox != 0 || slice_eq_str(m->code, "sync.sent_folder_unknown"))
		return false;
	return begins(m->code, "sync.") || begins(m->code, "net.") || slice_eq_str(m->code, "auth.temp_unavailable");
}

static void
row_error(struct imap_session *s, const struct msg_sync_error *m)
{
	log_warn("sync problem link=%u mailbox=%llu code=%.*s", s->link, (unsigned long long)m->mailbox,
	    (int)m->code.n, (const char *)m->code.p);
	if (!concerns_link(m))
		return;
	/* Without a connection no folder is looked at: the clock proves nothing. */
	s->live = false;
	link_step(s->link, SERVICE_IMAP, false, m->code, m->detail);
}

enum ingest
ingest_row(struct imap_row *r)
{
	struct imap_session *s = r->session;

	switch (r->type) {
	case MSG_mailbox_found:
		row_found(s, &r->m.mailbox_found);
		break;
	case MSG_mailbox_list_end:
		row_list_end(s);
		break;
	case MSG_mailbox_open:
		return row_open(s, &r->m.mailbox_open);
	case MSG_message_header:
		return row_header(r);
	case MSG_message_flags:
		flags_changed(s->link, r->m.message_flags.mailbox, r->m.message_flags.uid, r->m.message_flags.flags);
		break;
	case MSG_uids_present:
		return ingest_present(r);
	case MSG_uids_vanished:
		return row_vanished(r);
	case MSG_mailbox_synced:
		row_synced(s, &r->m.mailbox_synced);
		break;
	case MSG_sync_progress:
		row_progress(s, &r->m.sync_progress);
		break;
	case MSG_sync_fresh:
		link_whole(s->link, r->m.sync_fresh.seconds);
		break;
	case MSG_sync_error:
		row_error(s, &r->m.sync_error);
		break;
	case MSG_op_done:
		if (journal_done(s, &r->m.op_done) == -1)
			log_warn("answer to no operation link=%u", s->link);
		break;
	default:
		break;
	}
	return INGEST_DONE;
}

/* ---- vanished messages ---- */

void
ingest_release(struct imap_session *s)
{
	uint64_t now = store_ticks(), since = UINT64_MAX, before = 0;

	if (!s->listed)
		return;
	for (size_t i = 0; i < s->nfolders; i++)
		if (s->folders[i].synced && s->folders[i].looked_at < since)
			since = s->folders[i].looked_at;
	/* Some folders are looked at seldom; a deletion must not wait for them. */
	if (s->live && now > LIM_HOLD_SECONDS)
		before = now - LIM_HOLD_SECONDS;
	if (bind_release(s->link, since, before, LIM_DB_SLICE) > 0)
		imap_touch(s);
}
