/*
 * store_stage.h - the real store of the ATS block "agency" with its real
 * database; master, vault, ats-worker, imapd-workers, smtp-workers and
 * mime-workers are played.
 */
#ifndef TESTS_DEPUTIES_STORE_STAGE_H
#define TESTS_DEPUTIES_STORE_STAGE_H

#include "stage.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "seal_format.h"
#include "table.h"

#define MIMES 4
#define CANDIDATE "candidate@home.example"

static struct stage store;
static struct player vault, ats, mimes[MIMES];
static char root[64];
static bool mimes_work;		/* they answer by themselves */
static uint32_t last_req;

static inline void
give_config(struct chan *master)
{
	struct msg_cfg_store m = { .dir = slice_str(geteuid() == 0 ? "/" : root), .content = CONTENT_ALL, .first = 100,
		.max_links = 20, .hash_key = slice_mem("0123456789abcdef0123456789abcdef", 32) };

	assert_int_equal(send_cfg_store(master, &m), 0);
}

/* ---- mime-workers that do what they should ---- */
static inline void
put_address(struct wbuf *list, const char *address)
{
	struct rec_address a = { .email = slice_str(address) };
	struct wbuf w = { .max = 0 };

	rec_address_encode(&w, &a);
	list_add(list, wbuf_slice(&w));
	wbuf_free(&w);
}

/* What is told of any message: from and to are those of its first two lines. */
static inline void
parsed_of(struct slice raw, bool whole, struct wbuf *out)
{
	struct wbuf from = { .max = 0 }, to = { .max = 0 }, id = { .max = 0 }, header = { .max = 0 };
	char a[64] = "", b[64] = "", c[64] = "", *text = slice_dup(raw);
	struct rec_header h = { .kind = KIND_HUMAN, .subject = slice_str("subject") };
	struct rec_parsed p = { .preview = slice_str("preview"), .note_text = slice_str("text") };
	struct rec_text t = { .part = slice_str("1"), .data = slice_str("decoded text") };
	struct wbuf one = { .max = 0 }, texts = { .max = 0 };
	uint8_t digest[32];

	(void)sscanf(text, "From: %63s To: %63s Message-ID: %63s", a, b, c);
	crypto_generichash(digest, sizeof(digest), raw.p, raw.n, NULL, 0);
	put_address(&from, a);
	put_address(&to, b);
	list_add(&id, slice_str(c));
	h.from = wbuf_slice(&from);
	h.to = wbuf_slice(&to);
	h.message_id = wbuf_slice(&id);
	h.digest = slice_mem(digest, sizeof(digest));
	rec_header_encode(&header, &h);
	p.header = wbuf_slice(&header);
	rec_text_encode(&one, &t);
	w_bytes(&texts, wbuf_slice(&one), LIM_MIME_TEXT);
	if (whole)
		p.texts = wbuf_slice(&texts);
	rec_parsed_encode(out, &p);
	free(text);
	wbuf_free(&one);
	wbuf_free(&texts);
	wbuf_free(&from);
	wbuf_free(&to);
	wbuf_free(&id);
	wbuf_free(&header);
}

static inline void
mime_parse_answer(struct player *p, const struct msg_parse *q)
{
	struct wbuf out = { .max = 0 };

	parsed_of(q->data, !q->header_only, &out);
	(void)send_parsed(p->chan, &(struct msg_parsed){ .req = q->req, .data = wbuf_slice(&out) }, -1);
	wbuf_free(&out);
}

static inline void
mime_compose_answer(struct player *p, const struct msg_compose *q)
{
	struct slice list, item;
	struct rec_address a;
	struct rec_draft d;
	char raw[256];

	assert_int_equal(rec_draft_decode(q->draft, &d), 0);
	list = d.from;
	assert_true(list_next(&list, &item) && rec_address_decode(item, &a) == 0);
	snprintf(raw, sizeof(raw), "From: %.*s\r\nTo: " CANDIDATE "\r\nMessage-ID: ours-%u@agency.example\r\n\r\nhello\r\n",
	    (int)a.email.n, (const char *)a.email.p, q->req);
	(void)send_made(p->chan, &(struct msg_made){ .req = q->req, .data = slice_str(raw) }, -1);
}

static inline void
mime_work(struct player *p)
{
	union msg m;

	if (p->gone) {
		player_leave(p);
		stage_wire(&store, p, ROLE_MIME, "agency", 0, "");
	}
	while (player_has(p, MSG_parse, &m))
		mime_parse_answer(p, &m.parse);
	while (player_has(p, MSG_compose, &m))
		mime_compose_answer(p, &m.compose);
	while (player_has(p, MSG_strip, &m))
		(void)send_made(p->chan, &(struct msg_made){ .req = m.strip.req, .data = m.strip.data }, -1);
}

static inline void
turn(void)
{
	stage_turn(2);
	for (size_t i = 0; mimes_work && i < MIMES; i++)
		mime_work(&mimes[i]);
}

/* The next message of a type, while the mime-workers work. */
static inline void
told(struct player *p, enum msg_type type, union msg *m)
{
	struct timespec from, now;

	clock_gettime(CLOCK_MONOTONIC, &from);
	while (!player_has(p, type, m)) {
		turn();
		stage_alive(&store);
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (p->gone || now.tv_sec > from.tv_sec + STAGE_MS / 1000)
			fail_msg("no message %s came%s", msg_name(type), p->gone ? ": channel closed" : "");
	}
}

/* ---- life ---- */
static inline void
store_wire(void)
{
	stage_wire(&store, &vault, ROLE_VAULT, "", 0, "");
	stage_wire(&store, &ats, ROLE_ATS, "agency", 0, "");
	for (size_t i = 0; i < MIMES; i++)
		stage_wire(&store, &mimes[i], ROLE_MIME, "agency", 0, "");
	mimes_work = true;
}

static inline void
store_open(void)
{
	stage_start(&store, ROLE_STORE, "agency", root, give_config);
	store_wire();
}

static inline void
store_close(void)
{
	stage_stop(&store);
	player_leave(&vault);
	player_leave(&ats);
	for (size_t i = 0; i < MIMES; i++)
		player_leave(&mimes[i]);
}

static inline int
store_setup(void **state)
{
	(void)state;
	assert_int_not_equal(sodium_init(), -1);
	stage_directory(root, ROLE_STORE);
	store_open();
	return 0;
}

static inline int
store_teardown(void **state)
{
	(void)state;
	store_close();
	stage_remove(root);
	return 0;
}

/* What a store orders must be what the master takes; else it ends the store. */
static inline void
orders_are_sound(void)
{
	char host[LIM_HOST + 1];
	union msg m;

	while (player_has(&store.master, MSG_unit_run, &m)) {
		struct slice hosts[] = { m.unit_run.imap_host, m.unit_run.smtp_host };

		assert_true((m.unit_run.unit & UNIT_PROBE) != 0 || m.unit_run.link == m.unit_run.unit);
		assert_true(m.unit_run.imap_security <= SECURITY_NONE && m.unit_run.smtp_security <= SECURITY_NONE);
		for (int i = 0; i < 2; i++)
			if (hosts[i].n > 0 && (seal_host_canonical(hosts[i], host) == -1 || !slice_eq_str(hosts[i], host)))
				fail_msg("unit %u with host %.*s", m.unit_run.unit, (int)hosts[i].n, (const char *)hosts[i].p);
	}
}

/* ---- a link ---- */
static inline uint32_t
link_made(const char *address)
{
	static unsigned int n;
	char seal[32];
	struct wbuf w = { .max = 0 };
	struct rec_link r = { .address = slice_str(address), .mode = MODE_TWO_WAY,
		.imap_host = slice_str("imap.example.org"), .imap_port = 993, .imap_security = SECURITY_TLS,
		.imap_user = slice_str(address), .smtp_host = slice_str("smtp.example.org"), .smtp_port = 465,
		.smtp_security = SECURITY_TLS, .smtp_user = slice_str(address) };
	union msg m;

	snprintf(seal, sizeof(seal), "seal %u", ++n);
	rec_link_encode(&w, &r);
	assert_int_equal(send_link_set(ats.chan, &(struct msg_link_set){ .req = ++last_req, .action = SET_CREATE,
		.record = wbuf_slice(&w), .seal = slice_str(seal) }), 0);
	wbuf_free(&w);
	told(&vault, MSG_seal_open, &m);
	(void)send_seal_opened(vault.chan, &(struct msg_seal_opened){ .req = m.seal_open.req,
		.record = slice_str(address) });
	told(&ats, MSG_set_done, &m);
	assert_int_equal(m.set_done.error.n, 0);
	return (uint32_t)m.set_done.id;
}

static inline uint64_t
folder(struct player *imap, const char *name, enum mailbox_role role)
{
	union msg m;

	(void)send_mailbox_found(imap->chan, &(struct msg_mailbox_found){ .raw_name = slice_str(name),
		.name = slice_str(name), .separator = '/', .role = (uint8_t)role, .selectable = true, .synced = true });
	do
		told(imap, MSG_mailbox_bound, &m);
	while (!slice_eq_str(m.mailbox_bound.raw_name, name));
	return m.mailbox_bound.mailbox;
}

static inline void
header(struct player *imap, uint64_t mailbox, uint32_t uid, const char *from, const char *to)
{
	char raw[256];

	snprintf(raw, sizeof(raw), "From: %s\r\nTo: %s\r\nMessage-ID: %s-%s-%u@x.example\r\n\r\n", from, to, from, to, uid);
	(void)send_message_header(imap->chan, &(struct msg_message_header){ .mailbox = mailbox, .uid = uid, .modseq = uid,
		.internaldate = 1700000000 + uid, .size = 500, .header = slice_str(raw) }, -1);
}

/* One imapd-worker and its link's three folders. */
struct session {
	uint32_t link;
	struct player imap;
	uint64_t inbox, sent, drafts;
};

static inline void
folders(struct session *s)
{
	union msg m;

	told(&s->imap, MSG_sync_config, &m);
	s->inbox = folder(&s->imap, "INBOX", MBOX_INBOX);
	s->sent = folder(&s->imap, "Sent", MBOX_SENT);
	s->drafts = folder(&s->imap, "Drafts", MBOX_DRAFTS);
	(void)send_mailbox_list_end(s->imap.chan, &(struct msg_mailbox_list_end){ .count = 3 });
	for (int i = 0; i < 3; i++)
		(void)send_mailbox_open(s->imap.chan, &(struct msg_mailbox_open){ .uidvalidity = 9, .uidnext = 10, .modseq = 10,
			.mailbox = i == 0 ? s->inbox : i == 1 ? s->sent : s->drafts, .keywords_any = true });
}

static inline void
session_open(struct session *s, uint32_t link)
{
	*s = (struct session){ .link = link };
	stage_wire(&store, &s->imap, ROLE_IMAP, "agency", link, "");
	folders(s);
}

/* ---- what the ATS sees ---- */
static inline size_t
ids_of(uint32_t account, enum obj_type type, uint64_t ids[16])
{
	struct msg_query q = { .req = ++last_req, .account = account, .type = (uint8_t)type, .limit = 16 };
	struct wbuf f = { .max = 0 };
	struct rec_filter filter = { .account = 0 };
	union msg m;
	size_t n;

	rec_filter_encode(&f, &filter);
	q.filter = wbuf_slice(&f);
	assert_int_equal(send_query(ats.chan, &q), 0);
	wbuf_free(&f);
	do
		told(&ats, MSG_query_done, &m);
	while (m.query_done.req != q.req);
	n = ids_count(m.query_done.ids);
	for (size_t i = 0; i < n && i < 16; i++)
		ids[i] = ids_at(m.query_done.ids, i);
	return n;
}

static inline size_t
emails(uint32_t account)
{
	uint64_t ids[16];

	return ids_of(account, OBJ_EMAIL, ids);
}

static inline void
wait_emails(uint32_t account, size_t n)
{
	struct timespec from, now;

	clock_gettime(CLOCK_MONOTONIC, &from);
	while (emails(account) != n) {
		turn();
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec > from.tv_sec + STAGE_MS / 1000)
			fail_msg("link %u has %zu mails, not %zu", account, emails(account), n);
	}
}

/* A set request's answer: its error, "" = done. */
static inline const char *
set_answer(uint32_t req, uint64_t *id)
{
	static char error[LIM_CODE + 1];
	union msg m;

	do
		told(&ats, MSG_set_done, &m);
	while (m.set_done.req != req);
	assert_int_equal(slice_copy(m.set_done.error, error, sizeof(error)), 0);
	if (id != NULL)
		*id = m.set_done.id;
	return error;
}

/* A draft of this link and its submission, due at that time (0 = now). */
static inline uint64_t
submitted(struct session *s, const char *sender, uint64_t send_at)
{
	struct wbuf from = { .max = 0 }, to = { .max = 0 }, d = { .max = 0 }, boxes = { .max = 0 }, w = { .max = 0 };
	struct rec_draft r = { .sent_at = 1700000000 };
	struct rec_submission sub = { .send_at = send_at };
	uint64_t id;

	put_address(&from, sender);
	put_address(&to, CANDIDATE);
	r.from = wbuf_slice(&from);
	r.to = wbuf_slice(&to);
	rec_draft_encode(&d, &r);
	ids_add(&boxes, s->drafts);
	assert_int_equal(send_email_create(ats.chan, &(struct msg_email_create){ .req = ++last_req, .account = s->link,
		.keywords = slice_str("$draft"), .mailboxes = wbuf_slice(&boxes), .draft = wbuf_slice(&d) }, -1), 0);
	assert_string_equal(set_answer(last_req, &sub.email), "");
	rec_submission_encode(&w, &sub);
	assert_int_equal(send_submission_set(ats.chan, &(struct msg_submission_set){ .req = ++last_req, .account = s->link,
		.action = SET_CREATE, .record = wbuf_slice(&w) }), 0);
	assert_string_equal(set_answer(last_req, &id), "");
	wbuf_free(&from);
	wbuf_free(&to);
	wbuf_free(&d);
	wbuf_free(&boxes);
	wbuf_free(&w);
	return id;
}

#endif
