/*
 * note.c - filing.
 */
#include "note.h"

#include <stdlib.h>
#include <string.h>

#include "changes.h"
#include "email_note.h"
#include "match.h"
#include "review.h"
#include "table_index.h"

static struct dbkey
note_key(uint64_t id)
{
	return KEY(note, .id = id);
}

static struct dbkey
mail_key(uint32_t account, uint64_t email)
{
	return KEY(notemail, .account = account, .email = email);
}

uint64_t
note_of_email(uint32_t account, uint64_t email)
{
	return table_get_u64(T_notemail, mail_key(account, email));
}

/* What "the same message" is; without a Message-ID only the email itself. */
static struct dbkey
filed_key(const struct note_input *in, uint64_t correspondent)
{
	struct slice ids = in->header->message_id, from = in->header->from, item;
	struct rec_address a;
	char address[LIM_ADDRESS + 1];
	struct wbuf w = { .max = 0 };
	struct hash32 h;

	w_u64(&w, correspondent);
	if (list_next(&ids, &item)) {
		w_bytes(&w, item, LIM_MESSAGE_ID);
		w_u64(&w, in->header->sent_at);
		if (list_next(&from, &item) && rec_address_decode(item, &a) == 0)
			w_raw(&w, address, address_canonical(a.email, address));
	} else {
		w_u32(&w, in->account);
		w_u64(&w, in->email);
	}
	if (w.failed)
		db_fail("out of memory");
	h = db_hash32(wbuf_slice(&w));
	wbuf_free(&w);
	return KEY(notefiled, .message = HASH(h));
}

/* The parts worth filing, as rec document. */
static void
documents(struct slice parts, struct wbuf *out)
{
	static struct wbuf w = { .max = 1024 };
	struct slice item;
	struct rec_part p;

	while (list_next(&parts, &item)) {
		if (rec_part_decode(item, &p) == -1 || (p.flags & PART_DOCUMENT) == 0)
			continue;
		wbuf_reset(&w);
		rec_document_encode(&w, &(struct rec_document){ .part_id = p.part_id, .name = p.name, .type = p.type,
					    .size = p.size });
		if (!w.failed)
			list_add(out, wbuf_slice(&w));
	}
}

static void
index_note(uint64_t id, const struct rec_note *n, bool add)
{
	struct dbkey person =
	    KEY(noteperson, .correspondent = n->correspondent, .received_at = n->received_at, .id = id);
	struct dbkey date = KEY(notedate, .received_at = n->received_at, .id = id);

	if (add) {
		table_put_empty(T_noteperson, person);
		table_put_empty(T_notedate, date);
		table_put_u64(T_notemail, mail_key(n->account, n->email), id);
	} else {
		table_del(T_noteperson, person);
		table_del(T_notedate, date);
		table_del(T_notemail, mail_key(n->account, n->email));
	}
}

static enum note_result
create(const struct note_input *in, uint64_t correspondent, enum direction direction)
{
	struct dbkey filed = filed_key(in, correspondent);
	struct wbuf docs = { .max = LIM_PARTS * (1024 + 2) };
	struct rec_note n = { .correspondent = correspondent, .account = in->account, .email = in->email,
		.thread = in->thread, .direction = (uint8_t)direction, .received_at = in->received_at,
		.subject = in->header->subject, .text = in->text, .kind = in->header->kind,
		.kind_reasons = in->header->kind_reasons, .submission = in->submission, .backfill = in->backfill };
	uint64_t id;

	if (table_get_u64(T_notefiled, filed) != 0)
		return NOTE_KNOWN;
	id = store_next_id();
	documents(in->parts, &docs);
	n.documents = wbuf_slice(&docs);
	row_note_put(note_key(id), &n);
	wbuf_free(&docs);
	index_note(id, &n, true);
	table_put_u64(T_notefiled, filed, id);
	changes_record(ACCOUNT_ATS, OBJ_NOTE, id, CREATED);
	return NOTE_FILED;
}

/* The content came after the header had been filed. */
static void
complete(uint64_t id, const struct note_input *in)
{
	struct wbuf docs = { .max = LIM_PARTS * (1024 + 2) };
	struct row_note row;

	if ((in->text.n == 0 && in->parts.n == 0) || !row_note_get(&row, note_key(id)))
		return;
	documents(in->parts, &docs);
	if (!slice_eq(row.rec.text, in->text) || !slice_eq(row.rec.documents, wbuf_slice(&docs))) {
		row.rec.text = in->text;
		row.rec.documents = wbuf_slice(&docs);
		row_note_put(note_key(id), &row.rec);
		changes_record(ACCOUNT_ATS, OBJ_NOTE, id, UPDATED);
	}
	wbuf_free(&docs);
	row_note_free(&row);
}

enum note_result
note_file(const struct note_input *in)
{
	uint64_t known = note_of_email(in->account, in->email);
	struct match m;

	if (known != 0) {
		complete(known, in);
		return NOTE_KNOWN;
	}
	match_header(in->account, in->header, &m);
	if (m.result == MATCH_ONE)
		return create(in, m.correspondent, m.direction);
	if (m.result != MATCH_AMBIGUOUS)
		return NOTE_NONE;
	review_open(&(struct review_input){ .reason = REVIEW_AMBIGUOUS_ADDRESS, .account = in->account,
	    .email = in->email, .correspondents = m.candidates, .ncorrespondents = m.ncandidates });
	return NOTE_REVIEW;
}

void
note_set_submission(uint64_t id, uint64_t submission)
{
	struct row_note row;

	if (!row_note_get(&row, note_key(id)))
		return;
	if (row.rec.submission != submission) {
		row.rec.submission = submission;
		row_note_put(note_key(id), &row.rec);
		changes_record(ACCOUNT_ATS, OBJ_NOTE, id, UPDATED);
	}
	row_note_free(&row);
}

/* ---- emails that are stored already ---- */
struct stored {
	struct row_email email;
	struct rec_header header;
	struct wbuf text, parts;
	struct note_input in;
};

static int
stored_load(struct stored *s, uint32_t account, uint64_t email, bool backfill)
{
	if (!row_email_get(&s->email, KEY(email, .account = account, .id = email)))
		return -1;
	if (rec_header_decode(s->email.rec.header, &s->header) == -1) {
		row_email_free(&s->email);
		return -1;
	}
	wbuf_init(&s->text, 0);
	wbuf_init(&s->parts, 0);
	email_note_get(account, email, &s->text);
	email_parts_get(account, email, &s->parts);
	s->in = (struct note_input){ .account = account, .email = email, .thread = s->email.rec.thread,
		.received_at = s->email.rec.received_at, .header = &s->header, .text = wbuf_slice(&s->text),
		.parts = wbuf_slice(&s->parts), .backfill = backfill };
	return 0;
}

static void
stored_free(struct stored *s)
{
	wbuf_free(&s->text);
	wbuf_free(&s->parts);
	row_email_free(&s->email);
}

int
note_file_stored(uint32_t account, uint64_t email, uint64_t correspondent, bool backfill)
{
	struct stored s;

	if (stored_load(&s, account, email, backfill) == -1)
		return -1;
	if (note_of_email(account, email) == 0)
		create(&s.in, correspondent, match_direction(account, &s.header));
	stored_free(&s);
	return 0;
}

enum note_result
note_match_stored(uint32_t account, uint64_t email, bool backfill)
{
	enum note_result r;
	struct stored s;

	if (stored_load(&s, account, email, backfill) == -1)
		return NOTE_NONE;
	r = note_file(&s.in);
	stored_free(&s);
	return r;
}

/* ---- going ---- */
static void
forget_filed(const struct rec_note *n)
{
	struct stored s;

	if (stored_load(&s, n->account, n->email, false) == -1)
		return;
	table_del(T_notefiled, filed_key(&s.in, n->correspondent));
	stored_free(&s);
}

void
note_destroy(uint64_t id, bool forget)
{
	struct row_note row;

	if (!row_note_get(&row, note_key(id)))
		return;
	if (forget)
		forget_filed(&row.rec);
	index_note(id, &row.rec, false);
	table_del(T_note, note_key(id));
	row_note_free(&row);
	changes_record(ACCOUNT_ATS, OBJ_NOTE, id, DESTROYED);
}

size_t
note_destroy_person(uint64_t correspondent, size_t max)
{
	struct key_noteperson k;
	struct slice key;
	struct scan s;
	size_t n = 0;

	scan_prefix(&s, T_noteperson, PREFIX(noteperson, 1, .correspondent = correspondent), false);
	for (; n < max && scan_next(&s, &key, NULL); n++)
		if (key_noteperson_read(key, &k) == 0)
			note_destroy(k.id, true);
	scan_end(&s);
	return n;
}

size_t
note_destroy_account(uint32_t account, size_t max)
{
	struct slice key, v;
	struct rbuf r;
	struct scan s;
	size_t n = 0;

	scan_prefix(&s, T_notemail, PREFIX(notemail, 1, .account = account), false);
	for (; n < max && scan_next(&s, &key, &v); n++) {
		rbuf_init(&r, v);
		note_destroy(r_u64(&r), true);
	}
	scan_end(&s);
	return n;
}

int
note_on_destroy(struct chan *c, const union msg *m, int *fd)
{
	const struct msg_note_destroy *q = &m->note_destroy;
	struct asker a = { c, q->req };
	uint64_t old = changes_state(ACCOUNT_ATS, OBJ_NOTE);

	(void)fd;
	if (!table_get(T_note, note_key(q->id), NULL)) {
		out_set_error(a, "notFound", "", "");
		return 0;
	}
	note_destroy(q->id, false);
	out_set_done(a, ACCOUNT_ATS, OBJ_NOTE, old, (struct msg_set_done){ .id = q->id });
	return 0;
}
