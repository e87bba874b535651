/*
 * person.c - create, update and destroy correspondents.
 */
#include "person.h"

#include <string.h>

#include "changes.h"
#include "table_index.h"

static struct dbkey
person_key(uint64_t id)
{
	return KEY(correspondent, .id = id);
}

static void
index_external(uint64_t id, struct slice external, bool add)
{
	struct hash16 h = db_hash16(external);
	struct dbkey k = KEY(externalid, .key = HASH(h), .id = id);

	if (external.n == 0)
		return;
	if (add)
		table_put_empty(T_externalid, k);
	else
		table_del(T_externalid, k);
}

static void
index_addresses(uint64_t id, const struct rec_correspondent *r, bool add)
{
	char canonical[LIM_ADDRESS + 1];
	struct slice list = r->emails, item;
	size_t n;

	while (list_next(&list, &item)) {
		struct dbkey k;

		if ((n = address_canonical(item, canonical)) == 0)
			continue;
		k = KEY(address, .address = slice_mem(canonical, n), .id = id);
		if (add)
			table_put_u64(T_address, k, r->kind);
		else
			table_del(T_address, k);
	}
}

/* NULL, or the property that is wrong. */
static const char *
check(const struct rec_correspondent *r)
{
	char canonical[LIM_ADDRESS + 1];
	struct slice list = r->emails, item;

	if (r->kind != PERSON_CONTACT && r->kind != PERSON_CANDIDATE)
		return "kind";
	if (r->related.n % 8 != 0)
		return "relatedIds";
	while (list_next(&list, &item))
		if (address_canonical(item, canonical) == 0)
			return "emails";
	return NULL;
}

static bool
has_address(struct slice list, struct slice canonical)
{
	char other[LIM_ADDRESS + 1];
	struct slice item;
	size_t n;

	while (list_next(&list, &item))
		if ((n = address_canonical(item, other)) > 0 && slice_eq(slice_mem(other, n), canonical))
			return true;
	return false;
}

/* Addresses that the person did not have; all when they became a contact,
 * for contacts come before candidates. */
static void
backfill_new(uint64_t id, const struct rec_correspondent *before, const struct rec_correspondent *after)
{
	char canonical[LIM_ADDRESS + 1];
	struct slice list = after->emails, item;
	size_t n;

	while (list_next(&list, &item)) {
		n = address_canonical(item, canonical);
		if (n > 0 && (before == NULL || !has_address(before->emails, slice_mem(canonical, n))))
			person_backfill_add(id, slice_mem(canonical, n));
	}
}

static void
put(uint64_t id, const struct rec_correspondent *before, const struct rec_correspondent *after)
{
	if (before != NULL) {
		index_addresses(id, before, false);
		index_external(id, before->external_id, false);
	}
	row_correspondent_put(person_key(id), after);
	index_addresses(id, after, true);
	index_external(id, after->external_id, true);
	backfill_new(id, before, after);
	changes_record(ACCOUNT_ATS, OBJ_CORRESPONDENT, id, before == NULL ? CREATED : UPDATED);
}

static void
destroy(uint64_t id, const struct rec_correspondent *r)
{
	index_addresses(id, r, false);
	index_external(id, r->external_id, false);
	table_del(T_correspondent, person_key(id));
	table_del_prefix(T_backfill, PREFIX(backfill, 1, .id = id), LIM_EMAILS_PERSON);
	person_erase_notes(id);
	changes_record(ACCOUNT_ATS, OBJ_CORRESPONDENT, id, DESTROYED);
}

/* Returns the error's type or NULL. */
static const char *
apply(const struct msg_correspondent_set *q, uint64_t *id, const char **property)
{
	struct rec_correspondent rec;
	struct row_correspondent row = { .mem = NULL };

	if (q->action != SET_CREATE && !row_correspondent_get(&row, person_key(q->id)))
		return "notFound";
	if (q->action == SET_DESTROY) {
		destroy(q->id, &row.rec);
		row_correspondent_free(&row);
		return NULL;
	}
	if (rec_correspondent_decode(q->record, &rec) == -1)
		*property = "";
	else
		*property = check(&rec);
	if (*property != NULL) {
		row_correspondent_free(&row);
		return "invalidProperties";
	}
	*id = q->action == SET_CREATE ? store_next_id() : q->id;
	put(*id, q->action == SET_CREATE ? NULL : &row.rec, &rec);
	row_correspondent_free(&row);
	return NULL;
}

int
person_on_set(struct chan *c, const union msg *m, int *fd)
{
	const struct msg_correspondent_set *q = &m->correspondent_set;
	struct asker a = { c, q->req };
	uint64_t old = changes_state(ACCOUNT_ATS, OBJ_CORRESPONDENT), id = q->id;
	const char *error, *property = NULL;

	(void)fd;
	if (q->action < SET_CREATE || q->action > SET_DESTROY)
		return -1;
	if ((error = apply(q, &id, &property)) != NULL)
		out_set_error(a, error, property, "");
	else
		out_set_done(a, ACCOUNT_ATS, OBJ_CORRESPONDENT, old, (struct msg_set_done){ .id = id });
	return 0;
}
