#include "compose.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compose_header.h"
#include "compose_part.h"
#include "log.h"
#include "utf8.h"

#define BOUNDARY_SIZE 40

struct composer {
	struct wbuf *out;
	struct rec_draft_part part[LIM_PARTS];
	size_t n;
	/* the multiparts around the part being written */
	char boundary[LIM_PART_DEPTH + 1][BOUNDARY_SIZE];
	size_t open;
	compose_blob_fn blob;
	void *ctx;
};

static bool
is_multipart(const struct rec_draft_part *p)
{
	return p->type.n > 10 && slice_case_eq_str(slice_mem(p->type.p, 10), "multipart/");
}

/* One root; a deeper part only inside the multipart before it. */
static bool
part_fits(const struct composer *c, const struct rec_draft_part *p)
{
	const struct rec_draft_part *before = c->n > 0 ? &c->part[c->n - 1] : NULL;

	if (p->depth > LIM_PART_DEPTH || !compose_type_valid(p->type))
		return false;
	if (before == NULL)
		return p->depth == 0;
	if (p->depth == 0 || p->depth > before->depth + 1)
		return false;
	return p->depth <= before->depth || is_multipart(before);
}

/* A multipart in a draft has at least one part in it. */
static bool
multiparts_filled(const struct composer *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (is_multipart(&c->part[i]) && (i + 1 == c->n || c->part[i + 1].depth <= c->part[i].depth))
			return false;
	return true;
}

static const char *
read_parts(struct composer *c, struct slice bytes)
{
	struct rbuf r;

	rbuf_init(&r, bytes);
	while (r.n > 0) {
		struct slice item = r_bytes(&r, bytes.n);

		if (r.failed || c->n == LIM_PARTS || rec_draft_part_decode(item, &c->part[c->n]) == -1)
			return "invalidDraft";
		if (!part_fits(c, &c->part[c->n]))
			return "invalidPart";
		c->n++;
	}
	if (c->n == 0)
		c->part[c->n++] = (struct rec_draft_part){ .type = slice_str("text/plain") };
	return multiparts_filled(c) ? NULL : "invalidPart";
}

/* Random, and with "=_", which neither base64 nor quoted-printable contains. */
static void
make_boundary(char b[BOUNDARY_SIZE])
{
	uint8_t random[16];
	char hex[33];

	randombytes_buf(random, sizeof(random));
	(void)sodium_bin2hex(hex, sizeof(hex), random, sizeof(random));
	(void)snprintf(b, BOUNDARY_SIZE, "=_%s", hex);
}

static void
put_boundary(struct composer *c, bool first, bool close)
{
	const char *b = c->boundary[c->open - 1];

	w_raw(c->out, first ? "--" : "\r\n--", first ? 2 : 4);
	w_raw(c->out, b, strlen(b));
	w_raw(c->out, close ? "--\r\n" : "\r\n", close ? 4 : 2);
}

static void
close_to(struct composer *c, size_t depth)
{
	while (c->open > depth) {
		put_boundary(c, false, true);
		c->open--;
	}
}

static const char *
write_leaf(struct composer *c, const struct rec_draft_part *p)
{
	struct slice data = p->text;
	bool is_text = p->blob_kind == 0;

	if (!is_text && !c->blob(c->ctx, p, &data))
		return "blobNotFound";
	if (is_text && !utf8_valid(data))
		return "invalidPart";
	return compose_leaf(c->out, p, data, is_text);
}

static const char *
write_part(struct composer *c, size_t i)
{
	const struct rec_draft_part *p = &c->part[i];

	close_to(c, p->depth);
	if (p->depth > 0)
		put_boundary(c, c->part[i - 1].depth < p->depth, false);
	if (!is_multipart(p))
		return write_leaf(c, p);
	make_boundary(c->boundary[c->open++]);
	return compose_multipart(c->out, p, c->boundary[c->open - 1]);
}

static const char *
write_message(struct composer *c, struct slice bytes)
{
	struct rec_draft draft;
	const char *error;

	if (rec_draft_decode(bytes, &draft) == -1)
		return "invalidDraft";
	if ((error = read_parts(c, draft.parts)) != NULL || (error = compose_header(c->out, &draft)) != NULL)
		return error;
	for (size_t i = 0; i < c->n && error == NULL; i++)
		error = write_part(c, i);
	if (error != NULL)
		return error;
	close_to(c, 0);
	if (c->out->n > 0 && !c->out->failed && c->out->p[c->out->n - 1] != '\n')
		w_raw(c->out, "\r\n", 2);
	return c->out->failed ? "tooLarge" : NULL;
}

const char *
compose_message(struct wbuf *out, struct slice bytes, compose_blob_fn blob, void *ctx)
{
	struct composer *c = calloc(1, sizeof(*c));
	const char *error;

	if (c == NULL)
		fatal("out of memory");
	c->out = out;
	c->blob = blob;
	c->ctx = ctx;
	error = write_message(c, bytes);
	free(c);
	return error;
}
