#include "compose_part.h"

#include <gmime/gmime.h>
#include <string.h>

#include "compose_header.h"
#include "utf8.h"

#define CHUNK 12288	/* bytes encoded at once */

/* What the bytes are, to choose how they travel. */
struct look {
	size_t high;	/* bytes over 127 */
	bool nul, bare_lf, bare_cr, control, long_line, end_space;
};

static void
put(struct wbuf *out, const char *s)
{
	w_raw(out, s, strlen(s));
}

static struct look
look_at(struct slice s)
{
	struct look l = { 0 };
	size_t line = 0;

	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i], before = i > 0 ? s.p[i - 1] : 0;

		l.high += c >= 0x80;
		l.nul |= c == 0;
		l.control |= (c < ' ' && c != '\t' && c != '\r' && c != '\n') || c == 0x7f;
		l.bare_lf |= c == '\n' && before != '\r';
		l.bare_cr |= before == '\r' && c != '\n';
		l.end_space |= (c == '\r' || c == '\n') && (before == ' ' || before == '\t');
		line = c == '\n' || c == '\r' ? 0 : line + 1;
		l.long_line |= line > LIM_MAIL_LINE;
	}
	l.bare_cr |= s.n > 0 && s.p[s.n - 1] == '\r';
	return l;
}

/* Every kind of line end as eol. */
static void
put_lines(struct wbuf *out, struct slice s, const char *eol)
{
	size_t from = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '\r' && s.p[i] != '\n')
			continue;
		w_raw(out, s.p + from, i - from);
		put(out, eol);
		if (s.p[i] == '\r' && i + 1 < s.n && s.p[i + 1] == '\n')
			i++;
		from = i + 1;
	}
	w_raw(out, s.p + from, s.n - from);
}

/* GMime's encoders end lines with LF. */
static void
put_encoded(struct wbuf *out, struct slice s, GMimeContentEncoding how)
{
	char buf[CHUNK * 4];
	GMimeEncoding state;

	g_mime_encoding_init_encode(&state, how);
	do {
		size_t n = s.n < CHUNK ? s.n : CHUNK, made;

		made = n < s.n ? g_mime_encoding_step(&state, (const char *)s.p, n, buf)
			       : g_mime_encoding_flush(&state, (const char *)s.p, n, buf);
		put_lines(out, slice_mem(buf, made), "\r\n");
		s.p += n;
		s.n -= n;
	} while (s.n > 0 && !out->failed);
}

static void
put_encoding(struct wbuf *out, const char *name)
{
	put(out, "Content-Transfer-Encoding: ");
	put(out, name);
	put(out, "\r\n\r\n");
}

/* Text of the draft: readable where it can be, never longer lines than allowed. */
static void
put_text(struct wbuf *out, struct slice text)
{
	struct look l = look_at(text);
	struct wbuf lines;

	if (l.high == 0 && !l.control && !l.long_line && !l.end_space) {
		put_encoding(out, "7bit");
		put_lines(out, text, "\r\n");
		return;
	}
	wbuf_init(&lines, LIM_BODY);
	if (l.high > text.n / 3) {
		put_encoding(out, "base64");
		put_lines(&lines, text, "\r\n");
		put_encoded(out, wbuf_slice(&lines), GMIME_CONTENT_ENCODING_BASE64);
	} else {
		put_encoding(out, "quoted-printable");
		put_lines(&lines, text, "\n");
		put_encoded(out, wbuf_slice(&lines), GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
	}
	out->failed |= lines.failed;
	wbuf_free(&lines);
}

/* RFC 2046 s. 5.2.1: an attached message may be 7bit or 8bit. One that SMTP
 * cannot carry so is encoded nonetheless: readers cope, servers would not. */
static void
put_message(struct wbuf *out, struct slice data)
{
	struct look l = look_at(data);

	if (l.nul || l.long_line) {
		put_encoding(out, "base64");
		put_encoded(out, data, GMIME_CONTENT_ENCODING_BASE64);
		return;
	}
	put_encoding(out, l.high > 0 ? "8bit" : "7bit");
	put_lines(out, data, "\r\n");
}

/* A file arrives byte for byte: as it is only if nothing on the way changes it. */
static void
put_file(struct wbuf *out, struct slice data, bool text)
{
	struct look l = look_at(data);

	if (text && l.high == 0 && !l.control && !l.bare_lf && !l.bare_cr && !l.long_line && !l.end_space) {
		put_encoding(out, "7bit");
		w_raw(out, data.p, data.n);
		return;
	}
	put_encoding(out, "base64");
	put_encoded(out, data, GMIME_CONTENT_ENCODING_BASE64);
}

static bool
token(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f || strchr("()<>@,;:\\\"/[]?=", s.p[i]) != NULL)
			return false;
	return s.n > 0;
}

bool
compose_type_valid(struct slice type)
{
	const uint8_t *slash = type.n > 0 ? memchr(type.p, '/', type.n) : NULL;

	return slash != NULL && token(slice_mem(type.p, (size_t)(slash - type.p))) &&
	    token(slice_mem(slash + 1, type.n - (size_t)(slash + 1 - type.p)));
}

static void
put_parameter_text(struct wbuf *out, const char *name, struct slice value)
{
	struct wbuf line;

	wbuf_init(&line, 0);
	(void)utf8_clean(&line, &value, LIM_NAME);
	utf8_one_line(&line, 0);
	if (line.n > 0)
		compose_parameter(out, name, wbuf_slice(&line));
	wbuf_free(&line);
}

/* Disposition, file name and id; the type is written already. */
static bool
put_about(struct wbuf *out, const struct rec_draft_part *p)
{
	if (p->disposition.n > 0 && !token(p->disposition))
		return false;
	if (p->cid.n > 0 && !compose_id_valid(p->cid))
		return false;
	put(out, "\r\n");
	if (p->disposition.n > 0 || p->name.n > 0) {
		put(out, "Content-Disposition: ");
		if (p->disposition.n > 0)
			w_raw(out, p->disposition.p, p->disposition.n);
		else
			put(out, "attachment");
		put_parameter_text(out, "filename", p->name);
		put(out, "\r\n");
	}
	if (p->cid.n > 0) {
		put(out, "Content-ID: <");
		w_raw(out, p->cid.p, p->cid.n);
		put(out, ">\r\n");
	}
	return true;
}

static bool
type_begins(const struct rec_draft_part *p, const char *with)
{
	size_t n = strlen(with);

	return p->type.n >= n && slice_case_eq_str(slice_mem(p->type.p, n), with);
}

const char *
compose_leaf(struct wbuf *out, const struct rec_draft_part *p, struct slice data, bool is_text)
{
	bool text = type_begins(p, "text/");

	if (data.n == 0)
		data = slice_str("");	/* never a NULL to calculate with */
	put(out, "Content-Type: ");
	w_raw(out, p->type.p, p->type.n);
	if (is_text || (text && utf8_valid(data)))
		put(out, "; charset=utf-8");
	if (!put_about(out, p))
		return "invalidPart";
	if (is_text)
		put_text(out, data);
	else if (type_begins(p, "message/"))
		put_message(out, data);
	else
		put_file(out, data, text);
	return NULL;
}

const char *
compose_multipart(struct wbuf *out, const struct rec_draft_part *p, const char *boundary)
{
	put(out, "Content-Type: ");
	w_raw(out, p->type.p, p->type.n);
	compose_parameter(out, "boundary", slice_str(boundary));
	if (!put_about(out, p))
		return "invalidPart";
	put(out, "\r\n");
	return NULL;
}
