/*
 * table_index.c - keeps by-date, by-mailbox and by-address true to the emails.
 */
#include "table_index.h"

#include <string.h>

#include "db.h"

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static bool
blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

size_t
address_canonical(struct slice s, char *out)
{
	size_t at = 0;

	while (s.n > 0 && blank(s.p[0]))
		s = slice_mem(s.p + 1, s.n - 1);
	while (s.n > 0 && blank(s.p[s.n - 1]))
		s.n--;
	out[0] = '\0';
	if (s.n > LIM_ADDRESS)
		return 0;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < 0x20 || s.p[i] == 0x7f)
			return 0;
		out[i] = (char)lower(s.p[i]);
		if (s.p[i] == '@')
			at = i;
	}
	if (at == 0 || at + 1 == s.n) {
		out[0] = '\0';
		return 0;
	}
	out[s.n] = '\0';
	return s.n;
}

struct slice
address_domain(struct slice s)
{
	for (size_t i = s.n; i-- > 0;)
		if (s.p[i] == '@')
			return slice_mem(s.p + i + 1, s.n - i - 1);
	return SLICE_NONE;
}

/* ---- one index row each; put or take away ---- */
struct target {
	uint32_t account;
	uint64_t email, received_at;
	bool add;
	unsigned int left;	/* addresses that may still be indexed */
};

static void
edit_date(const struct target *t)
{
	struct dbkey k = KEY(bydate, .account = t->account, .received_at = t->received_at, .email = t->email);

	if (t->add)
		table_put_empty(T_bydate, k);
	else
		table_del(T_bydate, k);
}

static void
edit_mailboxes(const struct target *t, struct slice ids)
{
	for (size_t i = 0; i < ids_count(ids); i++) {
		struct dbkey k = KEY(bymailbox, .account = t->account, .mailbox = ids_at(ids, i),
		    .received_at = t->received_at, .email = t->email);

		if (t->add)
			table_put_empty(T_bymailbox, k);
		else
			table_del(T_bymailbox, k);
	}
}

static void
edit_addresses(struct target *t, struct slice list, uint64_t flag)
{
	struct slice item;
	struct rec_address a;
	char canonical[LIM_ADDRESS + 1];

	while (t->left > 0 && list_next(&list, &item)) {
		size_t n = rec_address_decode(item, &a) == 0 ? address_canonical(a.email, canonical) : 0;
		uint64_t now;
		struct dbkey k;

		if (n == 0)
			continue;
		t->left--;
		k = KEY(byaddress, .account = t->account, .address = slice_mem(canonical, n),
		    .received_at = t->received_at, .email = t->email);
		if (!t->add)
			table_del_at(T_byaddress, &k);
		else if (!table_add_u64_at(T_byaddress, &k, flag, &now))
			table_put_u64_at(T_byaddress, &k, now | flag);
	}
}

static void
edit_header(struct target *t, struct slice header)
{
	struct rec_header h;

	if (rec_header_decode(header, &h) == -1)
		return;
	t->left = LIM_INDEXED_ADDRESSES;
	edit_addresses(t, h.from, INDEX_FROM);
	edit_addresses(t, h.to, INDEX_TO);
	edit_addresses(t, h.cc, INDEX_CC);
	edit_addresses(t, h.bcc, INDEX_CC);
}

static void
edit(uint32_t account, uint64_t email, const struct rec_email *e, bool add, bool date, bool mailboxes, bool header)
{
	struct target t = { .account = account, .email = email, .received_at = e->received_at, .add = add };

	if (date)
		edit_date(&t);
	if (mailboxes)
		edit_mailboxes(&t, e->mailboxes);
	if (header)
		edit_header(&t, e->header);
}

void
index_email(uint32_t account, uint64_t email, const struct rec_email *before, const struct rec_email *after)
{
	bool both, date, mailboxes, header;

	/* Without mailboxes it is hidden: as if absent. */
	if (before != NULL && before->mailboxes.n == 0)
		before = NULL;
	if (after != NULL && after->mailboxes.n == 0)
		after = NULL;
	both = before != NULL && after != NULL;
	date = !both || before->received_at != after->received_at;
	mailboxes = date || !slice_eq(before->mailboxes, after->mailboxes);
	header = date || !slice_eq(before->header, after->header);

	if (before != NULL)
		edit(account, email, before, false, date, mailboxes, header);
	if (after != NULL)
		edit(account, email, after, true, date, mailboxes, header);
}
