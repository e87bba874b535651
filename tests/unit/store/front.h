/*
 * front.h - a store's front half in one process: its database in a temporary
 * directory, real channels to a make-believe ats-worker, vault and master, and
 * stand-ins for what seam.h expects of the mail half.
 */
#ifndef TEST_STORE_FRONT_H
#define TEST_STORE_FRONT_H

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

#include "ats_request.h"
#include "audit.h"
#include "blob.h"
#include "body.h"
#include "changes.h"
#include "child.h"
#include "db.h"
#include "link_unit.h"
#include "log.h"
#include "loop.h"
#include "match.h"
#include "note.h"
#include "person.h"
#include "probe.h"
#include "push.h"
#include "review.h"
#include "rows.h"
#include "seam.h"
#include "table_index.h"
#include "thread.h"

/* ---- the mail half, absent ---- */
#define STAND_IN __attribute__((weak))
static struct {
	unsigned int wants, stopped, changed;
	uint64_t want_email;
	int resolved;	/* what submit_resolve was told; -1 none */
} mail_calls;

STAND_IN void
mail_link_changed(uint32_t no)
{
	(void)no;
	mail_calls.changed++;
}

STAND_IN void
mail_link_stopped(uint32_t no)
{
	(void)no;
	mail_calls.stopped++;
}

STAND_IN void
ingest_want(uint32_t account, uint64_t email, bool backfill)
{
	(void)account;
	(void)backfill;
	mail_calls.wants++;
	mail_calls.want_email = email;
}

STAND_IN int
submit_resolve(uint32_t account, uint64_t submission, bool send_again)
{
	(void)account;
	(void)submission;
	mail_calls.resolved = send_again;
	return 0;
}

/* ---- a peer: what it was told, in order ---- */
struct told {
	enum msg_type type;
	struct wbuf bytes;
	int fd;
};

struct far_end {
	struct chan *near, *far;
	struct told told[8192];
	size_t n, read;
};

static struct far_end ats, vault, master;

#define HEAR(name)                                                                                                     \
	static int hear_##name(struct chan *c, const union msg *m, int *fd)                                            \
	{                                                                                                              \
		struct far_end *e = chan_ctx(c);                                                                       \
		struct told *t = &e->told[e->n++ % 8192];                                                              \
		t->type = MSG_##name;                                                                                  \
		wbuf_free(&t->bytes);                                                                                  \
		wbuf_init(&t->bytes, 0);                                                                               \
		msg_encode(&t->bytes, MSG_##name, &m->name);                                                           \
		t->fd = *fd;                                                                                           \
		*fd = -1;                                                                                              \
		return 0;                                                                                              \
	}
HEAR(row)
HEAR(get_done)
HEAR(changes_done)
HEAR(query_done)
HEAR(set_done)
HEAR(probe_step)
HEAR(blob_data)
HEAR(state_change)
HEAR(record)
HEAR(seal_open)
HEAR(record_put_done)
HEAR(unit_run)
HEAR(unit_stop)
HEAR(worker_start)

/* What was said for the audit log, as text; not in order with the rest. */
static char audited[65536];

static void
audit_text(void *ctx, const char *key, struct slice text)
{
	size_t n = strlen(audited);

	(void)ctx;
	snprintf(audited + n, sizeof(audited) - n, " %s=%.*s", key, (int)text.n, (const char *)text.p);
}

static int
hear_audit(struct chan *c, const union msg *m, int *fd)
{
	size_t n = strlen(audited);

	(void)c;
	(void)fd;
	assert_true(m->audit.event > AUDIT_none && m->audit.event < AUDIT__COUNT);
	assert_true(audit_table[m->audit.event].from & R_STORE);
	snprintf(audited + n, sizeof(audited) - n, "\n%s", audit_table[m->audit.event].name);
	return audit_decode(m->audit.event, m->audit.fields, audit_text, NULL);
}

static const chan_handler far_handlers[MSG__COUNT] = { [MSG_row] = hear_row, [MSG_get_done] = hear_get_done,
	[MSG_changes_done] = hear_changes_done, [MSG_query_done] = hear_query_done, [MSG_set_done] = hear_set_done,
	[MSG_probe_step] = hear_probe_step, [MSG_blob_data] = hear_blob_data,
	[MSG_state_change] = hear_state_change, [MSG_record] = hear_record, [MSG_seal_open] = hear_seal_open,
	[MSG_record_put_done] = hear_record_put_done,
	[MSG_unit_run] = hear_unit_run, [MSG_unit_stop] = hear_unit_stop,
	[MSG_worker_start] = hear_worker_start, [MSG_audit] = hear_audit };

static void
far_broken(struct chan *c, const char *reason)
{
	(void)c;
	fail_msg("the store broke the rules: %s", reason);
}

static void
far_gone(struct chan *c)
{
	(void)c;
}

static const struct chan_ops far_ops = { .handlers = far_handlers, .on_eof = far_gone, .on_broken = far_broken };

static int
near_seal_opened(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	probe_on_seal_opened(&m->seal_opened);
	return 0;
}

static const chan_handler near_handlers[MSG__COUNT] = { [MSG_get] = ats_on_get, [MSG_changes] = ats_on_changes,
	[MSG_query] = ats_on_query, [MSG_blob_get] = ats_on_blob_get, [MSG_blob_put] = ats_on_blob_put,
	[MSG_link_set] = link_on_set, [MSG_correspondent_set] = person_on_set, [MSG_review_set] = review_on_set,
	[MSG_note_destroy] = note_on_destroy, [MSG_seal_opened] = near_seal_opened,
	[MSG_record_put] = link_on_record_put };
static const struct chan_ops near_ops = { .handlers = near_handlers, .on_eof = far_gone, .on_broken = far_broken,
	.on_credit = ats_credit };

static void
far_open(struct far_end *e, enum role role)
{
	struct chan_peer there = { .role = role }, here = { .role = ROLE_STORE };
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd), 0);
	e->near = chan_new(fd[0], ROLE_STORE, &there, &near_ops, NULL);
	e->far = chan_new(fd[1], role, &here, &far_ops, e);
	assert_non_null(e->near);
	assert_non_null(e->far);
	chan_run(e->near);
	chan_run(e->far);
	e->n = e->read = 0;
}

static void
far_close(struct far_end *e)
{
	chan_free(e->near);
	chan_free(e->far);
	e->near = e->far = NULL;
	for (size_t i = 0; i < 8192; i++) {
		wbuf_free(&e->told[i].bytes);
		if (e->told[i].fd > 0)
			close(e->told[i].fd);
		e->told[i].fd = -1;
	}
}

/* The next message of this type, skipping others; fails when there is none. */
static inline struct told *
told_next(struct far_end *e, enum msg_type type, union msg *m)
{
	while (e->read < e->n) {
		struct told *t = &e->told[e->read++ % 8192];

		if (t->type == type) {
			assert_int_equal(msg_decode(type, wbuf_slice(&t->bytes), m), 0);
			return t;
		}
	}
	fail_msg("%s was not told", msg_name(type));
	return NULL;
}

static inline size_t
told_count(const struct far_end *e, enum msg_type type)
{
	size_t n = 0;

	for (size_t i = e->read; i < e->n; i++)
		n += e->told[i % 8192].type == type;
	return n;
}

/* ---- turns ---- */
static void
pump(struct far_end *e)
{
	if (e->near == NULL)
		return;
	chan_read(e->near);
	chan_write(e->near);
	chan_read(e->far);
	chan_write(e->far);
}

static inline void
turn(void)
{
	pump(&ats);
	pump(&vault);
	pump(&master);
	event_base_loop(loop_base(), EVLOOP_NONBLOCK);
	db_turn_end();
	pump(&ats);
	pump(&vault);
	pump(&master);
}

/* Until what was put off is done too. */
static inline void
settle(unsigned int turns)
{
	const struct timespec t = { 0, 2000000 };

	while (turns-- > 0) {
		turn();
		nanosleep(&t, NULL);
	}
}

/* ---- life ---- */
static char front_dir[] = "/tmp/postern-store-XXXXXX";

static inline void
front_reopen(void)
{
	db_close();
	assert_int_equal(db_open(front_dir), 0);
}

static int
front_setup(void **state)
{
	static bool hooked;

	(void)state;
	assert_int_not_equal(sodium_init(), -1);
	if (!hooked) {
		push_init();
		link_unit_init();
		probe_init();
	}
	hooked = true;
	strcpy(front_dir, "/tmp/postern-store-XXXXXX");
	assert_non_null(mkdtemp(front_dir));
	assert_int_equal(db_open(front_dir), 0);
	far_open(&ats, ROLE_ATS);
	far_open(&vault, ROLE_VAULT);
	far_open(&master, ROLE_MASTER);
	child.master = master.near;
	child.role = ROLE_STORE;
	store.vault = vault.near;
	store.content = CONTENT_ALL;
	store.first = 100;
	wbuf_reset(&store.own_domains);
	list_add(&store.own_domains, slice_str("agency.example"));
	mail_calls.wants = mail_calls.stopped = mail_calls.changed = 0;
	mail_calls.resolved = -1;
	return 0;
}

static int
front_teardown(void **state)
{
	char path[128];

	(void)state;
	settle(3);
	for (uint32_t no = 1; no < 100; no++)
		link_run_forget(no);
	ats_forget(ats.near);
	link_forget(ats.near);
	out_forget(ats.near);
	out_forget(master.near);
	far_close(&ats);
	far_close(&vault);
	far_close(&master);
	db_close();
	snprintf(path, sizeof(path), "%s/data.mdb", front_dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/lock.mdb", front_dir);
	unlink(path);
	return rmdir(front_dir);
}

/* ---- rows to begin with ---- */
static inline uint32_t
make_link(const char *address)
{
	uint32_t no = store_next_link();
	struct rec_link r = { .address = slice_str(address), .name = slice_str("Somebody"), .mode = MODE_TWO_WAY,
		.imap_host = slice_str("imap.example.org"), .imap_port = 993, .imap_security = SECURITY_TLS,
		.imap_user = slice_str(address), .smtp_host = slice_str("smtp.example.org"), .smtp_port = 465,
		.smtp_security = SECURITY_TLS, .smtp_user = slice_str(address), .state = LINK_LIVE, .generation = 1 };

	link_write(no, &r, true);
	return no;
}

static inline void
add_address(struct wbuf *list, const char *name, const char *email)
{
	struct wbuf w = { .max = 600 };

	rec_address_encode(&w, &(struct rec_address){ .name = slice_str(name), .email = slice_str(email) });
	list_add(list, wbuf_slice(&w));
	wbuf_free(&w);
}

/* Comma-separated addresses. */
static inline void
add_addresses(struct wbuf *list, const char *csv)
{
	char copy[1024], *save = NULL;

	snprintf(copy, sizeof(copy), "%s", csv);
	for (char *p = strtok_r(copy, ",", &save); p != NULL; p = strtok_r(NULL, ",", &save))
		add_address(list, "", p);
}

struct mail {
	const char *from, *to, *cc, *message_id, *in_reply_to, *references, *subject, *text;
	uint64_t received_at, mailbox;
	bool header_only;
	struct slice parts;
};

static inline void
add_ids(struct wbuf *list, const char *csv)
{
	char copy[1024], *save = NULL;

	snprintf(copy, sizeof(copy), "%s", csv != NULL ? csv : "");
	for (char *p = strtok_r(copy, ",", &save); p != NULL; p = strtok_r(NULL, ",", &save))
		list_add(list, slice_str(p));
}

/* A stored email, as the mail half would have written it; no note is filed. */
static inline uint64_t
make_email(uint32_t account, const struct mail *m)
{
	struct wbuf from = { 0 }, to = { 0 }, cc = { 0 }, mid = { 0 }, irt = { 0 }, refs = { 0 }, h = { 0 }, mb = { 0 };
	struct rec_header header = { .subject = slice_str(m->subject), .sent_at = m->received_at, .kind = KIND_HUMAN };
	struct rec_email e = { .received_at = m->received_at,
		.content_state = m->header_only ? CONTENT_STATE_HEADER : CONTENT_STATE_FULL };
	uint64_t id = store_next_id();

	add_addresses(&from, m->from != NULL ? m->from : "");
	add_addresses(&to, m->to != NULL ? m->to : "");
	add_addresses(&cc, m->cc != NULL ? m->cc : "");
	add_ids(&mid, m->message_id);
	add_ids(&irt, m->in_reply_to);
	add_ids(&refs, m->references);
	header.from = wbuf_slice(&from);
	header.to = wbuf_slice(&to);
	header.cc = wbuf_slice(&cc);
	header.message_id = wbuf_slice(&mid);
	header.in_reply_to = wbuf_slice(&irt);
	header.references = wbuf_slice(&refs);
	rec_header_encode(&h, &header);
	ids_add(&mb, m->mailbox != 0 ? m->mailbox : 1);
	e.header = wbuf_slice(&h);
	e.mailboxes = wbuf_slice(&mb);
	e.thread = thread_find(account, &header, SLICE_NONE, 0);
	row_email_put(KEY(email, .account = account, .id = id), &e);
	index_email(account, id, NULL, &e);
	thread_add(account, e.thread, e.received_at, id, false);
	if (m->text != NULL)
		table_put(T_email_note, KEY(email_note, .account = account, .id = id), slice_str(m->text));
	if (m->parts.n > 0)
		table_put(T_email_parts, KEY(email_parts, .account = account, .id = id), m->parts);
	changes_record(account, OBJ_EMAIL, id, CREATED);
	wbuf_free(&from);
	wbuf_free(&to);
	wbuf_free(&cc);
	wbuf_free(&mid);
	wbuf_free(&irt);
	wbuf_free(&refs);
	wbuf_free(&h);
	wbuf_free(&mb);
	return id;
}

/* A correspondent by request, as the ATS makes it. Returns its id. */
static inline uint64_t
make_person(enum person_kind kind, const char *emails)
{
	struct wbuf list = { 0 }, rec = { 0 };
	union msg m;

	add_ids(&list, emails);
	rec_correspondent_encode(&rec, &(struct rec_correspondent){ .kind = (uint8_t)kind,
					   .name = slice_str("P"), .emails = wbuf_slice(&list) });
	send_correspondent_set(ats.far,
	    &(struct msg_correspondent_set){ .req = 77, .action = SET_CREATE, .record = wbuf_slice(&rec) });
	turn();
	told_next(&ats, MSG_set_done, &m);
	assert_int_equal(m.set_done.error.n, 0);
	wbuf_free(&list);
	wbuf_free(&rec);
	return m.set_done.id;
}

#endif
