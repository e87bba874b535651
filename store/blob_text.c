/*
 * blob_text.c - decoded texts of emails: u32 flags, u32 length, then the packed
 * bytes or, behind TEXT_BEHIND, the u64 blob they are packed with and their u32
 * offset there. One row a part; LIM_TEXT_PART bounds what a parser may send.
 */
#include <stdlib.h>
#include <string.h>

#include "blob.h"
#include "blob_pack.h"

#define TEXT_BEHIND 0xff	/* no flag byte of blob_pack.h */

/* The row of a text, taken apart. */
struct text {
	uint32_t flags, n;
	struct slice packed;	/* or, if it is empty: */
	uint64_t blob;
	uint32_t at;
};

static struct dbkey
text_key(uint32_t account, uint64_t email, struct slice part)
{
	return KEY(email_text, .account = account, .id = email, .part = part);
}

static bool
text_read(struct slice row, struct text *t)
{
	struct rbuf r;

	*t = (struct text){ .flags = 0 };
	rbuf_init(&r, row);
	t->flags = r_u32(&r);
	t->n = r_u32(&r);
	if (r.failed || r.n == 0 || t->n > LIM_TEXT_PART)
		return false;
	if (r.p[0] != TEXT_BEHIND) {
		t->packed = slice_mem(r.p, r.n);
		return true;
	}
	(void)r_u8(&r);
	t->blob = r_u64(&r);
	t->at = r_u32(&r);
	return !r.failed && r.n == 0;
}

static struct wbuf *
text_begin(uint32_t flags, size_t n)
{
	static struct wbuf w;

	wbuf_reset(&w);
	w_u32(&w, flags);
	w_u32(&w, (uint32_t)n);
	return &w;
}

static void
text_end(struct dbkey k, const struct wbuf *w)
{
	if (w->failed)
		db_fail("out of memory");
	table_put(T_email_text, k, wbuf_slice(w));
}

void
text_put(uint32_t account, uint64_t email, struct slice part, uint32_t flags, struct slice text)
{
	struct slice packed;
	struct wbuf *w;

	if (text.n > LIM_TEXT_PART) {
		text.n = LIM_TEXT_PART;
		flags |= BLOB_TRUNCATED;
	}
	packed = blob_pack(text);
	w = text_begin(flags, text.n);
	w_raw(w, packed.p, packed.n);
	text_end(text_key(account, email, part), w);
}

void
text_put_behind(uint32_t account, uint64_t email, struct slice part, uint32_t flags, uint32_t n, uint64_t blob,
    uint32_t at)
{
	struct wbuf *w = text_begin(flags, n);

	w_u8(w, TEXT_BEHIND);
	w_u64(w, blob);
	w_u32(w, at);
	text_end(text_key(account, email, part), w);
}

static int
text_unpack(const struct text *t, struct slice *text)
{
	uint8_t *p = malloc((size_t)t->n + 1);

	if (p == NULL || blob_unpack(t->packed, p, t->n) == -1) {
		free(p);
		return -1;
	}
	*text = slice_mem(p, t->n);
	return 0;
}

int
text_get(uint32_t account, uint64_t email, struct slice part, uint32_t *flags, struct slice *text)
{
	struct dbkey k = text_key(account, email, part);
	struct slice v;
	struct text t;
	int r = -1;

	*text = SLICE_NONE;
	if (!table_get(T_email_text, k, &v))
		return -1;
	if (text_read(v, &t))
		r = t.packed.n > 0 ? text_unpack(&t, text) : blob_get_behind(account, t.blob, t.at, t.n, text);
	if (r == -1)
		table_log_damaged(T_email_text, slice_mem(k.p, k.n));
	*flags = t.flags;
	return r;
}

bool
text_sound(uint32_t account, struct slice row)
{
	struct blob_info info;
	struct text t;

	return text_read(row, &t) && (t.packed.n > 0 ||
	    (blob_stat(account, t.blob, &info) && t.at <= info.behind && t.n <= info.behind - t.at));
}

void
text_erase(uint32_t account, uint64_t email)
{
	table_del_prefix(T_email_text, PREFIX(email_text, 2, .account = account, .id = email), SIZE_MAX);
}
