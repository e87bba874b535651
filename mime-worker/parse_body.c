#include "parse_body.h"

#include <string.h>

#include "content.h"
#include "header.h"
#include "log.h"
#include "messages.h"
#include "parse_header.h"
#include "parts.h"
#include "text.h"

struct mime_tree *
parse_tree(struct slice message)
{
	struct mime_tree *t = structure_parse(message);

	if (t == NULL)
		fatal("out of memory");
	parts_flag(t);
	return t;
}

/* What is made of the parts; all of it is owned here. */
struct made {
	struct wbuf parts, texts, note, preview;
	size_t room;		/* for texts */
	char note_part[16];	/* the note is this part's text, the only one of the body */
};

/* Of LIM_MIME_TEXT for the texts themselves; the rest is for what surrounds them. */
#define TEXTS_ROOM (LIM_MIME_TEXT - LIM_PARTS * 128)

static bool
is_text(const struct mime_part *p)
{
	return !p->multipart && strncmp(p->type, "text/", 5) == 0;
}

static void
add_part(struct wbuf *list, const struct mime_part *p, size_t size)
{
	char id[16];
	struct wbuf item;
	struct rec_part rec = { .part_id = structure_id(p, id), .depth = p->depth, .multipart = p->multipart,
		.type = slice_str(p->type), .charset = slice_str(p->charset), .disposition = slice_str(p->disposition),
		.name = slice_str(p->name), .cid = slice_str(p->cid), .flags = p->flags, .size = size };

	wbuf_init(&item, LIM_PART_RECORD);
	rec_part_encode(&item, &rec);
	if (item.failed)
		list->failed = true;
	list_add(list, wbuf_slice(&item));
	wbuf_free(&item);
}

/* The plain text that is all of the body, or NULL. */
static const struct mime_part *
whole_body(const struct mime_tree *t)
{
	const struct mime_part *only = NULL;

	for (size_t i = 0; i < t->n; i++) {
		if ((t->part[i].flags & PART_TEXT_BODY) == 0 || !is_text(&t->part[i]))
			continue;
		if (only != NULL)
			return NULL;
		only = &t->part[i];
	}
	return only != NULL && strcmp(only->type, "text/html") != 0 ? only : NULL;
}

/* A text joins the others, cut to what room is left; its bytes stay in *text. */
static unsigned int
add_text(struct made *m, const struct mime_part *p, struct wbuf *text, size_t *size)
{
	char id[16];
	struct wbuf item;
	struct rec_text rec = { .part = structure_id(p, id) };

	wbuf_reset(text);
	rec.flags = (uint8_t)text_part(text, p, m->room < LIM_TEXT_PART ? m->room : LIM_TEXT_PART, size);
	rec.data = wbuf_slice(text);
	m->room -= rec.data.n;
	wbuf_init(&item, 0);
	rec_text_encode(&item, &rec);
	w_bytes(&m->texts, wbuf_slice(&item), LIM_MIME_TEXT);
	if (item.failed || text->failed)
		m->texts.failed = true;
	wbuf_free(&item);
	return rec.flags;
}

/* What is a text already is not made a second time for the note. */
static void
note_from(struct made *m, const struct mime_part *body, struct slice text)
{
	if (text.n > LIM_NOTE_TEXT)
		return;
	text_preview(&m->preview, text);
	(void)structure_id(body, m->note_part);
}

/* Parts and texts, in one go: a text is decoded once. */
static void
add_parts(struct made *m, const struct mime_tree *t)
{
	const struct mime_part *body = whole_body(t);
	struct wbuf text;

	wbuf_init(&text, 0);
	for (size_t i = 0; i < t->n; i++) {
		const struct mime_part *p = &t->part[i];
		size_t size = 0;

		if (!is_text(p))
			size = p->multipart ? 0 : content_size(p);
		else if (add_text(m, p, &text, &size) == 0 && p == body)
			note_from(m, p, wbuf_slice(&text));
		add_part(&m->parts, p, size);
	}
	wbuf_free(&text);
}

static void
add_body(struct rec_parsed *rec, const struct mime_tree *t, struct made *m)
{
	add_parts(m, t);
	if (m->note_part[0] == '\0') {
		text_note(&m->note, t);
		text_preview(&m->preview, wbuf_slice(&m->note));
	}
	rec->parts = wbuf_slice(&m->parts);
	rec->texts = wbuf_slice(&m->texts);
	rec->note_text = wbuf_slice(&m->note);
	rec->note_part = slice_str(m->note_part);
	rec->preview = wbuf_slice(&m->preview);
	rec->has_attachment = parts_has_attachment(t);
}

static void
made_free(struct made *m)
{
	wbuf_free(&m->parts);
	wbuf_free(&m->texts);
	wbuf_free(&m->note);
	wbuf_free(&m->preview);
}

int
parse_record(struct wbuf *out, struct slice message, const struct mime_tree *tree)
{
	struct made m = { .room = TEXTS_ROOM };
	struct wbuf header;
	struct slice fields, body;
	struct rec_parsed rec = { 0 };

	wbuf_init(&header, LIM_HEADER_RECORD);
	header_split(message, &fields, &body);
	parse_header(&header, fields);
	rec.header = wbuf_slice(&header);
	if (tree != NULL)
		add_body(&rec, tree, &m);
	if (header.failed || m.parts.failed || m.texts.failed || m.note.failed || m.preview.failed)
		out->failed = true;
	rec_parsed_encode(out, &rec);
	wbuf_free(&header);
	made_free(&m);
	return out->failed ? -1 : 0;
}
