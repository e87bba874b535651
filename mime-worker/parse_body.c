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

size_t
parse_next_text(const struct mime_tree *t, size_t i)
{
	while (i < t->n && (t->part[i].multipart || strncmp(t->part[i].type, "text/", 5) != 0))
		i++;
	return i;
}

static void
add_part(struct wbuf *list, const struct mime_part *p)
{
	char id[16];
	struct wbuf item;
	struct rec_part rec = { .part_id = structure_id(p, id), .depth = p->depth, .multipart = p->multipart,
		.type = slice_str(p->type), .charset = slice_str(p->charset), .disposition = slice_str(p->disposition),
		.name = slice_str(p->name), .cid = slice_str(p->cid), .flags = p->flags };

	if (!p->multipart)
		rec.size = content_size(p);
	wbuf_init(&item, LIM_PART_RECORD);
	rec_part_encode(&item, &rec);
	if (item.failed)
		list->failed = true;
	list_add(list, wbuf_slice(&item));
	wbuf_free(&item);
}

static void
add_body(struct rec_parsed *rec, const struct mime_tree *t, struct wbuf *parts, struct wbuf *note, struct wbuf *preview)
{
	for (size_t i = 0; i < t->n; i++)
		add_part(parts, &t->part[i]);
	text_note(note, t);
	text_preview(preview, wbuf_slice(note));
	rec->parts = wbuf_slice(parts);
	rec->note_text = wbuf_slice(note);
	rec->preview = wbuf_slice(preview);
	rec->has_attachment = parts_has_attachment(t);
}

int
parse_record(struct wbuf *out, struct slice message, const struct mime_tree *tree)
{
	struct wbuf header, parts, note, preview;
	struct slice fields, body;
	struct rec_parsed rec = { 0 };

	wbuf_init(&header, LIM_HEADER_RECORD);
	wbuf_init(&parts, 0);
	wbuf_init(&note, 0);
	wbuf_init(&preview, 0);
	header_split(message, &fields, &body);
	parse_header(&header, fields);
	rec.header = wbuf_slice(&header);
	if (tree != NULL)
		add_body(&rec, tree, &parts, &note, &preview);
	if (header.failed || parts.failed || note.failed || preview.failed)
		out->failed = true;
	rec_parsed_encode(out, &rec);
	wbuf_free(&header);
	wbuf_free(&parts);
	wbuf_free(&note);
	wbuf_free(&preview);
	return out->failed ? -1 : 0;
}
