/*
 * blob_text.c - decoded texts of emails: u32 flags, u32 length, packed bytes.
 * One row a part; LIM_TEXT_PART bounds what a parser may send.
 */
#include <stdlib.h>
#include <string.h>

#include "blob.h"
#include "blob_pack.h"

void
text_put(uint32_t account, uint64_t email, struct slice part, uint32_t flags, struct slice text)
{
	static struct wbuf w;
	struct slice packed;

	if (text.n > LIM_TEXT_PART) {
		text.n = LIM_TEXT_PART;
		flags |= BLOB_TRUNCATED;
	}
	packed = blob_pack(text);
	wbuf_reset(&w);
	w_u32(&w, flags);
	w_u32(&w, (uint32_t)text.n);
	w_raw(&w, packed.p, packed.n);
	if (w.failed)
		db_fail("out of memory");
	table_put(T_email_text, KEY(email_text, .account = account, .id = email, .part = part), wbuf_slice(&w));
}

int
text_get(uint32_t account, uint64_t email, struct slice part, uint32_t *flags, struct slice *text)
{
	struct dbkey k = KEY(email_text, .account = account, .id = email, .part = part);
	struct slice v;
	struct rbuf r;
	uint32_t n;
	uint8_t *p;

	*text = SLICE_NONE;
	if (!table_get(T_email_text, k, &v))
		return -1;
	rbuf_init(&r, v);
	*flags = r_u32(&r);
	n = r_u32(&r);
	if (r.failed || n > LIM_TEXT_PART || (p = malloc((size_t)n + 1)) == NULL) {
		table_log_damaged(T_email_text, slice_mem(k.p, k.n));
		return -1;
	}
	if (blob_unpack(slice_mem(r.p, r.n), p, n) == -1) {
		table_log_damaged(T_email_text, slice_mem(k.p, k.n));
		free(p);
		return -1;
	}
	*text = slice_mem(p, n);
	return 0;
}

void
text_erase(uint32_t account, uint64_t email)
{
	table_del_prefix(T_email_text, PREFIX(email_text, 2, .account = account, .id = email), SIZE_MAX);
}
