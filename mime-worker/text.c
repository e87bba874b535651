#include "text.h"

#include <string.h>

#include "charset.h"
#include "content.h"
#include "enums.h"
#include "html.h"
#include "utf8.h"

/* A decoded byte is at most four in its charset, and some for escapes. */
#define RAW_PER_TEXT 5

/* CRLF to LF in place, from offset start on. A CR alone stays. */
static void
unix_lines(struct wbuf *b, size_t start)
{
	size_t to = start, i = start, n;
	const uint8_t *cr;

	while (i < b->n) {
		cr = memchr(b->p + i, '\r', b->n - i);
		n = cr != NULL ? (size_t)(cr - (b->p + i)) : b->n - i;
		memmove(b->p + to, b->p + i, n);
		to += n;
		i += n;
		if (i < b->n && (i + 1 == b->n || b->p[i + 1] != '\n'))
			b->p[to++] = '\r';
		i++;
	}
	b->n = to;
}

unsigned int
text_part(struct wbuf *out, const struct mime_part *p, size_t max, size_t *size)
{
	size_t start = out->n, room = max > start ? max - start : 0, most = room * RAW_PER_TEXT * 2 + 16;
	unsigned int problem = p->encoding == ENC_UNKNOWN ? CHARSET_PROBLEM : 0;
	struct wbuf raw;

	/* Line ends shrink: one byte more in for each, so decode twice the room. */
	wbuf_init(&raw, 0);
	(void)content_decode(&raw, p, most);
	if (size != NULL)
		*size = raw.n < most ? raw.n : content_size(p);
	problem |= charset_decode(out, slice_str(p->charset), wbuf_slice(&raw), start + room * 2);
	wbuf_free(&raw);
	unix_lines(out, start);
	if (out->n - start > room) {
		out->n = start + utf8_cut(slice_mem(out->p + start, out->n - start), room).n;
		problem |= CHARSET_CUT;
	}
	return ((problem & CHARSET_CUT) != 0 ? BLOB_TRUNCATED : 0) |
	    ((problem & CHARSET_PROBLEM) != 0 ? BLOB_ENCODING_PROBLEM : 0);
}

static bool
is_html(const struct mime_part *p)
{
	return strcmp(p->type, "text/html") == 0;
}

static void
note_part(struct wbuf *out, const struct mime_part *p)
{
	struct wbuf text;

	if (out->n > 0 && out->n < LIM_NOTE_TEXT && out->p[out->n - 1] != '\n')
		w_u8(out, '\n');
	if (!is_html(p)) {
		(void)text_part(out, p, LIM_NOTE_TEXT, NULL);
		return;
	}
	wbuf_init(&text, 0);
	(void)text_part(&text, p, LIM_TEXT_PART, NULL);
	html_text(out, wbuf_slice(&text), LIM_NOTE_TEXT);
	wbuf_free(&text);
}

void
text_note(struct wbuf *out, const struct mime_tree *t)
{
	for (size_t i = 0; i < t->n && out->n < LIM_NOTE_TEXT; i++) {
		const struct mime_part *p = &t->part[i];

		if ((p->flags & PART_TEXT_BODY) != 0 && strncmp(p->type, "text/", 5) == 0)
			note_part(out, p);
	}
}

static struct slice
take_line(struct slice *rest)
{
	const uint8_t *nl = memchr(rest->p, '\n', rest->n);
	struct slice line = { rest->p, nl != NULL ? (size_t)(nl - rest->p) + 1 : rest->n };

	rest->p += line.n;
	rest->n -= line.n;
	return line;
}

/* Appends lines, one space between them, until surely enough is there. */
static void
gather(struct wbuf *out, struct slice note, bool quoted_too)
{
	while (note.n > 0 && out->n < LIM_PREVIEW) {
		struct slice line = take_line(&note);
		size_t end = out->n;

		if (!quoted_too && line.p[0] == '>')
			continue;
		if (end > 0)
			w_u8(out, ' ');
		w_raw(out, line.p, line.n);
		utf8_one_line(out, end > 0 ? end + 1 : 0);
		if (end > 0 && out->n == end + 1)
			out->n = end;	/* there was nothing in it */
	}
}

void
text_preview(struct wbuf *out, struct slice note)
{
	gather(out, note, false);
	if (out->n == 0)
		gather(out, note, true);
	out->n = utf8_cut_chars(wbuf_slice(out), LIM_PREVIEW_CHARS).n;
}
