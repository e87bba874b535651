/*
 * ats_filter.c - does one object fit a filter?
 */
#include "ats_filter.h"

#include <string.h>

#include "table_index.h"

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static bool
contains(struct slice hay, struct slice needle)
{
	for (size_t i = 0; i + needle.n <= hay.n; i++) {
		size_t j = 0;

		while (j < needle.n && lower(hay.p[i + j]) == lower(needle.p[j]))
			j++;
		if (j == needle.n)
			return true;
	}
	return false;
}

/* A header's addresses: as a whole address, or as a part of name or address. */
static bool
in_addresses(struct slice list, struct slice wanted)
{
	char whole[LIM_ADDRESS + 1], one[LIM_ADDRESS + 1];
	struct rec_address a;
	struct slice item;
	size_t n, m;
	bool exact = filter_is_address(wanted, whole, &n);

	while (list_next(&list, &item)) {
		if (rec_address_decode(item, &a) == -1)
			continue;
		m = address_canonical(a.email, one);
		if (exact ? slice_eq(slice_mem(one, m), slice_mem(whole, n))
			  : contains(a.name, wanted) || contains(a.email, wanted))
			return true;
	}
	return false;
}

static bool
has_mailbox(struct slice ids, uint64_t id)
{
	for (size_t i = 0; i < ids_count(ids); i++)
		if (ids_at(ids, i) == id)
			return true;
	return false;
}

static bool
in_text(const struct rec_header *h, const struct rec_email *e, struct slice text)
{
	return contains(h->subject, text) || contains(e->preview, text) || in_addresses(h->from, text) ||
	    in_addresses(h->to, text) || in_addresses(h->cc, text) || in_addresses(h->bcc, text);
}

static bool
email_fits(const struct rec_email *e, const struct rec_filter *f)
{
	struct rec_header h;

	if (e->mailboxes.n == 0 || (f->in_mailbox != 0 && !has_mailbox(e->mailboxes, f->in_mailbox)) ||
	    (f->thread != 0 && e->thread != f->thread))
		return false;
	if (f->from.n == 0 && f->to.n == 0 && f->text.n == 0)
		return true;
	return rec_header_decode(e->header, &h) == 0 && (f->from.n == 0 || in_addresses(h.from, f->from)) &&
	    (f->to.n == 0 || in_addresses(h.to, f->to)) && (f->text.n == 0 || in_text(&h, e, f->text));
}

static bool
note_fits(const struct rec_note *n, const struct rec_filter *f)
{
	return (f->correspondent == 0 || n->correspondent == f->correspondent) &&
	    (f->account == 0 || n->account == f->account) && (f->direction == 0 || n->direction == f->direction) &&
	    (f->kind == 0 || n->kind == f->kind) && (f->thread == 0 || n->thread == f->thread) &&
	    (f->text.n == 0 || contains(n->subject, f->text) || contains(n->text, f->text));
}

static bool
list_contains(struct slice list, struct slice text)
{
	struct slice item;

	while (list_next(&list, &item))
		if (contains(item, text))
			return true;
	return false;
}

static bool
has_email(struct slice list, struct slice email)
{
	char wanted[LIM_ADDRESS + 1], one[LIM_ADDRESS + 1];
	struct slice item;
	size_t n = address_canonical(email, wanted);

	while (n > 0 && list_next(&list, &item))
		if (slice_eq(slice_mem(one, address_canonical(item, one)), slice_mem(wanted, n)))
			return true;
	return false;
}

static bool
correspondent_fits(const struct rec_correspondent *c, const struct rec_filter *f)
{
	return (f->kind == 0 || c->kind == f->kind) && (f->email.n == 0 || has_email(c->emails, f->email)) &&
	    (f->external_id.n == 0 || slice_eq(c->external_id, f->external_id)) &&
	    (f->text.n == 0 || contains(c->name, f->text) || list_contains(c->emails, f->text));
}

static bool
link_fits(const struct rec_link *l, const struct rec_filter *f)
{
	char a[LIM_ADDRESS + 1], b[LIM_ADDRESS + 1];

	return (f->state == 0 || l->state == f->state) &&
	    (f->email.n == 0 || (address_canonical(l->address, a) > 0 && address_canonical(f->email, b) > 0 &&
				    strcmp(a, b) == 0)) &&
	    (f->text.n == 0 || contains(l->address, f->text) || contains(l->name, f->text));
}

static bool
review_fits(const struct rec_review *r, const struct rec_filter *f)
{
	return (f->reason == 0 || r->reason == f->reason) && (f->account == 0 || r->account == f->account) &&
	    (!f->unresolved || r->resolution == RESOLVE_NONE);
}

static bool
mailbox_fits(const struct rec_mailbox *m, const struct rec_filter *f)
{
	return (f->kind == 0 || m->role == f->kind) && (f->text.n == 0 || contains(m->name, f->text));
}

static bool
submission_fits(const struct rec_submission *s, const struct rec_filter *f)
{
	return (f->state == 0 || s->state == f->state) && (f->thread == 0 || s->thread == f->thread) &&
	    (f->before == 0 || s->send_at < f->before) && s->send_at >= f->after;
}

#define FITS(name, ...)                                                                                                \
	do {                                                                                                           \
		struct row_##name row;                                                                                 \
		bool fits;                                                                                             \
		if (!row_##name##_get(&row, KEY(name, __VA_ARGS__)))                                                   \
			return false;                                                                                  \
		fits = name##_fits(&row.rec, f);                                                                       \
		row_##name##_free(&row);                                                                               \
		return fits;                                                                                           \
	} while (0)

bool
filter_fits(uint32_t account, enum obj_type type, uint64_t id, const struct rec_filter *f)
{
	switch (type) {
	case OBJ_LINK:
		FITS(link, .no = (uint32_t)id);
	case OBJ_CORRESPONDENT:
		FITS(correspondent, .id = id);
	case OBJ_NOTE:
		FITS(note, .id = id);
	case OBJ_REVIEW:
		FITS(review, .id = id);
	case OBJ_MAILBOX:
		FITS(mailbox, .account = account, .id = id);
	case OBJ_EMAIL:
		FITS(email, .account = account, .id = id);
	case OBJ_SUBMISSION:
		FITS(submission, .account = account, .id = id);
	case OBJ_THREAD:
	case OBJ_IDENTITY:
	case OBJ__COUNT:
		break;
	}
	return false;
}
