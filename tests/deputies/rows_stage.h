/*
 * rows_stage.h - a database with something in each table, made by the real
 * store for three links, kept, damaged, and opened again.
 */
#ifndef TESTS_DEPUTIES_ROWS_STAGE_H
#define TESTS_DEPUTIES_ROWS_STAGE_H

#include "store_stage.h"

#include <lmdb.h>
#include <sys/stat.h>

#define MAILS 4		/* of each link: three that came, one draft */

static struct session s[3];
static uint32_t link_no[3];
static uint8_t *pristine;	/* data.mdb as the store left it */
static size_t pristine_n;

/* ---- a database with something in each table ---- */

static inline void
answer_bodies(struct session *x)
{
	union msg m;

	while (player_has(&x->imap, MSG_body_want, &m)) {
		char raw[256];

		snprintf(raw, sizeof(raw), "From: " CANDIDATE "\r\nTo: link%u@agency.example\r\nMessage-ID: b%u-%u@x\r\n\r\nbody\r\n",
		    x->link, x->link, m.body_want.uid);
		(void)send_message_body(x->imap.chan, &(struct msg_message_body){ .mailbox = m.body_want.mailbox,
			.uid = m.body_want.uid, .data = slice_str(raw) }, -1);
	}
}

static inline void
work(int turns)
{
	for (int i = 0; i < turns; i++) {
		turn();
		for (int k = 0; k < 3; k++)
			if (s[k].imap.chan != NULL)
				answer_bodies(&s[k]);
	}
}

static inline void
person(const char *address)
{
	struct wbuf w = { .max = 0 }, list = { .max = 0 };
	struct rec_correspondent r = { .kind = PERSON_CANDIDATE, .name = slice_str("C"), .external_id = slice_str("x1") };

	list_add(&list, slice_str(address));
	r.emails = wbuf_slice(&list);
	rec_correspondent_encode(&w, &r);
	(void)send_correspondent_set(ats.chan, &(struct msg_correspondent_set){ .req = ++last_req, .action = SET_CREATE,
		.record = wbuf_slice(&w) });
	assert_string_equal(set_answer(last_req, NULL), "");
	wbuf_free(&w);
	wbuf_free(&list);
}

static inline void
mail_for(struct session *x)
{
	char to[64];

	snprintf(to, sizeof(to), "link%u@agency.example", x->link);
	header(&x->imap, x->inbox, 1, CANDIDATE, to);
	header(&x->imap, x->inbox, 2, "somebody@else.example", to);
	(void)send_mailbox_synced(x->imap.chan, &(struct msg_mailbox_synced){ .mailbox = x->inbox, .uidvalidity = 9,
		.uidnext = 3, .modseq = 3, .uid_low = 1, .complete = true });
	(void)send_sync_progress(x->imap.chan, &(struct msg_sync_progress){ .phase = PHASE_LIVE });
	wait_emails(x->link, 2);
}

static inline void
wishes_for(struct session *x)
{
	uint64_t id[16];
	char text[64];

	assert_int_equal(ids_of(x->link, OBJ_EMAIL, id), 3);
	/* A flag makes a pending operation, a submission is queued for next year. */
	(void)send_email_update(ats.chan, &(struct msg_email_update){ .req = ++last_req, .account = x->link, .id = id[0],
		.keywords_add = slice_str("$flagged") });
	assert_string_equal(set_answer(last_req, NULL), "");
	snprintf(text, sizeof(text), "link%u@agency.example", x->link);
	(void)submitted(x, text, (uint64_t)time(NULL) + 365 * 86400);
	(void)send_blob_put(ats.chan, &(struct msg_blob_put){ .req = ++last_req, .account = x->link,
		.type = slice_str("text/plain"), .data = slice_str(text) }, -1);
	assert_string_equal(set_answer(last_req, NULL), "");
}

static inline void
database_made(void)
{
	char path[128];
	struct stat st;
	FILE *f;

	person(CANDIDATE);
	for (int i = 0; i < 3; i++) {
		char address[64];

		snprintf(address, sizeof(address), "link%d@agency.example", i + 1);
		link_no[i] = link_made(address);
		session_open(&s[i], link_no[i]);
		mail_for(&s[i]);
	}
	person("somebody@else.example");
	person("somebody@else.example");	/* two with one address make a review */
	work(60);
	for (int i = 0; i < 3; i++)
		header(&s[i].imap, s[i].inbox, 7, "somebody@else.example", "x@agency.example");
	work(60);
	for (int i = 0; i < 3; i++)
		wishes_for(&s[i]);
	work(10);
	for (int i = 0; i < 3; i++)
		player_leave(&s[i].imap);
	store_close();
	snprintf(path, sizeof(path), "%s/data.mdb", root);
	assert_int_equal(stat(path, &st), 0);
	pristine_n = (size_t)st.st_size;
	assert_non_null(pristine = malloc(pristine_n));
	assert_non_null(f = fopen(path, "rb"));
	assert_int_equal(fread(pristine, 1, pristine_n, f), pristine_n);
	fclose(f);
}

static inline void
database_restored(void)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/lock.mdb", root);
	(void)unlink(path);
	snprintf(path, sizeof(path), "%s/data.mdb", root);
	assert_non_null(f = fopen(path, "r+b"));
	assert_int_equal(ftruncate(fileno(f), 0), 0);
	assert_int_equal(fwrite(pristine, 1, pristine_n, f), pristine_n);
	fclose(f);
}

static inline MDB_env *
database_opened(void)
{
	MDB_env *env;

	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_set_mapsize(env, (size_t)1 << 30), 0);
	assert_int_equal(mdb_env_set_maxdbs(env, T__COUNT + 8), 0);
	assert_int_equal(mdb_env_open(env, root, MDB_NOLOCK | MDB_NOSYNC, 0600), 0);
	return env;
}

static inline void
database_closed(MDB_env *env)
{
	char path[128];

	mdb_env_close(env);
	snprintf(path, sizeof(path), "%s/lock.mdb", root);
	(void)unlink(path);
}

static inline int
rows_setup(void **state)
{
	store_setup(state);
	database_made();
	return 0;
}

static inline int
rows_teardown(void **state)
{
	(void)state;
	stage_remove(root);
	free(pristine);
	return 0;
}

#endif
