/*
 * mail.h - a store's mail half in one process: a database in a temporary
 * directory, real channels to a played master, imapd-worker, smtp-worker,
 * ats-worker, and to played mime-workers that read a plain subset of headers.
 */
#ifndef TEST_STORE_MAIL_H
#define TEST_STORE_MAIL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <event2/event.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bind.h"
#include "blob.h"
#include "blob_pack.h"
#include "body.h"
#include "changes.h"
#include "check.h"
#include "child.h"
#include "db.h"
#include "email.h"
#include "imap_session.h"
#include "journal.h"
#include "link.h"
#include "link_unit.h"
#include "loop.h"
#include "mailbox.h"
#include "mime_pool.h"
#include "push.h"
#include "seam.h"
#include "submit.h"
#include "submit_copy.h"
#include "table_index.h"

#define LINK 1u
#define OWN "recruiter@agency.example"

/* ---- far ends: what each was told, in order ---- */
struct told {
	enum msg_type type;
	struct wbuf bytes;
	struct body body;
	bool seen;
};

struct far {
	struct chan *c;
	struct told told[4096];
	size_t n;
	bool gone;
};

static struct far far_master, far_imap, far_smtp, far_ats;

static __attribute__((unused)) void
far_clear(struct far *f)
{
	for (size_t i = 0; i < f->n; i++) {
		wbuf_free(&f->told[i].bytes);
		body_close(&f->told[i].body);
	}
	f->n = 0;
}

static __attribute__((unused)) int
hear(struct chan *c, enum msg_type type, const void *m, struct slice field, int *fd)
{
	struct far *f = chan_ctx(c);
	struct told *t = &f->told[f->n];

	assert_true(f->n < 4096);
	*t = (struct told){ .type = type };
	wbuf_init(&t->bytes, 0);
	msg_encode(&t->bytes, type, m);
	assert_int_equal(body_keep(&t->body, field, fd), 0);
	f->n++;
	return 0;
}

#define HEAR(name)                                                                                                     \
	static int hear_##name(struct chan *c, const union msg *m, int *fd)                                            \
	{                                                                                                              \
		return hear(c, MSG_##name, &m->name, SLICE_NONE, fd);                                                  \
	}
#define HEAR_BODY(name)                                                                                                \
	static int hear_##name(struct chan *c, const union msg *m, int *fd)                                            \
	{                                                                                                              \
		return hear(c, MSG_##name, &m->name, m->name.data, fd);                                                \
	}
HEAR(sync_config)
HEAR(mailbox_bound)
HEAR(body_want)
HEAR_BODY(op)
HEAR(send_config)
HEAR_BODY(send_item)
HEAR(data_go)
HEAR(send_quit)
HEAR(set_done)
HEAR(state_change)
HEAR(worker_start)
HEAR(worker_stop)
HEAR(unit_run)
HEAR(unit_stop)
HEAR(stuck)
HEAR(broken)

static __attribute__((unused)) int
hear_nothing(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)m;
	(void)fd;
	return 0;
}

static const chan_handler far_handlers[MSG__COUNT] = { [MSG_audit] = hear_nothing, [MSG_sync_config] = hear_sync_config,
	[MSG_mailbox_bound] = hear_mailbox_bound, [MSG_body_want] = hear_body_want, [MSG_op] = hear_op,
	[MSG_send_config] = hear_send_config, [MSG_send_item] = hear_send_item, [MSG_data_go] = hear_data_go,
	[MSG_send_quit] = hear_send_quit, [MSG_set_done] = hear_set_done, [MSG_state_change] = hear_state_change,
	[MSG_worker_start] = hear_worker_start, [MSG_worker_stop] = hear_worker_stop,
	[MSG_unit_run] = hear_unit_run, [MSG_unit_stop] = hear_unit_stop, [MSG_stuck] = hear_stuck,
	[MSG_broken] = hear_broken };

static __attribute__((unused)) void
far_eof(struct chan *c)
{
	struct far *f = chan_ctx(c);

	f->gone = true;
}

static __attribute__((unused)) void
far_broke(struct chan *c, const char *reason)
{
	(void)c;
	fail_msg("the store broke the rules: %s", reason);
}

static const struct chan_ops far_ops = { .handlers = far_handlers, .on_eof = far_eof, .on_broken = far_broke };

/* A pair; the near end's descriptor is returned. */
static __attribute__((unused)) int
far_open(struct far *f, enum role role)
{
	struct chan_peer store_peer = { .role = ROLE_STORE, .unit = LINK };
	int sv[2];

	far_clear(f);
	chan_free(f->c);	/* of a pair whose near end is gone */
	f->c = NULL;
	f->gone = false;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	f->c = chan_new(sv[1], role, &store_peer, &far_ops, f);
	assert_non_null(f->c);
	chan_run(f->c);
	return sv[0];
}

static __attribute__((unused)) void
far_close(struct far *f)
{
	chan_free(f->c);
	f->c = NULL;
}

/* ---- played mime-workers ---- */
#define MIMES 64
static struct chan *mimes[MIMES];
static bool mime_die_next;		/* the next parse kills its worker */
static bool mime_hangs;			/* parsers take what they get and never answer */
static unsigned int mime_deaths, mime_parses;
static unsigned int mime_given[MIMES], mime_most;	/* messages of each parser; of the one with most */

static __attribute__((unused)) void
header_list(struct slice raw, const char *name, struct wbuf *out, bool address)
{
	char *text = slice_dup(raw), *line, *save = NULL;
	size_t n = strlen(name);

	for (line = strtok_r(text, "\r\n", &save); line != NULL; line = strtok_r(NULL, "\r\n", &save)) {
		struct wbuf w = { .max = 0 };

		if (strncasecmp(line, name, n) != 0 || line[n] != ':')
			continue;
		if (address) {
			struct rec_address a = { .email = slice_str(line + n + 2) };

			rec_address_encode(&w, &a);
			list_add(out, wbuf_slice(&w));
			wbuf_free(&w);
		} else
			list_add(out, slice_str(line + n + 2));
	}
	free(text);
}

static __attribute__((unused)) struct slice
header_part(struct slice raw)
{
	const uint8_t *end = memmem(raw.p, raw.n, "\r\n\r\n", 4);

	return end == NULL ? raw : slice_mem(raw.p, (size_t)(end - raw.p) + 4);
}

static __attribute__((unused)) void
play_parse(struct slice raw, bool header_only, struct wbuf *out)
{
	struct wbuf from = { 0 }, to = { 0 }, bcc = { 0 }, id = { 0 }, irt = { 0 }, refs = { 0 }, hw = { 0 };
	struct slice head = header_part(raw);
	uint8_t digest[32];
	struct rec_header h = { .kind = KIND_HUMAN };
	struct rec_parsed p = { 0 };

	crypto_generichash(digest, sizeof(digest), head.p, head.n, NULL, 0);
	header_list(head, "From", &from, true);
	header_list(head, "To", &to, true);
	header_list(head, "Bcc", &bcc, true);
	header_list(head, "Message-ID", &id, false);
	header_list(head, "In-Reply-To", &irt, false);
	header_list(head, "References", &refs, false);
	h.from = wbuf_slice(&from);
	h.to = wbuf_slice(&to);
	h.bcc = wbuf_slice(&bcc);
	h.message_id = wbuf_slice(&id);
	h.in_reply_to = wbuf_slice(&irt);
	h.references = wbuf_slice(&refs);
	h.digest = slice_mem(digest, sizeof(digest));
	rec_header_encode(&hw, &h);
	p.header = wbuf_slice(&hw);
	if (!header_only) {
		p.note_text = slice_mem(raw.p + head.n, raw.n - head.n);
		p.preview = slice_mem(p.note_text.p, p.note_text.n < 100 ? p.note_text.n : 100);
	}
	rec_parsed_encode(out, &p);
	wbuf_free(&from);
	wbuf_free(&to);
	wbuf_free(&bcc);
	wbuf_free(&id);
	wbuf_free(&irt);
	wbuf_free(&refs);
	wbuf_free(&hw);
}

static __attribute__((unused)) void
mime_die(struct chan *c)
{
	mime_deaths++;
	for (size_t i = 0; i < MIMES; i++)
		if (mimes[i] == c)
			mimes[i] = NULL;
	chan_free(c);
}

static __attribute__((unused)) int
play_on_parse(struct chan *c, const union msg *m, int *fd)
{
	struct wbuf out = { 0 };
	struct body b;

	mime_parses++;
	for (size_t i = 0; i < MIMES; i++)
		if (mimes[i] == c && ++mime_given[i] > mime_most)
			mime_most = mime_given[i];
	assert_int_equal(body_open(&b, m->parse.data, fd), 0);
	if (mime_hangs) {
		body_close(&b);
		return 0;
	}
	if (mime_die_next || memmem(b.data.p, b.data.n, "POISON", 6) != NULL) {
		mime_die_next = false;
		body_close(&b);
		mime_die(c);
		return 0;
	}
	play_parse(b.data, m->parse.header_only, &out);
	if (!m->parse.header_only) {
		struct msg_parsed_text t = { .req = m->parse.req, .part = slice_str("1"), .data = slice_str("text") };

		send_parsed_text(c, &t, -1);
	}
	send_parsed(c, &(struct msg_parsed){ .req = m->parse.req, .data = wbuf_slice(&out) }, -1);
	wbuf_free(&out);
	body_close(&b);
	return 0;
}

static __attribute__((unused)) int
play_on_strip(struct chan *c, const union msg *m, int *fd)
{
	char *text, *at, *end;
	struct body b;

	assert_int_equal(body_open(&b, m->strip.data, fd), 0);
	text = slice_dup(b.data);
	if ((at = strstr(text, "Bcc: ")) != NULL && (end = strstr(at, "\r\n")) != NULL)
		memmove(at, end + 2, strlen(end + 2) + 1);
	send_made(c, &(struct msg_made){ .req = m->strip.req, .data = slice_str(text) }, -1);
	free(text);
	body_close(&b);
	return 0;
}

static __attribute__((unused)) void
put_addresses(struct wbuf *out, const char *name, struct slice list)
{
	struct slice item;
	struct rec_address a;

	while (list_next(&list, &item)) {
		assert_int_equal(rec_address_decode(item, &a), 0);
		w_raw(out, name, strlen(name));
		w_raw(out, ": ", 2);
		w_raw(out, a.email.p, a.email.n);
		w_raw(out, "\r\n", 2);
	}
}

static __attribute__((unused)) int
play_on_compose(struct chan *c, const union msg *m, int *fd)
{
	struct wbuf out = { 0 };
	struct rec_draft d;
	struct slice ids, id;
	struct body b;

	assert_int_equal(body_open(&b, m->compose.draft, fd), 0);
	assert_int_equal(rec_draft_decode(b.data, &d), 0);
	put_addresses(&out, "From", d.from);
	put_addresses(&out, "To", d.to);
	put_addresses(&out, "Bcc", d.bcc);
	w_raw(&out, "Message-ID: ", 12);
	w_raw(&out, d.message_id.p, d.message_id.n);
	for (ids = d.in_reply_to; list_next(&ids, &id);) {
		w_raw(&out, "\r\nIn-Reply-To: ", 15);
		w_raw(&out, id.p, id.n);
	}
	w_raw(&out, "\r\n\r\nhello\r\n", 11);
	send_made(c, &(struct msg_made){ .req = m->compose.req, .data = wbuf_slice(&out) }, -1);
	wbuf_free(&out);
	body_close(&b);
	return 0;
}

static __attribute__((unused)) void
mime_eof(struct chan *c)
{
	for (size_t i = 0; i < MIMES; i++)
		if (mimes[i] == c)
			mimes[i] = NULL;
	chan_free(c);
}

static __attribute__((unused)) void
mime_respawn(void)
{
	static const chan_handler handlers[MSG__COUNT] = { [MSG_parse] = play_on_parse, [MSG_strip] = play_on_strip,
		[MSG_compose] = play_on_compose };
	static const struct chan_ops ops = { .handlers = handlers, .on_eof = mime_eof, .on_broken = far_broke };
	static const struct chan_peer store_peer = { .role = ROLE_STORE }, mime_peer = { .role = ROLE_MIME };
	unsigned int alive = 0;
	int sv[2];

	for (size_t i = 0; i < MIMES; i++)
		alive += mimes[i] != NULL;
	for (size_t i = 0; i < MIMES && alive < 2; i++) {
		if (mimes[i] != NULL)
			continue;
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
		mimes[i] = chan_new(sv[1], ROLE_MIME, &store_peer, &ops, NULL);
		mime_given[i] = 0;
		chan_run(mimes[i]);
		mime_on_peer(&mime_peer, sv[0]);
		alive++;
	}
}

/* ---- time passes ---- */
static __attribute__((unused)) void
far_read(struct far *f)
{
	if (f->c != NULL && !chan_dead(f->c)) {
		chan_write(f->c);
		chan_read(f->c);
	}
}

static __attribute__((unused)) void
turn(void)
{
	event_base_loop(loop_base(), EVLOOP_NONBLOCK);
	db_turn_end();
	mime_respawn();
	for (size_t i = 0; i < MIMES; i++)
		if (mimes[i] != NULL)
			chan_read(mimes[i]);
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
	struct scan s;
	struct slice key;
	size_t n = 0;

	scan_prefix(&s, T_pending, PREFIX(pending, 1, .account = LINK), false);
	while (scan_next(&s, &key, NULL))
		n++;
	scan_end(&s);
	return n;
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
