/*
 * changes.c - the change log.
 *
 * Three tables. change: by modseq, one row for each object at its newest
 * change. changed: where that row is. created: the living objects by the modseq
 * of their birth. The last makes an answer in the middle of a long list exact:
 * a client at state S knows every object born at or before S, however often it
 * changed later.
 */
#include "changes.h"

#include <string.h>

#include "push.h"
#include "watch.h"

struct row {
	uint64_t id;
	uint64_t first, born;	/* modseqs of its first birth and of the latest: ids may come back */
	uint64_t at;		/* seconds */
	bool gone;
};

static void
row_write(uint32_t account, enum obj_type type, uint64_t modseq, const struct row *r)
{
	static struct wbuf w;

	wbuf_reset(&w);
	w_u64(&w, r->id);
	w_u64(&w, r->first);
	w_u64(&w, r->born);
	w_u64(&w, r->at);
	w_u8(&w, r->gone);
	if (w.failed)
		db_fail("out of memory");
	table_put(T_change, KEY(change, .account = account, .type = (uint8_t)type, .modseq = modseq), wbuf_slice(&w));
}

static int
row_read(struct slice key, struct slice v, struct row *r)
{
	struct rbuf in;

	rbuf_init(&in, v);
	r->id = r_u64(&in);
	r->first = r_u64(&in);
	r->born = r_u64(&in);
	r->at = r_u64(&in);
	r->gone = r_bool(&in);
	if (!in.failed && in.n == 0)
		return 0;
	table_log_damaged(T_change, key);
	return -1;
}

/* The object's row as it is now; modseq 0: it has none. */
static uint64_t
row_find(uint32_t account, enum obj_type type, uint64_t id, struct row *r)
{
	uint64_t modseq =
	    table_get_u64(T_changed, KEY(changed, .account = account, .type = (uint8_t)type, .id = id));
	struct dbkey k = KEY(change, .account = account, .type = (uint8_t)type, .modseq = modseq);
	struct slice v;

	if (modseq == 0 || !table_get(T_change, k, &v) || row_read(slice_mem(k.p, k.n), v, r) == -1)
		return 0;
	return modseq;
}

static uint64_t
next_modseq(uint32_t account)
{
	struct dbkey k = KEY(modseq, .account = account);
	uint64_t n = table_get_u64(T_modseq, k) + 1;

	table_put_u64(T_modseq, k, n);
	return n;
}

static void
set_born(uint32_t account, enum obj_type type, const struct row *r)
{
	struct dbkey k = KEY(created, .account = account, .type = (uint8_t)type, .modseq = r->born);

	if (r->gone)
		table_del(T_created, k);
	else
		table_put_u64(T_created, k, r->id);
}

void
changes_record(uint32_t account, enum obj_type type, uint64_t id, enum change what)
{
	struct row r = { .id = id };
	uint64_t old = what != BORN ? row_find(account, type, id, &r) : 0, now;
	bool alive = old != 0 && !r.gone;

	if (what == DESTROYED && !alive)
		return;
	now = next_modseq(account);
	if (old != 0)
		table_del(T_change, KEY(change, .account = account, .type = (uint8_t)type, .modseq = old));
	if (!alive)
		r.born = now;
	if (old == 0)
		r.first = now;
	r.gone = what == DESTROYED;
	r.at = store_now();
	if (!alive || r.gone)
		set_born(account, type, &r);
	row_write(account, type, now, &r);
	table_put_u64(T_changed, KEY(changed, .account = account, .type = (uint8_t)type, .id = id), now);
	table_put_u64(T_state, KEY(state, .account = account, .type = (uint8_t)type), now);
	push_note(account, type, now);
	watch_changed(account, type, id);
}

uint64_t
changes_state(uint32_t account, enum obj_type type)
{
	return table_get_u64(T_state, KEY(state, .account = account, .type = (uint8_t)type));
}

/* ---- answering: two walks in step, by birth and by last change ---- */
struct walk {
	struct scan scan;
	uint64_t modseq;	/* of the row it stands on; UINT64_MAX at the end */
	struct row row;
};

static uint64_t
modseq_of(struct slice key)
{
	struct key_change k;	/* created has the same parts */

	return key_change_read(key, &k) == 0 ? k.modseq : 0;
}

/* Living objects born after since. */
static void
born_next(struct walk *w)
{
	struct slice key, v;
	struct rbuf r;

	w->modseq = UINT64_MAX;
	if (!scan_next(&w->scan, &key, &v))
		return;
	rbuf_init(&r, v);
	w->row.id = r_u64(&r);
	w->modseq = modseq_of(key);
}

/* Objects that the client knows already and that changed after since. One that
 * came back and went again may be known from its earlier life. */
static void
moved_next(struct walk *w, uint64_t since)
{
	struct slice key, v;

	w->modseq = UINT64_MAX;
	while (scan_next(&w->scan, &key, &v)) {
		if (row_read(key, v, &w->row) == -1 || (w->row.gone ? w->row.first : w->row.born) > since)
			continue;
		w->modseq = modseq_of(key);
		return;
	}
}

static void
walk_start(struct walk *w, enum table t, uint32_t account, enum obj_type type, uint64_t since)
{
	struct dbkey low = KEY(change, .account = account, .type = (uint8_t)type, .modseq = since + 1);
	struct dbkey high = KEY(change, .account = account, .type = (uint8_t)type, .modseq = UINT64_MAX);

	scan_range(&w->scan, t, low, high, false);
}

static void
walk_both(struct walk *born, struct walk *moved, uint64_t since, uint32_t max, struct changes *out)
{
	for (uint32_t n = 0; born->modseq != UINT64_MAX || moved->modseq != UINT64_MAX; n++) {
		if (n == max) {
			out->more = true;
			return;
		}
		if (born->modseq < moved->modseq) {
			ids_add(&out->created, born->row.id);
			out->new_state = born->modseq;
			born_next(born);
		} else {
			ids_add(moved->row.gone ? &out->destroyed : &out->updated, moved->row.id);
			out->new_state = moved->modseq;
			moved_next(moved, since);
		}
	}
}

int
changes_since(uint32_t account, enum obj_type type, uint64_t since, uint32_t max, struct changes *out)
{
	uint64_t state = changes_state(account, type);
	struct walk born, moved;

	*out = (struct changes){ .new_state = since };
	if (since > state || since < table_get_u64(T_floor, KEY(floor, .account = account, .type = (uint8_t)type)))
		return -1;
	if (max == 0 || max > LIM_IDS)
		max = LIM_IDS;
	walk_start(&born, T_created, account, type, since);
	walk_start(&moved, T_change, account, type, since);
	born_next(&born);
	moved_next(&moved, since);
	walk_both(&born, &moved, since, max, out);
	scan_end(&born.scan);
	scan_end(&moved.scan);
	if (!out->more)
		out->new_state = state;
	return 0;
}

void
changes_free(struct changes *c)
{
	wbuf_free(&c->created);
	wbuf_free(&c->updated);
	wbuf_free(&c->destroyed);
}

/* ---- forgetting ---- */

/* Never down again: a clock that was set may make a later row the first to go. */
static void
raise_floor(const struct key_change *k)
{
	struct dbkey floor = KEY(floor, .account = k->account, .type = k->type);

	if (table_get_u64(T_floor, floor) < k->modseq)
		table_put_u64(T_floor, floor, k->modseq);
}

/* Tombstones are in order of time, but living objects lie between them: each
 * call goes on where the last one stopped and looks at max rows. */
size_t
changes_expire(uint64_t now, size_t max)
{
	static struct scan s;
	static bool under_way;
	struct slice key, v;
	struct key_change k;
	struct row r;
	size_t forgotten = 0;

	if (!under_way)
		scan_range(&s, T_change, PREFIX(change, 0, .account = 0), PREFIX(change, 0, .account = 0), false);
	under_way = true;
	for (size_t n = 0; n < max; n++) {
		if (!scan_next(&s, &key, &v)) {
			under_way = false;
			break;
		}
		if (key_change_read(key, &k) == -1 || row_read(key, v, &r) == -1 || !r.gone ||
		    r.at + LIM_CHANGES_SECONDS > now)
			continue;
		table_del(T_change, KEY(change, .account = k.account, .type = k.type, .modseq = k.modseq));
		table_del(T_changed, KEY(changed, .account = k.account, .type = k.type, .id = r.id));
		raise_floor(&k);
		forgotten++;
	}
	return forgotten;
}
