/*
 * ats_source.c - the index that a query walks.
 */
#include "ats_filter.h"
#include "table_index.h"

/* ---- ids out of keys ---- */
#define TAKE(table, field)                                                                                             \
	static bool take_##table(struct slice key, struct slice value, uint64_t *id)                                   \
	{                                                                                                              \
		struct key_##table k;                                                                                  \
		(void)value;                                                                                           \
		if (key_##table##_read(key, &k) == -1)                                                                 \
			return false;                                                                                  \
		*id = k.field;                                                                                         \
		return true;                                                                                           \
	}
TAKE(bydate, email)
TAKE(bymailbox, email)
TAKE(noteperson, id)
TAKE(notedate, id)
TAKE(link, no)
TAKE(correspondent, id)
TAKE(address, id)
TAKE(externalid, id)
TAKE(review, id)
TAKE(mailbox, id)
TAKE(submission, id)

static bool
take_flagged(struct slice key, struct slice value, uint64_t *id, uint64_t flag)
{
	struct key_byaddress k;
	struct rbuf r;

	rbuf_init(&r, value);
	if ((r_u64(&r) & flag) == 0 || r.failed || key_byaddress_read(key, &k) == -1)
		return false;
	*id = k.email;
	return true;
}

static bool
take_from(struct slice key, struct slice value, uint64_t *id)
{
	return take_flagged(key, value, id, INDEX_FROM);
}

static bool
take_to(struct slice key, struct slice value, uint64_t *id)
{
	return take_flagged(key, value, id, INDEX_TO);
}

bool
filter_is_address(struct slice s, char *canonical, size_t *n)
{
	*n = address_canonical(s, canonical);
	for (size_t i = 0; i < *n; i++)
		if (canonical[i] == ' ' || canonical[i] == '<' || canonical[i] == '"')
			return false;
	return *n > 0 && canonical[0] != '@';
}

/* ---- per type ---- */

/* [after, before) of a table whose last parts are time and id. */
#define DATED(s, table, f, asc, ...)                                                                                   \
	scan_range(&(s)->scan, T_##table, KEY(table, __VA_ARGS__ __VA_OPT__(, ).received_at = (f)->after),             \
	    KEY(table, __VA_ARGS__ __VA_OPT__(, ).received_at = (f)->before != 0 ? (f)->before : UINT64_MAX), !(asc))

static void
open_email(struct source *s, uint32_t account, const struct rec_filter *f, bool asc)
{
	char a[LIM_ADDRESS + 1];
	size_t n;

	if (filter_is_address(f->from, a, &n)) {
		DATED(s, byaddress, f, asc, .account = account, .address = slice_mem(a, n));
		s->take = take_from;
		s->exact = f->to.n == 0 && f->in_mailbox == 0;
	} else if (filter_is_address(f->to, a, &n)) {
		DATED(s, byaddress, f, asc, .account = account, .address = slice_mem(a, n));
		s->take = take_to;
		s->exact = f->from.n == 0 && f->in_mailbox == 0;
	} else if (f->in_mailbox != 0) {
		DATED(s, bymailbox, f, asc, .account = account, .mailbox = f->in_mailbox);
		s->take = take_bymailbox;
		s->exact = f->from.n == 0 && f->to.n == 0;
	} else {
		DATED(s, bydate, f, asc, .account = account);
		s->take = take_bydate;
		s->exact = f->from.n == 0 && f->to.n == 0;
	}
	s->exact = s->exact && f->text.n == 0 && f->thread == 0;
}

static void
open_note(struct source *s, const struct rec_filter *f, bool asc)
{
	if (f->correspondent != 0) {
		DATED(s, noteperson, f, asc, .correspondent = f->correspondent);
		s->take = take_noteperson;
	} else {
		DATED(s, notedate, f, asc);
		s->take = take_notedate;
	}
}

static void
open_correspondent(struct source *s, const struct rec_filter *f, bool asc)
{
	char a[LIM_ADDRESS + 1];
	struct hash16 h;
	size_t n = address_canonical(f->email, a);

	if (n > 0) {
		scan_prefix(&s->scan, T_address, PREFIX(address, 1, .address = slice_mem(a, n)), !asc);
		s->take = take_address;
	} else if (f->external_id.n > 0) {
		h = db_hash16(f->external_id);
		scan_prefix(&s->scan, T_externalid, PREFIX(externalid, 1, .key = HASH(h)), !asc);
		s->take = take_externalid;
	} else {
		scan_prefix(&s->scan, T_correspondent, PREFIX(correspondent, 0, .id = 0), !asc);
		s->take = take_correspondent;
	}
}

bool
source_open(struct source *s, uint32_t account, enum obj_type type, const struct rec_filter *f, bool asc)
{
	*s = (struct source){ .exact = false };
	switch (type) {
	case OBJ_EMAIL:
		open_email(s, account, f, asc);
		return true;
	case OBJ_NOTE:
		open_note(s, f, asc);
		return true;
	case OBJ_CORRESPONDENT:
		open_correspondent(s, f, asc);
		return true;
	case OBJ_LINK:
		scan_prefix(&s->scan, T_link, PREFIX(link, 0, .no = 0), !asc);
		s->take = take_link;
		return true;
	case OBJ_REVIEW:
		scan_prefix(&s->scan, T_review, PREFIX(review, 0, .id = 0), !asc);
		s->take = take_review;
		return true;
	case OBJ_MAILBOX:
		scan_prefix(&s->scan, T_mailbox, PREFIX(mailbox, 1, .account = account), !asc);
		s->take = take_mailbox;
		return true;
	case OBJ_SUBMISSION:
		scan_prefix(&s->scan, T_submission, PREFIX(submission, 1, .account = account), !asc);
		s->take = take_submission;
		return true;
	case OBJ_THREAD:
	case OBJ_IDENTITY:
	case OBJ__COUNT:
		break;
	}
	return false;
}
