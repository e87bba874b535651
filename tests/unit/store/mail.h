/*
 * mail.h - a store's mail half in one process: a database in a temporary
 * directory, real channels to a played master, imapd-worker, smtp-worker,
 * ats-worker, and to played mime-workers that read a plain subset of headers.
 */
#ifndef TEST_STORE_MAIL_H
#define TEST_STORE_MAIL_H

#include "mail_far.h"
#include "mail_mime.h"
#include "rows.h"

/* ---- time passes ---- */
static __attribute__((unused)) void
far_read(struct far *f)
{
	if (f->c != NULL && !chan_dead(f->c)) {
		chan_write(f->c);
		chan_read(f->c);
	}
}

static void (*turn_end)(void) = db_turn_end;	/* or db_iteration_end: work is gathered */

static __attribute__((unused)) void
turn(void)
{
	event_base_loop(loop_base(), EVLOOP_NONBLOCK);
	turn_end();
	mime_respawn();
	for (size_t i = 0; i < MIMES; i++)
		if (mimes[i] != NULL)
			chan_read(mimes[i]);
	mime_answer_kept();
	far_read(&far_master);
	far_read(&far_imap);
	far_read(&far_smtp);
	far_read(&far_ats);
}

static __attribute__((unused)) void
turns(void)
{
	for (int i = 0; i < 40; i++) {
		turn();
		usleep(500);
	}
}

static __attribute__((unused)) void
turns_for(unsigned int ms)
{
	for (unsigned int i = 0; i < ms; i++) {
		turn();
		usleep(1000);
	}
}

/* The next message of a type that was not looked at; NULL: none. */
static __attribute__((unused)) struct told *
next_told(struct far *f, enum msg_type type, union msg *m)
{
	for (size_t i = 0; i < f->n; i++) {
		struct told *t = &f->told[i];

		if (t->type != type || t->seen)
			continue;
		t->seen = true;
		assert_int_equal(msg_decode(type, wbuf_slice(&t->bytes), m), 0);
		return t;
	}
	return NULL;
}

/* ---- the store ---- */
static char dir[64];

static __attribute__((unused)) void
link_put(enum link_mode mode, enum content_policy content)
{
	struct rec_link r = { .address = slice_str(OWN), .mode = (uint8_t)mode, .state = LINK_CONNECTING,
		.content = (uint8_t)content, .imap_host = slice_str("imap"), .smtp_host = slice_str("smtp"),
		.imap_user = slice_str(OWN), .smtp_user = slice_str(OWN), .imap_port = 993, .smtp_port = 465,
		.imap_security = SECURITY_TLS, .smtp_security = SECURITY_TLS };
	bool known = table_get(T_link, KEY(link, .no = LINK), NULL);

	if (!known)
		assert_int_equal(store_next_link(), LINK);
	link_write(LINK, &r, !known);
	link_start(LINK);
	db_turn_end();
}

static __attribute__((unused)) int
near_anything(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)m;
	(void)fd;
	return 0;
}

static __attribute__((unused)) void
ignore_eof(struct chan *c)
{
	(void)c;
}

static struct chan *near_ats;

static __attribute__((unused)) void
near_open(void)
{
	static const chan_handler master_handlers[MSG__COUNT] = { [MSG_worker_gone] = near_anything };
	static const chan_handler ats_handlers[MSG__COUNT] = { [MSG_email_create] = email_on_create,
		[MSG_email_update] = email_on_update, [MSG_email_destroy] = email_on_destroy,
		[MSG_email_content] = email_on_content, [MSG_submission_set] = submit_on_set };
	static const struct chan_ops master_ops = { .handlers = master_handlers, .on_eof = ignore_eof,
		.on_broken = far_broke };
	static const struct chan_ops ats_ops = { .handlers = ats_handlers, .on_eof = ignore_eof,
		.on_broken = far_broke };
	static const struct chan_peer master_peer = { .role = ROLE_MASTER }, ats_peer = { .role = ROLE_ATS };

	child.master = loop_chan(far_open(&far_master, ROLE_MASTER), &master_peer, &master_ops, NULL);
	near_ats = loop_chan(far_open(&far_ats, ROLE_ATS), &ats_peer, &ats_ops, NULL);
}

static __attribute__((unused)) void
store_open(void)
{
	static bool once;

	child.role = ROLE_STORE;
	if (!once) {
		assert_int_not_equal(sodium_init(), -1);
		blob_pack_init();
		push_init();
		link_unit_init();
		mail_init();
	}
	once = true;
	assert_int_equal(db_open(dir), 0);
	store.content = CONTENT_MATCHED;
	near_open();
}

/* As if the process died: nothing that was not committed is left. */
static __attribute__((unused)) void
store_close(void)
{
	struct imap_session *s = imap_session_of(LINK);

	if (s != NULL)
		imap_stop(s);
	far_close(&far_imap);
	far_close(&far_smtp);
	turn();
	mail_worker_gone(LINK, ROLE_SMTP, SLICE_NONE);
	turns();	/* what is at the parsers comes back to nobody */
	mail_forget(near_ats);
	out_forget(near_ats);
	out_forget(child.master);
	chan_free(near_ats);
	chan_free(child.master);
	far_close(&far_master);
	far_close(&far_ats);
	db_close();
}

static __attribute__((unused)) int
setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/postern-test-XXXXXX");
	assert_non_null(mkdtemp(dir));
	store_open();
	link_put(MODE_TWO_WAY, CONTENT_ALL);
	mime_die_next = false;
	mime_deaths = mime_parses = mime_most = 0;
	return 0;
}

/* After each test the database must be whole; a test that writes rows by hand
 * says so. */
static bool by_hand;

static __attribute__((unused)) void
not_whole(void *ctx, const char *text)
{
	(void)ctx;
	print_error("%s\n", text);
}

static __attribute__((unused)) int
teardown(void **state)
{
	char path[128];
	bool whole;

	(void)state;
	db_turn_end();
	whole = by_hand || store_check(not_whole, NULL) == 0;
	by_hand = false;
	store_close();
	snprintf(path, sizeof(path), "%s/data.mdb", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/lock.mdb", dir);
	unlink(path);
	rmdir(dir);
	return whole ? 0 : -1;
}

/* ---- a played imapd-worker ---- */
static uint64_t inbox, sent, drafts, archive;

static __attribute__((unused)) uint64_t
found(const char *name, enum mailbox_role role, bool synced)
{
	struct msg_mailbox_found f = { .raw_name = slice_str(name), .name = slice_str(name), .separator = '/',
		.role = (uint8_t)role, .selectable = true, .synced = synced };
	union msg m;

	assert_int_equal(send_mailbox_found(far_imap.c, &f), 0);
	turns();
	assert_non_null(next_told(&far_imap, MSG_mailbox_bound, &m));
	assert_true(slice_eq_str(m.mailbox_bound.raw_name, name));
	return m.mailbox_bound.mailbox;
}

static __attribute__((unused)) void
imap_connect(void)
{
	static const struct chan_peer peer = { .role = ROLE_IMAP, .unit = LINK };

	imap_peer(&peer, far_open(&far_imap, ROLE_IMAP));
	turns();
	inbox = found("INBOX", MBOX_INBOX, true);
	sent = found("Sent", MBOX_SENT, true);
	drafts = found("Drafts", MBOX_DRAFTS, false);
	archive = found("Archive", MBOX_ARCHIVE, true);
	assert_int_equal(send_mailbox_list_end(far_imap.c, &(struct msg_mailbox_list_end){ .count = 4 }), 0);
	turns();
}

static __attribute__((unused)) void
imap_lost(void)
{
	far_close(&far_imap);
	turns();
	assert_null(imap_session_of(LINK));
}

static __attribute__((unused)) void
opened(uint64_t mailbox, uint32_t validity)
{
	send_mailbox_open(far_imap.c,
	    &(struct msg_mailbox_open){ .mailbox = mailbox, .uidvalidity = validity, .keywords_any = true });
}

static __attribute__((unused)) void
header(uint64_t mailbox, uint32_t uid, const char *flags, const char *text)
{
	struct msg_message_header h = { .mailbox = mailbox, .uid = uid, .flags = slice_str(flags),
		.internaldate = 1700000000, .size = (uint32_t)strlen(text) + 7, .header = slice_str(text) };

	assert_int_equal(send_message_header(far_imap.c, &h, -1), 0);
}

static __attribute__((unused)) void
vanish(uint64_t mailbox, uint32_t uid)
{
	struct wbuf w = { 0 };

	w_u32(&w, uid);
	w_u32(&w, uid);
	send_uids_vanished(far_imap.c, &(struct msg_uids_vanished){ .mailbox = mailbox, .ranges = wbuf_slice(&w) });
	wbuf_free(&w);
}

static __attribute__((unused)) void
synced(uint64_t mailbox, uint32_t validity, uint32_t next)
{
	assert_int_equal(send_mailbox_synced(far_imap.c,
			     &(struct msg_mailbox_synced){ .mailbox = mailbox, .uidvalidity = validity,
				 .uidnext = next, .uid_low = 1, .complete = true }),
	    0);
}

static __attribute__((unused)) void
op_answer(uint64_t op, enum op_result result, uint32_t validity, uint32_t uid)
{
	assert_int_equal(send_op_done(far_imap.c,
			     &(struct msg_op_done){ .op = op, .result = (uint8_t)result, .uidvalidity = validity,
				 .uid = uid }),
	    0);
	turns();
}

/* ---- looking ---- */
static __attribute__((unused)) size_t
emails(uint64_t *ids, size_t max)
{
	struct scan s;
	struct slice key;
	struct key_email k;
	size_t n = 0;

	scan_prefix(&s, T_email, PREFIX(email, 1, .account = LINK), false);
	while (n < max && scan_next(&s, &key, NULL))
		if (key_email_read(key, &k) == 0)
			ids[n++] = k.id;
	scan_end(&s);
	return n;
}

static __attribute__((unused)) uint64_t
only_email(void)
{
	uint64_t ids[4];

	assert_int_equal(emails(ids, 4), 1);
	return ids[0];
}

static __attribute__((unused)) bool
is_in(uint64_t email, uint64_t mailbox)
{
	struct email e;
	bool in = false;

	if (email_load(&e, LINK, email)) {
		in = ids_has(e.rec.mailboxes, mailbox);
		email_free(&e);
	}
	return in;
}

static __attribute__((unused)) bool
has_keyword(uint64_t email, const char *keyword)
{
	struct email e;
	bool has = false;

	if (email_load(&e, LINK, email)) {
		has = keywords_has(e.rec.keywords, keyword);
		email_free(&e);
	}
	return has;
}

static __attribute__((unused)) struct rec_mailbox
counts(uint64_t mailbox)
{
	struct row_mailbox row;
	struct rec_mailbox rec = { 0 };

	if (row_mailbox_get(&row, KEY(mailbox, .account = LINK, .id = mailbox))) {
		rec = row.rec;
		row_mailbox_free(&row);
	}
	return rec;
}

static __attribute__((unused)) size_t
pending_count(void)
{
	return rows_of(T_pending, PREFIX(pending, 1, .account = LINK));
}

static __attribute__((unused)) size_t
reviews(void)
{
	return rows_in(T_review);
}

/* What the ATS heard last. */
static __attribute__((unused)) struct msg_set_done
answer_of(uint32_t req)
{
	union msg m;

	turns();
	while (next_told(&far_ats, MSG_set_done, &m) != NULL)
		if (m.set_done.req == req)
			return m.set_done;
	fail_msg("request %u was not answered", req);
	return m.set_done;
}

#endif
