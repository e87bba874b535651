/*
 * person_backfill.c - files the mail that was here before its person was.
 *
 * One row of table backfill is one job: an address of a person to look for, or
 * with an empty address the notes of a person who left. Its value is how far
 * the walk over (account, by-address) came, committed with the notes it filed,
 * so that a killed store files each message once.
 */
#include <string.h>

#include "changes.h"
#include "db_work.h"
#include "link.h"
#include "match.h"
#include "note.h"
#include "person.h"
#include "seam.h"

struct job {
	uint64_t id;
	char address[LIM_ADDRESS + 1];
	/* where to go on */
	uint32_t account;
	uint64_t received_at, email;
};

/* Old mail: the slices share commits with each other and with a first sync. */
void
person_backfill_start(void)
{
	static struct db_work work = { .slice = person_backfill_slice, .patient = true };

	db_work_start(&work);
}

static struct dbkey
job_key(const struct job *j)
{
	return KEY(backfill, .id = j->id, .address = slice_str(j->address));
}

static void
job_write(const struct job *j)
{
	static struct wbuf w;

	wbuf_reset(&w);
	w_u32(&w, j->account);
	w_u64(&w, j->received_at);
	w_u64(&w, j->email);
	if (w.failed)
		db_fail("out of memory");
	table_put(T_backfill, job_key(j), wbuf_slice(&w));
}

static int
job_read(struct slice key, struct slice v, struct job *j)
{
	struct key_backfill k;
	struct rbuf r;

	rbuf_init(&r, v);
	j->account = r_u32(&r);
	j->received_at = r_u64(&r);
	j->email = r_u64(&r);
	if (r.failed || key_backfill_read(key, &k) == -1 ||
	    slice_copy(k.address, j->address, sizeof(j->address)) == -1)
		return -1;
	j->id = k.id;
	return 0;
}

static void
job_add(uint64_t id, struct slice address)
{
	struct job j = { .id = id };

	if (slice_copy(address, j.address, sizeof(j.address)) == -1)
		return;
	job_write(&j);
	person_backfill_start();
}

void
person_backfill_add(uint64_t id, struct slice canonical)
{
	job_add(id, canonical);
}

void
person_erase_notes(uint64_t id)
{
	job_add(id, SLICE_NONE);
}

/* Full content, or a policy under which there never will be any: file now.
 * Otherwise ask for the body; the note follows when it is here. */
static void
consider(uint32_t account, uint64_t email)
{
	struct dbkey k = KEY(email, .account = account, .id = email);
	struct link_policy policy;
	struct rec_header h;
	struct row_email row;
	struct match m;

	if (note_of_email(account, email) != 0 || !row_email_get(&row, k))
		return;
	if (rec_header_decode(row.rec.header, &h) == 0 && link_policy(account, &policy) == 0) {
		match_header(account, &h, &m);
		if (m.result == MATCH_ONE && row.rec.content_state == CONTENT_STATE_HEADER &&
		    policy.content != CONTENT_HEADERS)
			ingest_want(account, email, true);
		else
			note_match_stored(account, email, true);
	}
	row_email_free(&row);
}

/* At most *left messages of one account; true: this account is done. */
static bool
walk_account(struct job *j, size_t *left)
{
	struct slice address = slice_str(j->address), key;
	struct dbkey low = KEY(byaddress, .account = j->account, .address = address,
	    .received_at = j->received_at, .email = j->email + 1);
	struct dbkey high = KEY(byaddress, .account = j->account, .address = address, .received_at = UINT64_MAX,
	    .email = UINT64_MAX);
	struct key_byaddress k;
	struct scan s;
	bool more = true;

	scan_range(&s, T_byaddress, low, high, false);
	while (*left > 0 && (more = scan_next(&s, &key, NULL))) {
		(*left)--;
		if (key_byaddress_read(key, &k) == -1)
			continue;
		j->received_at = k.received_at;
		j->email = k.email;
		consider(k.account, k.email);
	}
	scan_end(&s);
	return !more;
}

/* The next link at or behind no; 0: none. */
static uint32_t
link_from(uint32_t no)
{
	struct key_link k;
	struct slice key;
	struct scan s;
	bool found;

	scan_range(&s, T_link, KEY(link, .no = no), PREFIX(link, 0, .no = 0), false);
	found = scan_next(&s, &key, NULL) && key_link_read(key, &k) == 0;
	scan_end(&s);
	return found ? k.no : 0;
}

/* True: the job is done. */
static bool
job_run(struct job *j)
{
	size_t left = LIM_BACKFILL_SLICE;

	if (j->address[0] == '\0')
		return note_destroy_person(j->id, LIM_BACKFILL_SLICE) < LIM_BACKFILL_SLICE;
	while (left > 0) {
		uint32_t account = link_from(j->account);

		if (account == 0)
			return true;
		if (account != j->account) {
			j->account = account;
			j->received_at = j->email = 0;
		}
		if (!walk_account(j, &left))
			break;
		left -= left > 0;	/* an account costs something even when it has nothing */
		j->account++;
		j->received_at = j->email = 0;
	}
	return false;
}

bool
person_backfill_slice(void)
{
	struct scan s;
	struct slice key, v;
	struct job j = { .id = 0 };
	struct dbkey bad;
	bool found;

	scan_range(&s, T_backfill, PREFIX(backfill, 0, .id = 0), PREFIX(backfill, 0, .id = 0), false);
	found = scan_next(&s, &key, &v);
	if (found && job_read(key, v, &j) == -1) {
		table_log_damaged(T_backfill, key);
		bad = s.last;
		table_del(T_backfill, bad);
		j.id = 0;
	}
	scan_end(&s);
	if (j.id == 0)
		return found;
	if (job_run(&j))
		table_del(T_backfill, job_key(&j));
	else
		job_write(&j);
	return true;
}
