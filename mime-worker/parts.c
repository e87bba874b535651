#include "parts.h"

#include <string.h>

#include "enums.h"
#include "text.h"

/* The two lists under construction; a branch of an alternative drops one. */
struct lists {
	struct mime_tree *tree;
	size_t text[LIM_PARTS], html[LIM_PARTS];
	size_t ntext, nhtml;
};

struct branch {
	bool text, html;	/* this branch still feeds the list */
	bool in_alternative;
};

static bool
begins(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

static bool
media(const struct mime_part *p)
{
	return begins(p->type, "image/") || begins(p->type, "audio/") || begins(p->type, "video/");
}

/* Body rather than attachment. parent NULL: the message is this one part. */
static bool
is_inline(const struct mime_part *p, const struct mime_part *parent, bool first)
{
	bool text = strcmp(p->type, "text/plain") == 0 || strcmp(p->type, "text/html") == 0;

	if (strcmp(p->disposition, "attachment") == 0 || !(text || media(p)))
		return false;
	return first ||
	    ((parent == NULL || strcmp(parent->type, "multipart/related") != 0) && (media(p) || p->name[0] == '\0'));
}

static void
to_text(struct lists *l, size_t i)
{
	if (l->ntext < LIM_PARTS)
		l->text[l->ntext++] = i;
}

static void
to_html(struct lists *l, size_t i)
{
	if (l->nhtml < LIM_PARTS)
		l->html[l->nhtml++] = i;
}

static void
place_in_alternative(struct lists *l, const struct branch *b, size_t i)
{
	struct mime_part *p = &l->tree->part[i];

	if (strcmp(p->type, "text/plain") == 0 && b->text)
		to_text(l, i);
	else if (strcmp(p->type, "text/html") == 0 && b->html)
		to_html(l, i);
	else
		p->flags |= PART_ATTACHMENT;
}

static void
place(struct lists *l, struct branch *b, size_t i, bool first)
{
	struct mime_part *p = &l->tree->part[i];
	const struct mime_part *parent = p->parent >= 0 ? &l->tree->part[p->parent] : NULL;

	if (!is_inline(p, parent, first)) {
		p->flags |= PART_ATTACHMENT;
		return;
	}
	if (parent != NULL && strcmp(parent->type, "multipart/alternative") == 0) {
		place_in_alternative(l, b, i);
		return;
	}
	if (b->in_alternative && strcmp(p->type, "text/plain") == 0)
		b->html = false;
	if (b->in_alternative && strcmp(p->type, "text/html") == 0)
		b->text = false;
	if (b->text)
		to_text(l, i);
	if (b->html)
		to_html(l, i);
	if ((!b->text || !b->html) && media(p))
		p->flags |= PART_ATTACHMENT;
}

/* An alternative that had only one form serves for both lists. */
static void
share(struct lists *l, const struct branch *b, size_t ntext, size_t nhtml)
{
	size_t text_now = l->ntext, html_now = l->nhtml;

	if (!b->text || !b->html)
		return;
	if (ntext == text_now && nhtml != html_now)
		for (size_t i = nhtml; i < html_now; i++)
			to_text(l, l->html[i]);
	if (nhtml == html_now && ntext != text_now)
		for (size_t i = ntext; i < text_now; i++)
			to_html(l, l->text[i]);
}

/*
 * The children of a multipart; RFC 8621's parseStructure. The tree is at most
 * LIM_PART_DEPTH deep, and so is this. Returns the index behind the branch.
 */
static size_t
walk(struct lists *l, struct branch b, int parent, size_t i)
{
	struct mime_tree *t = l->tree;
	size_t ntext = l->ntext, nhtml = l->nhtml, first = i;

	while (i < t->n && t->part[i].parent == parent) {
		if (t->part[i].multipart) {
			struct branch sub = b;

			sub.in_alternative |= strcmp(t->part[i].type, "multipart/alternative") == 0;
			i = walk(l, sub, (int)i, i + 1);
		} else {
			place(l, &b, i, i == first);
			i++;
		}
	}
	if (parent >= 0 && strcmp(t->part[parent].type, "multipart/alternative") == 0)
		share(l, &b, ntext, nhtml);
	return i;
}

/* ---- documents ---- */

/* Whether an HTML part shows the image by its Content-ID (RFC 2392). */
static bool
referenced(const struct wbuf *html, const char *cid)
{
	struct wbuf url;
	bool found;

	if (cid[0] == '\0' || html->n == 0)
		return false;
	wbuf_init(&url, 0);
	w_raw(&url, "cid:", 4);
	w_raw(&url, cid, strlen(cid));
	found = memmem(html->p, html->n, url.p, url.n) != NULL;
	wbuf_free(&url);
	return found;
}

/* Pictures that belong to the text (signatures, logos) and what only machines
 * read are no documents. */
static bool
is_document(const struct mime_tree *t, const struct mime_part *p, const struct wbuf *html)
{
	static const char *const machine[] = { "application/pgp-signature", "application/pkcs7-signature",
		"application/x-pkcs7-signature", "application/ms-tnef", "message/delivery-status",
		"message/disposition-notification" };

	if ((p->flags & PART_ATTACHMENT) == 0)
		return false;
	for (size_t i = 0; i < sizeof(machine) / sizeof(machine[0]); i++)
		if (strcmp(p->type, machine[i]) == 0)
			return false;
	if (!begins(p->type, "image/"))
		return true;
	if ((p->flags & (PART_TEXT_BODY | PART_HTML_BODY)) != 0)
		return false;
	if (p->parent >= 0 && strcmp(t->part[p->parent].type, "multipart/related") == 0)
		return false;
	return (p->cid[0] == '\0' || strcmp(p->disposition, "attachment") == 0) && !referenced(html, p->cid);
}

static bool
has_cid_image(const struct mime_tree *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (begins(t->part[i].type, "image/") && t->part[i].cid[0] != '\0')
			return true;
	return false;
}

static void
flag_documents(struct mime_tree *t)
{
	struct wbuf html;

	wbuf_init(&html, 0);
	for (size_t i = 0; i < t->n && has_cid_image(t) && html.n < LIM_TEXT_PART; i++)
		if (strcmp(t->part[i].type, "text/html") == 0)
			(void)text_part(&html, &t->part[i], LIM_TEXT_PART, NULL);
	for (size_t i = 0; i < t->n; i++)
		if (is_document(t, &t->part[i], &html))
			t->part[i].flags |= PART_DOCUMENT;
	wbuf_free(&html);
}

void
parts_flag(struct mime_tree *t)
{
	struct lists l = { .tree = t };

	(void)walk(&l, (struct branch){ .text = true, .html = true }, -1, 0);
	for (size_t i = 0; i < l.ntext; i++)
		t->part[l.text[i]].flags |= PART_TEXT_BODY;
	for (size_t i = 0; i < l.nhtml; i++)
		t->part[l.html[i]].flags |= PART_HTML_BODY;
	flag_documents(t);
}

bool
parts_has_attachment(const struct mime_tree *t)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct mime_part *p = &t->part[i];

		if ((p->flags & PART_ATTACHMENT) != 0 && strcmp(p->disposition, "inline") != 0 &&
		    ((p->flags & PART_DOCUMENT) != 0 || !begins(p->type, "image/")))
			return true;
	}
	return false;
}
