#include "email_parts.h"

#include <string.h>
#include <strings.h>

static int
bad(struct email_parts *e, const char *property, const char *description)
{
	e->property = property;
	e->description = description;
	return -1;
}

static void
put_part(struct email_parts *e, const struct rec_draft_part *p)
{
	struct wbuf one = { .max = LIM_DRAFT_BYTES };

	rec_draft_part_encode(&one, p);
	if (one.failed)
		e->parts.failed = true;
	else
		w_bytes(&e->parts, wbuf_slice(&one), LIM_DRAFT_BYTES);
	wbuf_free(&one);
	e->count++;
}

static void
put_multipart(struct email_parts *e, unsigned int depth, const char *type)
{
	put_part(e, &(struct rec_draft_part){ .depth = (uint8_t)depth, .type = slice_str(type) });
}

/* ---- one EmailBodyPart ---- */

/* type/subtype of token characters. */
static bool
media_type(struct slice s)
{
	size_t slashes = 0;

	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (c == '/')
			slashes++;
		else if (c <= ' ' || c >= 0x7f || strchr("()<>@,;:\\\"[]?=", c) != NULL)
			return false;
	}
	return slashes == 1 && s.p[0] != '/' && s.p[s.n - 1] != '/' && s.n <= LIM_TYPE_NAME;
}

static bool
clean(struct slice s, size_t max, const char *not_these)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < ' ' || s.p[i] == 0x7f || strchr(not_these, s.p[i]) != NULL)
			return false;
	return s.n <= max;
}

/* An optional string member; -1 for another type. */
static int
text_member(json_t *o, const char *name, struct slice *out)
{
	json_t *v = json_object_get(o, name);

	*out = ju_slice(v);
	return v == NULL || json_is_null(v) || json_is_string(v) ? 0 : -1;
}

static int
read_names(struct email_parts *e, json_t *o, struct rec_draft_part *p)
{
	struct slice disposition;

	if (text_member(o, "type", &p->type) == -1 || (p->type.n > 0 && !media_type(p->type)))
		return bad(e, "type", "not a media type");
	if (text_member(o, "name", &p->name) == -1 || !clean(p->name, LIM_NAME, ""))
		return bad(e, "name", "not a file name");
	if (text_member(o, "disposition", &disposition) == -1 ||
	    (disposition.n > 0 && !slice_case_eq_str(disposition, "inline") &&
		!slice_case_eq_str(disposition, "attachment")))
		return bad(e, "disposition", "inline or attachment");
	p->disposition = disposition;
	if (text_member(o, "cid", &p->cid) == -1 || !clean(p->cid, LIM_NAME, "<> "))
		return bad(e, "cid", "not a content id");
	return 0;
}

static int
known_members(struct email_parts *e, json_t *o)
{
	static const char *const names[] = { "partId", "blobId", "type", "name", "disposition", "cid", "charset",
		"size", "subParts", "language", "location" };
	const char *name;
	json_t *v;

	if (!json_is_object(o))
		return bad(e, "bodyStructure", "a body part must be an object");
	json_object_foreach(o, name, v) {
		size_t i = 0;

		while (i < sizeof(names) / sizeof(names[0]) && strcmp(name, names[i]) != 0)
			i++;
		if (i == sizeof(names) / sizeof(names[0]) || (i >= 9 && !json_is_null(v)))
			return bad(e, name, "not supported in a body part");
	}
	return 0;
}

/* The text of a partId, from bodyValues. */
static int
read_value(struct email_parts *e, json_t *o, struct rec_draft_part *p)
{
	const char *id = json_string_value(json_object_get(o, "partId"));
	json_t *value = id != NULL ? json_object_get(e->values, id) : NULL, *text = json_object_get(value, "value");
	json_t *problem = json_object_get(value, "isEncodingProblem"), *cut = json_object_get(value, "isTruncated");

	if (!json_is_string(text))
		return bad(e, "bodyValues", "every partId needs its value here");
	if (json_is_true(problem) || json_is_true(cut))
		return bad(e, "bodyValues", "isEncodingProblem and isTruncated must be false");
	if (json_object_get(o, "charset") != NULL || json_object_get(o, "size") != NULL)
		return bad(e, "partId", "charset and size must be left out");
	if (p->type.n == 0)
		p->type = slice_str("text/plain");
	if (p->type.n < 5 || strncasecmp((const char *)p->type.p, "text/", 5) != 0)
		return bad(e, "type", "a part with a partId is text");
	p->text = ju_slice(text);
	return 0;
}

static int
read_blob(struct email_parts *e, json_t *o, struct rec_draft_part *p)
{
	json_t *v = json_object_get(o, "blobId");
	struct jmap_blob blob;
	size_t n;

	if (!json_is_string(v))
		return bad(e, "blobId", "a string");
	ju_push(e->blobs, json_incref(v));
	if (jmap_blob_parse(json_string_value(v), &blob) == -1)
		return bad(e, "blobId", NULL);
	p->blob_kind = (uint8_t)blob.kind;
	p->blob = blob.id;
	/* The id's text outlives the encoding; its part is the tail of it. */
	n = strlen(blob.part);
	p->blob_part = n > 0 ? slice_mem(json_string_value(v) + json_string_length(v) - n, n) : SLICE_NONE;
	if (p->type.n == 0)
		p->type = slice_str("application/octet-stream");
	return 0;
}

static int
read_leaf(struct email_parts *e, json_t *o, unsigned int depth, const char *type, const char *disposition)
{
	struct rec_draft_part p = { .depth = (uint8_t)depth };
	json_t *part = json_object_get(o, "partId"), *blob = json_object_get(o, "blobId");
	bool has_part = part != NULL && !json_is_null(part), has_blob = blob != NULL && !json_is_null(blob);

	if (e->count >= LIM_DRAFT_PARTS)
		return bad(e, "attachments", "too many parts");
	if (known_members(e, o) == -1 || read_names(e, o, &p) == -1)
		return -1;
	if (has_part == has_blob)
		return bad(e, "partId", "exactly one of partId and blobId");
	if (type != NULL && p.type.n == 0)
		p.type = slice_str(type);
	if (type != NULL && !slice_case_eq_str(p.type, type))
		return bad(e, strcmp(type, "text/html") == 0 ? "htmlBody" : "textBody", "wrong type of the part");
	if (p.disposition.n == 0)
		p.disposition = slice_str(disposition);
	if ((has_part ? read_value(e, o, &p) : read_blob(e, o, &p)) == -1)
		return -1;
	put_part(e, &p);
	return 0;
}

/* ---- bodyStructure ---- */

static int
read_tree(struct email_parts *e, json_t *o, unsigned int depth)
{
	json_t *subs = json_object_get(o, "subParts"), *sub;
	struct rec_draft_part p = { .depth = (uint8_t)depth };
	size_t i;

	if (depth > LIM_DRAFT_DEPTH || e->count >= LIM_DRAFT_PARTS)
		return bad(e, "bodyStructure", "too deep or too many parts");
	if (subs == NULL || json_is_null(subs))
		return read_leaf(e, o, depth, NULL, NULL);
	if (known_members(e, o) == -1 || read_names(e, o, &p) == -1)
		return -1;
	if (!json_is_array(subs) || json_array_size(subs) == 0 || p.type.n < 11 ||
	    strncasecmp((const char *)p.type.p, "multipart/", 10) != 0)
		return bad(e, "bodyStructure", "subParts belong to a multipart type");
	put_part(e, &p);
	json_array_foreach(subs, i, sub)
		if (read_tree(e, sub, depth + 1) == -1)
			return -1;
	return 0;
}

/* ---- textBody, htmlBody, attachments ---- */

static bool
goes_with_html(json_t *o)
{
	json_t *cid = json_object_get(o, "cid");

	return json_string_length(cid) > 0 && slice_case_eq_str(ju_slice(json_object_get(o, "disposition")), "inline");
}

static int
read_attachments(struct email_parts *e, json_t *list, bool related, bool html, unsigned int depth)
{
	json_t *o;
	size_t i;

	json_array_foreach(list, i, o)
		if ((html && goes_with_html(o)) == related && read_leaf(e, o, depth, NULL, "attachment") == -1)
			return -1;
	return 0;
}

/* Images of the text travel beside the html in multipart/related. */
static int
read_html(struct email_parts *e, json_t *html, json_t *attachments, unsigned int depth)
{
	json_t *o;
	size_t i, inlined = 0;

	json_array_foreach(attachments, i, o)
		inlined += goes_with_html(o);
	if (inlined == 0)
		return read_leaf(e, html, depth, "text/html", NULL);
	put_multipart(e, depth, "multipart/related");
	if (read_leaf(e, html, depth + 1, "text/html", NULL) == -1)
		return -1;
	return read_attachments(e, attachments, true, true, depth + 1);
}

static int
read_texts(struct email_parts *e, json_t *text, json_t *html, json_t *attachments, unsigned int depth)
{
	if (text == NULL && html == NULL) {
		put_part(e, &(struct rec_draft_part){ .depth = (uint8_t)depth, .type = slice_str("text/plain") });
		return 0;
	}
	if (html == NULL)
		return read_leaf(e, text, depth, "text/plain", NULL);
	if (text == NULL)
		return read_html(e, html, attachments, depth);
	put_multipart(e, depth, "multipart/alternative");
	return read_leaf(e, text, depth + 1, "text/plain", NULL) == -1 ? -1 : read_html(e, html, attachments, depth + 1);
}

/* textBody and htmlBody hold exactly one part. */
static int
only_part(struct email_parts *e, json_t *object, const char *name, json_t **out)
{
	json_t *list = json_object_get(object, name);

	*out = json_array_get(list, 0);
	if (list == NULL || json_is_null(list) || json_array_size(list) == 1)
		return 0;
	return bad(e, name, "exactly one body part");
}

static int
read_lists(struct email_parts *e, json_t *object)
{
	json_t *text, *html, *attachments = json_object_get(object, "attachments"), *o;
	size_t i, files = 0;

	if (only_part(e, object, "textBody", &text) == -1 || only_part(e, object, "htmlBody", &html) == -1)
		return -1;
	if (attachments != NULL && !json_is_null(attachments) && !json_is_array(attachments))
		return bad(e, "attachments", "an array of body parts");
	json_array_foreach(attachments, i, o)
		files += html == NULL || !goes_with_html(o);
	if (files == 0)
		return read_texts(e, text, html, attachments, 0);
	put_multipart(e, 0, "multipart/mixed");
	if (read_texts(e, text, html, attachments, 1) == -1)
		return -1;
	return read_attachments(e, attachments, false, html != NULL, 1);
}

int
email_parts_read(struct email_parts *e, json_t *object)
{
	json_t *tree = json_object_get(object, "bodyStructure");
	int r;

	*e = (struct email_parts){ .parts = { .max = LIM_DRAFT_BYTES }, .blobs = json_array(),
		.values = json_object_get(object, "bodyValues") };
	if (e->values != NULL && !json_is_null(e->values) && !json_is_object(e->values))
		return bad(e, "bodyValues", "an object");
	if (tree != NULL && (json_object_get(object, "textBody") != NULL || json_object_get(object, "htmlBody") != NULL ||
				json_object_get(object, "attachments") != NULL))
		return bad(e, "bodyStructure", "not together with textBody, htmlBody or attachments");
	r = tree != NULL && !json_is_null(tree) ? read_tree(e, tree, 0) : read_lists(e, object);
	return r == 0 && e->parts.failed ? bad(e, "bodyValues", "the body is too large") : r;
}

void
email_parts_free(struct email_parts *e)
{
	wbuf_free(&e->parts);
	json_decref(e->blobs);
	e->blobs = NULL;
}
