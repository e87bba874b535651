#include "email_body.h"

#include <string.h>
#include <strings.h>

static bool
is_text(const struct rec_part *p)
{
	return p->type.n >= 5 && strncasecmp((const char *)p->type.p, "text/", 5) == 0;
}

/* RFC 8621 s. 4.1.4: us-ascii where a text part says nothing. */
static json_t *
charset(const struct rec_part *p)
{
	if (p->charset.n > 0)
		return ju_str(p->charset);
	return is_text(p) ? json_string("us-ascii") : json_null();
}

static json_t *
property(uint64_t email, const struct rec_part *p, const char *name)
{
	if (strcmp(name, "partId") == 0)
		return p->multipart ? json_null() : ju_str(p->part_id);
	if (strcmp(name, "blobId") == 0)
		return p->multipart ? json_null() : ju_blob_part(email, p->part_id);
	if (strcmp(name, "size") == 0)
		return ju_uint(p->multipart ? 0 : p->size);
	if (strcmp(name, "name") == 0)
		return ju_str_or_null(p->name);
	if (strcmp(name, "type") == 0)
		return ju_str(p->type);
	if (strcmp(name, "charset") == 0)
		return charset(p);
	if (strcmp(name, "disposition") == 0)
		return ju_str_or_null(p->disposition);
	if (strcmp(name, "cid") == 0)
		return ju_str_or_null(p->cid);
	return json_null();	/* language, location: not kept */
}

static const char *const default_names[] = { "partId", "blobId", "size", "name", "type", "charset", "disposition",
	"cid", "language", "location", NULL };

bool
email_body_names_ok(json_t *names)
{
	json_t *name;
	size_t i, k;

	json_array_foreach(names, i, name) {
		const char *s = json_string_value(name);

		for (k = 0; s != NULL && default_names[k] != NULL && strcmp(s, default_names[k]) != 0; k++)
			;
		if (s == NULL || (default_names[k] == NULL && strcmp(s, "subParts") != 0))
			return false;
	}
	return true;
}

static json_t *
part_json(uint64_t email, const struct rec_part *p, json_t *names)
{
	json_t *o = json_object(), *name;
	size_t i;

	for (i = 0; names == NULL && default_names[i] != NULL; i++)
		ju_set(o, default_names[i], property(email, p, default_names[i]));
	json_array_foreach(names, i, name)
		if (strcmp(json_string_value(name), "subParts") != 0)
			ju_set(o, json_string_value(name), property(email, p, json_string_value(name)));
	return o;
}

/* Depths of a pre-order list are a tree: each part belongs to the last
 * multipart one level above. What fits nowhere is hung to the nearest. */
json_t *
email_body_structure(uint64_t email, struct slice parts, json_t *names)
{
	json_t *open[LIM_PART_DEPTH + 1] = { NULL };	/* subParts arrays, borrowed */
	json_t *root = NULL, *o;
	struct slice item;
	struct rec_part p;
	size_t depth;

	while (list_next(&parts, &item)) {
		if (rec_part_decode(item, &p) == -1)
			continue;
		depth = p.depth <= LIM_PART_DEPTH ? p.depth : LIM_PART_DEPTH;
		o = part_json(email, &p, names);
		if (p.multipart)
			ju_set(o, "subParts", json_array());
		while (depth > 0 && open[depth - 1] == NULL)
			depth--;
		if (root == NULL)
			root = o;
		else {
			/* A second root is no tree; without memory there is none either. */
			int r = depth > 0 ? json_array_append(open[depth - 1], o) : 0;

			if (r == -1)
				ju_fail();
			json_decref(o);
			if (r == -1 || depth == 0)
				continue;
		}
		for (size_t i = depth; i <= LIM_PART_DEPTH; i++)
			open[i] = NULL;
		open[depth] = json_object_get(o, "subParts");
	}
	return root != NULL ? root : json_null();
}

json_t *
email_body_list(uint64_t email, struct slice parts, unsigned int flag, json_t *names)
{
	json_t *a = json_array();
	struct slice item;
	struct rec_part p;

	while (list_next(&parts, &item))
		if (rec_part_decode(item, &p) == 0 && (p.flags & flag) != 0)
			ju_push(a, part_json(email, &p, names));
	return a;
}

static size_t
before_open_tag(const uint8_t *p, size_t n)
{
	for (size_t i = n; i > 0; i--) {
		if (p[i - 1] == '>')
			return n;
		if (p[i - 1] == '<')
			return i - 1;
	}
	return n;
}

bool
email_body_truncate(struct slice *text, uint64_t max, bool html)
{
	size_t n;

	if (max == 0 || text->n <= max)
		return false;
	n = (size_t)max;
	while (n > 0 && (text->p[n] & 0xc0) == 0x80)
		n--;
	text->n = html ? before_open_tag(text->p, n) : n;
	return true;
}
