/*
 * check_people.c - links, submissions, correspondents, notes, reviews.
 */
#include "check_private.h"
#include "table_index.h"

/* ---- links ---- */
static void
check_links(void)
{
	char canonical[LIM_ADDRESS + 1];
	struct slice key, v;
	struct key_link k;
	struct key_linkaddr a;
	struct rec_link r;
	size_t n;

	CHECK_EACH(link, k, key, v)
	{
		if (rec_link_decode(v, &r) == -1 || (n = address_canonical(r.address, canonical)) == 0)
			continue;
		if (table_get_u64(T_linkaddr, KEY(linkaddr, .address = slice_mem(canonical, n))) != k.no)
			check_bad(T_link, key, "not by its address");
	}
	CHECK_EACH(linkaddr, a, key, v)
		if (!table_get(T_link, KEY(link, .no = (uint32_t)check_u64(v)), NULL))
			check_bad(T_linkaddr, key, "the address of no link");
}

/* ---- submissions ---- */
static void
check_submission(const struct key_submission *k, struct slice key, const struct rec_submission *r)
{
	struct dbkey due = KEY(due, .at = r->next_try, .account = k->account, .id = k->id);
	struct hash16 h = db_hash16(r->idempotency_key);
	struct hash16 m = db_hash16(r->message_id);
	bool waits = table_get(T_due, due, NULL);

	if (r->message_id.n > 0 && r->state == SUB_QUEUED &&
	    !table_get(T_submsgid, KEY(submsgid, .account = k->account, .msgid = HASH(m)), NULL))
		check_bad(T_submission, key, "not by its Message-ID");
	if (r->state == SUB_QUEUED && !waits)
		check_bad(T_submission, key, "queued and never due");
	if (r->state != SUB_QUEUED && r->state != SUB_UNCERTAIN && waits)
		check_bad(T_submission, key, "over and still due");
	if ((r->state == SUB_QUEUED || r->state == SUB_SENDING) && r->snapshot == 0)
		check_bad(T_submission, key, "to be sent without content");
	if (r->idempotency_key.n > 0 &&
	    table_get_u64(T_idempotency, KEY(idempotency, .account = k->account, .key = HASH(h))) != k->id)
		check_bad(T_submission, key, "not by its idempotency key");
}

static bool
submission_at(uint32_t account, uint64_t id, uint64_t at)
{
	struct row_submission row;
	bool same;

	if (!row_submission_get(&row, KEY(submission, .account = account, .id = id)))
		return false;
	same = at == 0 || row.rec.next_try == at;
	row_submission_free(&row);
	return same;
}

static void
check_submissions(void)
{
	struct slice key, v;
	struct key_submission k;
	struct key_due due;
	struct key_idempotency same;
	struct key_submsgid msgid;
	struct row_submission row;

	CHECK_EACH(submission, k, key, v)
	{
		if (check_leaving(k.account) ||
		    !row_submission_get(&row, KEY(submission, .account = k.account, .id = k.id)))
			continue;
		check_submission(&k, key, &row.rec);
		row_submission_free(&row);
	}
	CHECK_EACH(due, due, key, v)
		if (!check_leaving(due.account) && !submission_at(due.account, due.id, due.at))
			check_bad(T_due, key, "no submission is due then");
	CHECK_EACH(idempotency, same, key, v)
		if (!check_leaving(same.account) && !submission_at(same.account, check_u64(v), 0))
			check_bad(T_idempotency, key, "leads to no submission");
	CHECK_EACH(submsgid, msgid, key, v)
		if (!check_leaving(msgid.account) && !submission_at(msgid.account, check_u64(v), 0))
			check_bad(T_submsgid, key, "leads to no submission");
}

/* ---- correspondents ---- */
static bool
person_has(uint64_t id, struct slice address)
{
	char canonical[LIM_ADDRESS + 1];
	struct row_correspondent row;
	struct slice list, item;
	bool has = false;
	size_t n;

	if (!row_correspondent_get(&row, KEY(correspondent, .id = id)))
		return false;
	for (list = row.rec.emails; !has && list_next(&list, &item);)
		has = (n = address_canonical(item, canonical)) > 0 && slice_eq(slice_mem(canonical, n), address);
	row_correspondent_free(&row);
	return has;
}

static void
check_person(uint64_t id, struct slice key, const struct rec_correspondent *r)
{
	char canonical[LIM_ADDRESS + 1];
	struct hash16 h = db_hash16(r->external_id);
	struct slice list = r->emails, item;
	size_t n;

	while (list_next(&list, &item))
		if ((n = address_canonical(item, canonical)) > 0 &&
		    table_get_u64(T_address, KEY(address, .address = slice_mem(canonical, n), .id = id)) != r->kind)
			check_bad(T_correspondent, key, "not by this address");
	if (r->external_id.n > 0 && !table_get(T_externalid, KEY(externalid, .key = HASH(h), .id = id), NULL))
		check_bad(T_correspondent, key, "not by its external id");
}

static void
check_correspondents(void)
{
	struct slice key, v;
	struct key_correspondent k;
	struct key_address a;
	struct key_externalid x;
	struct row_correspondent row;

	CHECK_EACH(correspondent, k, key, v)
		if (row_correspondent_get(&row, KEY(correspondent, .id = k.id))) {
			check_person(k.id, key, &row.rec);
			row_correspondent_free(&row);
		}
	CHECK_EACH(address, a, key, v)
		if (!person_has(a.id, a.address))
			check_bad(T_address, key, "nobody has this address");
	CHECK_EACH(externalid, x, key, v)
		if (!table_get(T_correspondent, KEY(correspondent, .id = x.id), NULL))
			check_bad(T_externalid, key, "nobody has this id");
}

/* ---- notes ---- */
static void
check_note(uint64_t id, struct slice key, const struct rec_note *n)
{
	if (!table_get(T_noteperson,
		KEY(noteperson, .correspondent = n->correspondent, .received_at = n->received_at, .id = id), NULL))
		check_bad(T_note, key, "not by its person");
	if (!table_get(T_notedate, KEY(notedate, .received_at = n->received_at, .id = id), NULL))
		check_bad(T_note, key, "not by its date");
	if (table_get_u64(T_notemail, KEY(notemail, .account = n->account, .email = n->email)) != id)
		check_bad(T_note, key, "not by its email");
}

static void
want_note(enum table t, struct slice key, uint64_t id)
{
	if (!table_get(T_note, KEY(note, .id = id), NULL))
		check_bad(t, key, "the note is not there");
}

/* How many of the rows that keep a message from being filed again have their note. */
static size_t
count_filed(void)
{
	struct slice key, v;
	struct key_notefiled filed;
	size_t n = 0;

	CHECK_EACH(notefiled, filed, key, v)
		n += table_get(T_note, KEY(note, .id = check_u64(v)), NULL);
	return n;
}

static void
check_notes(void)
{
	struct slice key, v;
	struct key_note k;
	struct key_noteperson person;
	struct key_notedate date;
	struct key_notemail mail;
	struct row_note row;
	size_t n = 0;

	CHECK_EACH(note, k, key, v)
		if (row_note_get(&row, KEY(note, .id = k.id))) {
			check_note(k.id, key, &row.rec);
			row_note_free(&row);
			n++;
		}
	if (count_filed() < n)
		check_bad(T_notefiled, SLICE_NONE, "a message whose note is here could be filed again");
	CHECK_EACH(noteperson, person, key, v)
		want_note(T_noteperson, key, person.id);
	CHECK_EACH(notedate, date, key, v)
		want_note(T_notedate, key, date.id);
	CHECK_EACH(notemail, mail, key, v)
		if (!check_leaving(mail.account))
			want_note(T_notemail, key, check_u64(v));
}

/* ---- reviews ---- */
static void
check_reviews(void)
{
	struct slice key, v;
	struct key_review k;
	struct key_reviewmail mail;
	struct key_reviewsub sub;
	struct rec_review r;

	CHECK_EACH(review, k, key, v)
	{
		if (rec_review_decode(v, &r) == -1)
			continue;
		if (r.email != 0 &&
		    !table_get(T_reviewmail, KEY(reviewmail, .account = r.account, .email = r.email, .id = k.id), NULL))
			check_bad(T_review, key, "not by its email");
		if (r.submission != 0 &&
		    !table_get(T_reviewsub, KEY(reviewsub, .account = r.account, .submission = r.submission, .id = k.id),
			NULL))
			check_bad(T_review, key, "not by its submission");
	}
	CHECK_EACH(reviewmail, mail, key, v)
		if (!table_get(T_review, KEY(review, .id = mail.id), NULL))
			check_bad(T_reviewmail, key, "the review is not there");
	CHECK_EACH(reviewsub, sub, key, v)
		if (!table_get(T_review, KEY(review, .id = sub.id), NULL))
			check_bad(T_reviewsub, key, "the review is not there");
}

void
check_people(void)
{
	check_links();
	check_submissions();
	check_correspondents();
	check_notes();
	check_reviews();
}
