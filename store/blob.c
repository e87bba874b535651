/*
 * blob.c - bytes in rows. Row 0.. of a blob hold BLOB_CHUNK bytes each (the
 * last one less), each behind one flag byte.
 */
#include "blob.h"

#include <stdlib.h>
#include <string.h>

#include "blob_pack.h"
#include "log.h"

static struct dbkey
blob_key(uint32_t account, uint64_t blob)
{
	return KEY(blob, .account = account, .id = blob);
}

static void
info_write(uint32_t account, uint64_t blob, const struct blob_info *i)
{
	static struct wbuf w;

	wbuf_reset(&w);
	w_u64(&w, i->size);
	w_u32(&w, i->refs);
	w_u64(&w, i->hold_until);
	w_bytes(&w, slice_str(i->type), LIM_TYPE_NAME);
	if (i->behind > 0)
		w_u32(&w, i->behind);
	if (w.failed)
		db_fail("out of memory");
	table_put(T_blob, blob_key(account, blob), wbuf_slice(&w));
}

bool
blob_stat(uint32_t account, uint64_t blob, struct blob_info *i)
{
	struct dbkey k = blob_key(account, blob);
	struct slice v;
	struct rbuf r;

	*i = (struct blob_info){ .size = 0 };
	if (!table_get(T_blob, k, &v))
		return false;
	rbuf_init(&r, v);
	i->size = r_u64(&r);
	i->refs = r_u32(&r);
	i->hold_until = r_u64(&r);
	if (slice_copy(r_str(&r, LIM_TYPE_NAME), i->type, sizeof(i->type)) == 0 && r.n > 0)
		i->behind = r_u32(&r);
	if (!r.failed && r.n == 0 && i->size <= LIM_BODY &&
	    (i->behind == 0 || (i->size <= BLOB_CHUNK && i->behind <= BLOB_BEHIND)))
		return true;
	table_log_damaged(T_blob, slice_mem(k.p, k.n));
	return false;
}

static struct dbkey
end_key(uint32_t account, uint64_t blob, uint64_t at)
{
	return KEY(blobend, .at = at, .account = account, .id = blob);
}

uint64_t
blob_put(uint32_t account, struct slice data, struct slice type, uint32_t refs, uint64_t hold_until)
{
	struct blob_info info = { .size = data.n, .refs = refs, .hold_until = hold_until };
	uint64_t id;

	if (data.n > LIM_BODY || slice_copy(type, info.type, sizeof(info.type)) == -1)
		return 0;
	id = store_next_id();
	for (uint32_t n = 0; data.n > 0; n++) {
		size_t take = data.n < BLOB_CHUNK ? data.n : BLOB_CHUNK;

		table_put(T_blobrow, KEY(blobrow, .account = account, .id = id, .n = n),
		    blob_pack(slice_mem(data.p, take)));
		data = slice_mem(data.p + take, data.n - take);
	}
	info_write(account, id, &info);
	if (refs == 0)
		table_put_empty(T_blobend, end_key(account, id, hold_until));
	return id;
}

uint64_t
blob_put_with(uint32_t account, struct slice data, struct slice type, struct slice texts)
{
	struct blob_info info = { .size = data.n, .behind = (uint32_t)texts.n, .refs = 1 };
	static struct wbuf w;
	uint64_t id;

	if (data.n > BLOB_CHUNK || texts.n > BLOB_BEHIND || slice_copy(type, info.type, sizeof(info.type)) == -1)
		return 0;
	wbuf_reset(&w);
	w_raw(&w, data.p, data.n);
	w_raw(&w, texts.p, texts.n);
	if (w.failed)
		db_fail("out of memory");
	id = store_next_id();
	table_put(T_blobrow, KEY(blobrow, .account = account, .id = id, .n = 0), blob_pack(wbuf_slice(&w)));
	info_write(account, id, &info);
	return id;
}

static int
read_row(uint32_t account, uint64_t blob, uint32_t n, uint8_t *out, size_t size)
{
	struct dbkey k = KEY(blobrow, .account = account, .id = blob, .n = n);
	struct slice v;

	if (table_get(T_blobrow, k, &v) && blob_unpack(v, out, size) == 0)
		return 0;
	table_log_damaged(T_blobrow, slice_mem(k.p, k.n));
	return -1;
}

static int
read_rows(uint32_t account, uint64_t blob, uint8_t *out, size_t size)
{
	size_t done = 0;

	for (uint32_t n = 0; done < size; n++) {
		size_t want = size - done < BLOB_CHUNK ? size - done : BLOB_CHUNK;

		if (read_row(account, blob, n, out + done, want) == -1)
			return -1;
		done += want;
	}
	return 0;
}

/* All its bytes, and those that are packed with them; malloc'd. */
static uint8_t *
read_all(uint32_t account, uint64_t blob, const struct blob_info *i)
{
	uint8_t *p = malloc(i->size + i->behind + 1);

	if (p != NULL && (i->behind > 0 ? read_row(account, blob, 0, p, i->size + i->behind)
					: read_rows(account, blob, p, i->size)) == -1) {
		free(p);
		return NULL;
	}
	return p;
}

int
blob_get(uint32_t account, uint64_t blob, struct slice *data)
{
	struct blob_info info;
	uint8_t *p;

	*data = SLICE_NONE;
	if (!blob_stat(account, blob, &info) || (p = read_all(account, blob, &info)) == NULL)
		return -1;
	*data = slice_mem(p, info.size);
	return 0;
}

int
blob_get_behind(uint32_t account, uint64_t blob, uint32_t at, uint32_t n, struct slice *text)
{
	struct blob_info info;
	uint8_t *p;

	*text = SLICE_NONE;
	if (!blob_stat(account, blob, &info) || at > info.behind || n > info.behind - at ||
	    (p = read_all(account, blob, &info)) == NULL)
		return -1;
	memmove(p, p + info.size + at, n);
	*text = slice_mem(p, n);
	return 0;
}

void
blob_release(struct slice *s)
{
	free((void *)(uintptr_t)s->p);
	*s = SLICE_NONE;
}

static void
blob_erase(uint32_t account, uint64_t blob)
{
	table_del(T_blob, blob_key(account, blob));
	table_del_prefix(T_blobrow, PREFIX(blobrow, 2, .account = account, .id = blob), SIZE_MAX);
}

void
blob_ref(uint32_t account, uint64_t blob)
{
	struct blob_info info;

	if (!blob_stat(account, blob, &info))
		return;
	if (info.refs++ == 0)
		table_del(T_blobend, end_key(account, blob, info.hold_until));
	info_write(account, blob, &info);
}

void
blob_unref(uint32_t account, uint64_t blob)
{
	struct blob_info info;

	if (!blob_stat(account, blob, &info) || info.refs == 0)
		return;
	if (--info.refs == 0 && info.hold_until <= store_past()) {
		blob_erase(account, blob);
		return;
	}
	info_write(account, blob, &info);
	if (info.refs == 0)
		table_put_empty(T_blobend, end_key(account, blob, info.hold_until));
}

uint64_t
blob_copy(uint32_t from, uint64_t blob, uint32_t to, uint32_t refs)
{
	struct blob_info info;
	struct slice data;
	uint64_t id;

	if (!blob_stat(from, blob, &info) || blob_get(from, blob, &data) == -1)
		return 0;
	id = blob_put(to, data, slice_str(info.type), refs, store_now() + LIM_UPLOAD_SECONDS);
	blob_release(&data);
	return id;
}

size_t
blob_expire(uint64_t now, size_t max)
{
	struct scan s;
	struct slice key;
	struct key_blobend k;
	struct blob_info info;
	size_t n = 0;

	scan_range(&s, T_blobend, PREFIX(blobend, 0, .at = 0), PREFIX(blobend, 1, .at = now + 1), false);
	for (; n < max && scan_next(&s, &key, NULL); n++) {
		if (key_blobend_read(key, &k) == -1)
			continue;
		table_del(T_blobend, end_key(k.account, k.id, k.at));
		if (blob_stat(k.account, k.id, &info) && info.refs == 0)
			blob_erase(k.account, k.id);
	}
	scan_end(&s);
	return n;
}
