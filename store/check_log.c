/*
 * check_log.c - the change log against itself and against what there is.
 */
#include "check_private.h"
#include "email_row.h"

struct logged {
	uint64_t id, first, born, at;
	bool gone;
};

static bool
read_row(struct slice v, struct logged *r)
{
	struct rbuf in;

	rbuf_init(&in, v);
	r->id = r_u64(&in);
	r->first = r_u64(&in);
	r->born = r_u64(&in);
	r->at = r_u64(&in);
	r->gone = r_bool(&in);
	return !in.failed && in.n == 0;
}

/* ---- does the object exist? ---- */
static bool
email_there(uint32_t account, uint64_t id)
{
	struct row_email row;
	bool there;

	if (!row_email_get(&row, KEY(email, .account = account, .id = id)))
		return false;
	there = email_visible(&row.rec);
	row_email_free(&row);
	return there;
}

static bool
thread_there(uint32_t account, uint64_t id)
{
	struct scan s;
	struct slice key;
	bool there;

	scan_prefix(&s, T_threademail, PREFIX(threademail, 2, .account = account, .thread = id), false);
	there = scan_next(&s, &key, NULL);
	scan_end(&s);
	return there;
}

static bool
object_there(uint32_t account, uint8_t type, uint64_t id)
{
	switch (type) {
	case OBJ_LINK:
		return table_get(T_link, KEY(link, .no = (uint32_t)id), NULL);
	case OBJ_IDENTITY:
		return table_get(T_link, KEY(link, .no = account), NULL);
	case OBJ_CORRESPONDENT:
		return table_get(T_correspondent, KEY(correspondent, .id = id), NULL);
	case OBJ_NOTE:
		return table_get(T_note, KEY(note, .id = id), NULL);
	case OBJ_REVIEW:
		return table_get(T_review, KEY(review, .id = id), NULL);
	case OBJ_MAILBOX:
		return table_get(T_mailbox, KEY(mailbox, .account = account, .id = id), NULL);
	case OBJ_EMAIL:
		return email_there(account, id);
	case OBJ_THREAD:
		return thread_there(account, id);
	case OBJ_SUBMISSION:
		return table_get(T_submission, KEY(submission, .account = account, .id = id), NULL);
	default:
		return false;
	}
}

/* ---- the three tables ---- */
static void
check_changed_points(const struct key_change *k, struct slice key, const struct logged *r)
{
	struct dbkey changed = KEY(changed, .account = k->account, .type = k->type, .id = r->id);
	struct dbkey born = KEY(created, .account = k->account, .type = k->type, .modseq = r->born);

	if (table_get_u64(T_changed, changed) != k->modseq)
		check_bad(T_change, key, "changed does not point here");
	if (r->first > r->born || r->born > k->modseq)
		check_bad(T_change, key, "born after its last change");
	if (k->modseq > table_get_u64(T_state, KEY(state, .account = k->account, .type = k->type)))
		check_bad(T_change, key, "newer than the state of its type");
	if (!r->gone && table_get_u64(T_created, born) != r->id)
		check_bad(T_change, key, "it lives and has no birth");
	if (object_there(k->account, k->type, r->id) == r->gone)
		check_bad(T_change, key, r->gone ? "it is gone and yet there" : "it lives and is not there");
}

static void
check_change(void)
{
	struct slice key, v;
	struct key_change k;
	struct logged r;

	CHECK_EACH(change, k, key, v)
	{
		if (check_leaving(k.account))
			continue;
		if (!read_row(v, &r))
			check_bad(T_change, key, "does not decode");
		else
			check_changed_points(&k, key, &r);
	}
}

static void
check_changed(void)
{
	struct slice key, v, row;
	struct key_changed k;
	struct logged r;

	CHECK_EACH(changed, k, key, v)
	{
		struct dbkey at = KEY(change, .account = k.account, .type = k.type, .modseq = check_u64(v));

		if (!check_leaving(k.account) &&
		    (!table_get(T_change, at, &row) || !read_row(row, &r) || r.id != k.id))
			check_bad(T_changed, key, "points to no change of it");
	}
}

static void
check_created(void)
{
	struct slice key, v, row;
	struct key_created k;
	struct logged r;

	CHECK_EACH(created, k, key, v)
	{
		struct dbkey changed = KEY(changed, .account = k.account, .type = k.type, .id = check_u64(v));
		uint64_t at = table_get_u64(T_changed, changed);

		if (!check_leaving(k.account) &&
		    (!table_get(T_change, KEY(change, .account = k.account, .type = k.type, .modseq = at), &row) ||
			!read_row(row, &r) || r.gone || r.born != k.modseq))
			check_bad(T_created, key, "the birth of nothing that lives");
	}
}

static void
check_states(void)
{
	struct slice key, v;
	struct key_state k;

	CHECK_EACH(state, k, key, v)
	{
		uint64_t at = check_u64(v);

		if (check_leaving(k.account))
			continue;
		if (at > table_get_u64(T_modseq, KEY(modseq, .account = k.account)))
			check_bad(T_state, key, "ahead of its account's counter");
		if (at > table_get_u64(T_floor, KEY(floor, .account = k.account, .type = k.type)) &&
		    !table_get(T_change, KEY(change, .account = k.account, .type = k.type, .modseq = at), NULL))
			check_bad(T_state, key, "no change has this state");
	}
}

/* ---- nothing is there that the log does not know ---- */
static void
want_logged(enum table t, struct slice key, uint32_t account, enum obj_type type, uint64_t id)
{
	struct dbkey changed = KEY(changed, .account = account, .type = (uint8_t)type, .id = id);

	if (!check_leaving(account) && table_get_u64(T_changed, changed) == 0)
		check_bad(t, key, "the change log does not know it");
	if (id > table_get_u64(T_meta, KEY(meta, .what = type == OBJ_LINK ? META_NEXT_LINK : META_NEXT_ID)))
		check_bad(t, key, "its number was not given yet");
}

static void
check_known_global(void)
{
	struct slice key, v;
	struct key_link link;
	struct key_note k;	/* correspondent and review have the same parts */

	CHECK_EACH(link, link, key, v)
		want_logged(T_link, key, ACCOUNT_ATS, OBJ_LINK, link.no);
	CHECK_EACH(note, k, key, v)
		want_logged(T_note, key, ACCOUNT_ATS, OBJ_NOTE, k.id);
	for (struct scan s = check_walk(T_correspondent); scan_next(&s, &key, &v);)
		if (key_note_read(key, &k) == 0)
			want_logged(T_correspondent, key, ACCOUNT_ATS, OBJ_CORRESPONDENT, k.id);
	for (struct scan s = check_walk(T_review); scan_next(&s, &key, &v);)
		if (key_note_read(key, &k) == 0)
			want_logged(T_review, key, ACCOUNT_ATS, OBJ_REVIEW, k.id);
}

static void
check_known(void)
{
	struct slice key, v;
	struct key_mailbox mailbox;
	struct key_submission submission;
	struct key_threademail thread;
	struct key_email email;

	CHECK_EACH(mailbox, mailbox, key, v)
		want_logged(T_mailbox, key, mailbox.account, OBJ_MAILBOX, mailbox.id);
	CHECK_EACH(submission, submission, key, v)
		want_logged(T_submission, key, submission.account, OBJ_SUBMISSION, submission.id);
	CHECK_EACH(threademail, thread, key, v)
		want_logged(T_threademail, key, thread.account, OBJ_THREAD, thread.thread);
	CHECK_EACH(email, email, key, v)
		if (email_there(email.account, email.id))
			want_logged(T_email, key, email.account, OBJ_EMAIL, email.id);
}

void
check_log(void)
{
	check_change();
	check_changed();
	check_created();
	check_states();
	check_known_global();
	check_known();
}
