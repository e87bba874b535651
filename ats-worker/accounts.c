#include "accounts.h"

#include <stdlib.h>
#include <string.h>

static struct account *list;
static size_t count;
static uint64_t hash;
/* A change that arrives while a refresh is under way makes it stale again. */
static uint64_t changed = 1, loaded;

void
accounts_dirty(void)
{
	changed++;
}

bool
accounts_fresh(void)
{
	return changed == loaded;
}

size_t
accounts_count(void)
{
	return count;
}

const struct account *
accounts_at(size_t i)
{
	return &list[i];
}

const struct account *
accounts_find(uint32_t id)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].id == id)
			return &list[i];
	return NULL;
}

bool
accounts_known(void)
{
	return loaded > 0;
}

json_t *
accounts_state(void)
{
	return ju_state(hash, count);
}

static void
hash_bytes(const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		hash = (hash ^ ((const uint8_t *)p)[i]) * 0x100000001b3u;
}

static int
by_id(const void *a, const void *b)
{
	const struct account *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static void
accounts_load(const struct store_rows *rows)
{
	struct account *fresh = calloc(rows->n + 1, sizeof(*fresh));
	struct rec_link rec;

	if (fresh == NULL)
		return;
	free(list);
	list = fresh;
	count = 0;
	for (size_t i = 0; i < rows->n; i++) {
		struct account *a = &list[count];

		if (rec_link_decode(rows->rows[i].data, &rec) == -1 || rows->rows[i].id > UINT32_MAX)
			continue;
		a->id = (uint32_t)rows->rows[i].id;
		a->mode = rec.mode;
		(void)slice_copy(rec.address, a->address, sizeof(a->address));
		count++;
	}
	qsort(list, count, sizeof(*list), by_id);
	hash = 0xcbf29ce484222325u;
	for (size_t i = 0; i < count; i++) {
		hash_bytes(&list[i].id, sizeof(list[i].id));
		hash_bytes(list[i].address, strlen(list[i].address) + 1);
	}
}

/* The number of the last change known when the request was made: newer ones
 * keep the copy stale. */
static void
on_links(void *ctx, const struct store_answer *a)
{
	struct accounts_wait *w = ctx;

	if (a->error == NULL) {
		accounts_load(a->rows);
		loaded = w->seen;
	}
	w->cb(w->ctx, a->error == NULL);
}

int
accounts_refresh(struct store_scope *scope, struct accounts_wait *w)
{
	struct msg_get m = { .account = ACCOUNT_ATS, .type = OBJ_LINK, .all = true };

	w->seen = changed;
	return store_ask(scope, MSG_get, &m, -1, on_links, w);
}
