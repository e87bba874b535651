#include "part_header.h"

#include <gmime/gmime.h>
#include <stdlib.h>
#include <string.h>

#include "header.h"
#include "log.h"
#include "rfc2047.h"
#include "utf8.h"

enum want { W_TYPE, W_DISPOSITION, W_ENCODING, W_ID, W__COUNT };

static char *
dup_or_die(struct slice s)
{
	char *p = slice_dup(s);

	if (p == NULL)
		fatal("out of memory");
	return p;
}

static void
set(char **field, struct slice s)
{
	free(*field);
	*field = dup_or_die(s);
}

/* The value as a C string for GMime, which wants one. */
static char *
value_text(const struct header_want *w)
{
	struct wbuf b;
	char *text;

	wbuf_init(&b, LIM_HEADER_VALUE);
	header_unfold(&b, w->value);
	text = dup_or_die(utf8_cut(wbuf_slice(&b), LIM_CONTENT_FIELD));
	wbuf_free(&b);
	return text;
}

static bool
token_char(uint8_t c)
{
	return c > ' ' && c < 0x7f && strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

/* A token in lower case, or nothing: these words are compared and sent on. */
static struct slice
token(const char *s, char buf[LIM_TYPE_NAME + 1])
{
	size_t n = 0;

	for (; s != NULL && s[n] != '\0'; n++) {
		if (n >= LIM_TYPE_NAME || !token_char((uint8_t)s[n]))
			return SLICE_NONE;
		buf[n] = (char)g_ascii_tolower(s[n]);
	}
	return slice_mem(buf, n);
}

static void
set_type(struct mime_part *p, const char *major, const char *minor)
{
	char a[LIM_TYPE_NAME + 1], b[LIM_TYPE_NAME + 1], whole[2 * LIM_TYPE_NAME + 2];
	struct slice ma = token(major, a), mi = token(minor, b);

	if (ma.n == 0 || mi.n == 0 || ma.n + mi.n + 1 > LIM_TYPE_NAME) {
		set(&p->type, slice_str("application/octet-stream"));
		return;
	}
	memcpy(whole, ma.p, ma.n);
	whole[ma.n] = '/';
	memcpy(whole + ma.n + 1, mi.p, mi.n);
	set(&p->type, slice_mem(whole, ma.n + mi.n + 1));
}

/* One line of display text, decoded once more: mailers put encoded words into
 * parameters against RFC 2047 s. 5. */
static void
set_text(char **field, const char *text, size_t max)
{
	struct slice raw = slice_str(text);
	struct wbuf b;

	wbuf_init(&b, LIM_CONTENT_FIELD * 4);
	rfc2047_decode(&b, raw, LIM_CONTENT_FIELD);
	utf8_one_line(&b, 0);
	set(field, b.n <= max ? wbuf_slice(&b) : utf8_cut(wbuf_slice(&b), max));
	wbuf_free(&b);
}

/* A long file name loses its middle, not its extension. */
static void
set_name(struct mime_part *p, const char *text)
{
	char *full = dup_or_die(SLICE_NONE), *dot;
	size_t n, ext;

	set_text(&full, text, LIM_CONTENT_FIELD);
	n = strlen(full);
	dot = strrchr(full, '.');
	ext = dot != NULL ? strlen(dot) : 0;
	if (n > LIM_NAME && ext > 0 && ext <= LIM_EXTENSION) {
		struct slice stem = utf8_cut(slice_str(full), LIM_NAME - ext);

		memmove(full + stem.n, dot, ext + 1);
	}
	set(&p->name, utf8_cut(slice_str(full), LIM_NAME));
	free(full);
}

/* A boundary never ends with a space (RFC 2046 s. 5.1.1). */
static char *
read_boundary(const char *param)
{
	struct slice s = slice_str(param);

	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return dup_or_die(s.n <= LIM_BOUNDARY ? s : SLICE_NONE);
}

static void
read_type(struct mime_part *p, const struct header_want *w, char **boundary)
{
	char *text = value_text(w);
	GMimeContentType *ct;
	const char *param;

	if (strchr(text, '/') == NULL) {	/* RFC 2045 s. 5.2: as if it were not there */
		free(text);
		return;
	}
	ct = g_mime_content_type_parse(NULL, text);
	set_type(p, g_mime_content_type_get_media_type(ct), g_mime_content_type_get_media_subtype(ct));
	set(&p->charset, SLICE_NONE);
	p->has_charset = false;
	if ((param = g_mime_content_type_get_parameter(ct, "charset")) != NULL) {
		set_text(&p->charset, param, LIM_TYPE_NAME);
		p->has_charset = true;
	} else if (strncmp(p->type, "text/", 5) == 0) {
		set(&p->charset, slice_str("us-ascii"));
		p->has_charset = true;
	}
	if ((param = g_mime_content_type_get_parameter(ct, "name")) != NULL)
		set_name(p, param);
	if ((param = g_mime_content_type_get_parameter(ct, "boundary")) != NULL)
		*boundary = read_boundary(param);
	g_object_unref(ct);
	free(text);
}

static void
read_disposition(struct mime_part *p, const struct header_want *w)
{
	char word[LIM_TYPE_NAME + 1], *text = value_text(w);
	GMimeContentDisposition *cd = g_mime_content_disposition_parse(NULL, text);
	const char *name;
	struct slice kind;

	if (cd != NULL) {
		kind = token(g_mime_content_disposition_get_disposition(cd), word);
		set(&p->disposition, kind);
		p->has_disposition = kind.n > 0;
		if ((name = g_mime_content_disposition_get_parameter(cd, "filename")) != NULL)
			set_name(p, name);
		g_object_unref(cd);
	}
	free(text);
}

static enum part_encoding
encoding_of(struct slice s)
{
	static const struct {
		const char *word;
		enum part_encoding encoding;
	} table[] = { { "", ENC_IDENTITY }, { "7bit", ENC_IDENTITY }, { "8bit", ENC_IDENTITY },
		{ "7-bit", ENC_IDENTITY }, { "8-bit", ENC_IDENTITY }, { "binary", ENC_IDENTITY },
		{ "base64", ENC_BASE64 }, { "quoted-printable", ENC_QP }, { "x-uuencode", ENC_UU },
		{ "uuencode", ENC_UU }, { "x-uue", ENC_UU } };
	size_t n = 0;

	while (n < s.n && s.p[n] > ' ' && s.p[n] != ';' && s.p[n] != '(')
		n++;
	s.n = n;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (slice_case_eq_str(s, table[i].word))
			return table[i].encoding;
	return ENC_UNKNOWN;
}

static void
read_encoding(struct mime_part *p, const struct header_want *w)
{
	char *text = value_text(w);

	p->encoding = encoding_of(slice_str(text));
	free(text);
}

static void
read_id(struct mime_part *p, const struct header_want *w)
{
	char *text = value_text(w), *from = strchr(text, '<'), *to;

	from = from != NULL ? from + 1 : text;
	if ((to = strchr(from, '>')) != NULL)
		*to = '\0';
	if (strlen(from) <= LIM_MESSAGE_ID)
		set_text(&p->cid, from, LIM_MESSAGE_ID);
	free(text);
}

void
part_header_parse(struct mime_part *p, bool in_digest, char **boundary)
{
	struct header_want want[W__COUNT] = { { .name = "Content-Type" }, { .name = "Content-Disposition" },
		{ .name = "Content-Transfer-Encoding" }, { .name = "Content-ID" } };

	*boundary = NULL;
	part_header_override(p, in_digest ? "message/rfc822" : "text/plain");
	header_find(p->header, want, W__COUNT);
	if (want[W_TYPE].found)
		read_type(p, &want[W_TYPE], boundary);
	if (want[W_DISPOSITION].found)
		read_disposition(p, &want[W_DISPOSITION]);
	if (want[W_ENCODING].found)
		read_encoding(p, &want[W_ENCODING]);
	if (want[W_ID].found)
		read_id(p, &want[W_ID]);
	p->multipart = strncmp(p->type, "multipart/", 10) == 0;
	p->digest = strcmp(p->type, "multipart/digest") == 0;
}

void
part_header_override(struct mime_part *p, const char *type)
{
	bool text = strncmp(type, "text/", 5) == 0;

	set(&p->type, slice_str(type));
	set(&p->charset, text ? slice_str("us-ascii") : SLICE_NONE);
	set(&p->disposition, SLICE_NONE);
	set(&p->name, SLICE_NONE);
	set(&p->cid, SLICE_NONE);
	p->has_charset = text;
	p->has_disposition = false;
	p->multipart = p->digest = false;
	p->encoding = ENC_IDENTITY;
}

void
part_header_free(struct mime_part *p)
{
	free(p->type);
	free(p->charset);
	free(p->disposition);
	free(p->name);
	free(p->cid);
}
