/*
 * Drafts made of the input. A composed message has exactly the fields that the
 * draft asked for, in order, whatever the texts contain, and parses back.
 */
#include <stdlib.h>
#include <string.h>

#include "compose.h"
#include "header.h"
#include "limits.h"
#include "parse_body.h"
#include "warm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool ok)
{
	if (!ok)
		abort();
}

/* The next piece of the input, up to a 0xff byte, at most max bytes. */
static struct slice
take(struct slice *in, size_t max)
{
	size_t n = 0;
	struct slice s;

	while (n < in->n && n < max && in->p[n] != 0xff && in->p[n] != 0)
		n++;
	s = slice_mem(in->p, n);
	if (n < in->n)
		n++;
	in->p += n;
	in->n -= n;
	return s;
}

static uint8_t
byte(struct slice *in)
{
	uint8_t b = in->n > 0 ? in->p[0] : 0;

	if (in->n > 0) {
		in->p++;
		in->n--;
	}
	return b;
}

static bool
blob(void *ctx, const struct rec_draft_part *p, struct slice *data)
{
	(void)p;
	*data = *(struct slice *)ctx;
	return true;
}

static void
add_address(struct wbuf *list, struct slice *in)
{
	struct rec_address a = { .name = take(in, LIM_NAME), .email = take(in, LIM_ADDRESS) };
	struct wbuf item;

	wbuf_init(&item, 0);
	rec_address_encode(&item, &a);
	list_add(list, wbuf_slice(&item));
	wbuf_free(&item);
}

static void
add_part(struct wbuf *parts, struct slice *in)
{
	static const char *const types[] = { "text/plain", "text/html", "multipart/mixed", "message/rfc822",
		"image/png" };
	uint8_t kind = byte(in);
	struct rec_draft_part p = { .depth = byte(in) % 4, .blob_kind = kind >> 7, .name = take(in, LIM_NAME),
		.disposition = take(in, 16), .cid = take(in, 64), .text = take(in, 4096) };
	struct wbuf item;

	p.type = kind % 6 < 5 ? slice_str(types[kind % 6]) : take(in, 32);
	wbuf_init(&item, 0);
	rec_draft_part_encode(&item, &p);
	w_bytes(parts, wbuf_slice(&item), item.n);
	wbuf_free(&item);
}

static void
check_fields(struct slice message, const char *const *names)
{
	struct slice header, body;
	struct header_field f;

	header_split(message, &header, &body);
	for (; *names != NULL; names++)
		check(header_next(&header, &f) && slice_eq_str(f.name, *names));
	while (header_next(&header, &f))
		check(f.name.n > 8 && memcmp(f.name.p, "Content-", 8) == 0);
}

static void
check_message(struct slice m)
{
	static const char *const names[] = { "Date", "From", "To", "Subject", "Message-ID", "X-A", "MIME-Version",
		NULL };
	struct mime_tree *tree;
	struct wbuf out;

	for (size_t i = 0; i < m.n; i++)
		check(m.p[i] != '\n' || (i > 0 && m.p[i - 1] == '\r'));
	check_fields(m, names);
	wbuf_init(&out, 0);
	tree = parse_tree(m);
	check(parse_record(&out, m, tree) == 0);
	structure_free(tree);
	wbuf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = { data, size }, file;
	struct rec_draft d = { .sent_at = 1000 };
	struct wbuf from, to, extra, parts, bytes, out;

	warm_libraries();
	wbuf_init(&from, 0);
	wbuf_init(&to, 0);
	wbuf_init(&extra, 0);
	wbuf_init(&parts, 0);
	wbuf_init(&bytes, 0);
	wbuf_init(&out, LIM_BODY);
	add_address(&from, &in);
	add_address(&to, &in);
	add_address(&to, &in);
	d.subject = take(&in, LIM_SUBJECT);
	d.message_id = take(&in, LIM_MESSAGE_ID);
	w_raw(&bytes, "X-A:", 4);
	w_raw(&bytes, in.p, take(&in, 2000).n);
	list_add(&extra, wbuf_slice(&bytes));
	file = take(&in, 4096);
	for (int i = 0; i < 8 && in.n > 0; i++)
		add_part(&parts, &in);
	d.from = wbuf_slice(&from);
	d.to = wbuf_slice(&to);
	d.extra = wbuf_slice(&extra);
	d.parts = wbuf_slice(&parts);
	if (d.subject.n == 0)
		d.subject = slice_str("x");
	if (d.message_id.n == 0)
		d.message_id = slice_str("x");
	wbuf_free(&bytes);
	rec_draft_encode(&bytes, &d);
	if (!bytes.failed && compose_message(&out, wbuf_slice(&bytes), blob, &file) == NULL)
		check_message(wbuf_slice(&out));
	wbuf_reset(&out);
	(void)compose_message(&out, slice_mem(data, size), blob, &file);	/* the bytes as a record */
	wbuf_free(&from);
	wbuf_free(&to);
	wbuf_free(&extra);
	wbuf_free(&parts);
	wbuf_free(&bytes);
	wbuf_free(&out);
	return 0;
}
