/*
 * imap_fetch.c - the FETCH response: RFC 3501 s. 7.4.2, MODSEQ of RFC 7162,
 * EMAILID and THREADID of RFC 8474, X-GM-MSGID and X-GM-THRID of Gmail.
 */
#include "imap_date.h"
#include "imap_response.h"

#include <string.h>

/* Join the flags; \Recent is a fact of this session, not of the message. */
static int
fetch_flags(struct imap_fetch *f, struct imap_lex *x)
{
	size_t used = 0;
	bool full = false;

	if (imap_lex_open(x) == -1)
		return -1;
	while (imap_lex_peek(x) != ')') {
		struct slice flag;

		if (imap_lex_string(x, &flag) == -1)
			return -1;
		if (slice_case_eq_str(flag, "\\Recent") || flag.n == 0 || memchr(flag.p, ' ', flag.n) != NULL ||
		    memchr(flag.p, '\0', flag.n) != NULL)
			continue;
		full = full || used + flag.n + 1 > LIM_KEYWORDS;
		if (full)
			continue;
		if (used > 0)
			f->flags[used++] = ' ';
		memcpy(f->flags + used, flag.p, flag.n);
		used += flag.n;
	}
	f->flags[used] = '\0';
	f->has_flags = true;
	return imap_lex_close(x);
}

static bool
is_objectid(struct slice s)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		uint8_t c = s.p[i], letter = c | 0x20;

		if ((letter < 'a' || letter > 'z') && (c < '0' || c > '9') && c != '_' && c != '-')
			return false;
	}
	return s.n > 0 && s.n <= LIM_OBJECTID && !slice_case_eq_str(s, "NIL");
}

/* Cyrus writes "(NIL)" for a THREADID that it does not have. */
int
imap_objectid(struct imap_lex *x, struct slice *out)
{
	*out = SLICE_NONE;
	if (imap_lex_peek(x) != '(')
		return imap_lex_skip(x);
	if (imap_lex_open(x) == -1 || imap_lex_string(x, out) == -1)
		return -1;
	if (!is_objectid(*out))
		*out = SLICE_NONE;
	return imap_lex_close(x);
}

static int
fetch_modseq(struct imap_fetch *f, struct imap_lex *x)
{
	if (imap_lex_open(x) == -1 || imap_lex_u64(x, &f->modseq) == -1)
		return -1;
	return imap_lex_close(x);
}

/* A date that is none is not worth losing the message: 0 = unknown. */
static int
fetch_date(struct imap_fetch *f, struct imap_lex *x)
{
	struct slice s;

	if (imap_lex_nstring(x, &s) == -1)
		return -1;
	f->has_date = true;
	if (imap_date_parse(s, &f->internaldate) == -1)
		f->internaldate = 0;
	return 0;
}

/* Some servers count past 32 bits or below zero; the size is only a hint. */
static int
fetch_size(struct imap_fetch *f, struct imap_lex *x)
{
	struct slice s;
	uint64_t v;

	if (imap_lex_atom(x, &s) == -1)
		return -1;
	f->has_size = true;
	f->size = imap_number(s, UINT32_MAX, &v) == 0 ? (uint32_t)v : UINT32_MAX;
	return 0;
}

/* NIL, a string, or a literal that lies in the memfd. */
static int
fetch_content(struct imap_lex *x, struct slice *out, bool *big, bool *nil)
{
	struct imap_tok t = imap_lex_next(x);

	*out = t.s;
	*big = t.type == IMAP_TOK_BIG;
	*nil = t.type == IMAP_TOK_ATOM;
	if (*nil)
		*out = SLICE_NONE;
	return t.type == IMAP_TOK_BIG || t.type == IMAP_TOK_STRING || (*nil && slice_case_eq_str(t.s, "NIL")) ? 0 : -1;
}

static int
fetch_fields(struct imap_fetch *f, struct imap_lex *x)
{
	bool nil, big;
	int r = fetch_content(x, &f->fields, &big, &nil);

	if (big)
		f->fields = SLICE_NONE;
	return r;
}

static int
fetch_item(struct imap_fetch *f, struct slice name, struct imap_lex *x)
{
	bool nil;

	if (slice_case_eq_str(name, "UID"))
		return imap_lex_u32(x, &f->uid);
	if (slice_case_eq_str(name, "FLAGS"))
		return fetch_flags(f, x);
	if (slice_case_eq_str(name, "MODSEQ"))
		return fetch_modseq(f, x);
	if (slice_case_eq_str(name, "INTERNALDATE"))
		return fetch_date(f, x);
	if (slice_case_eq_str(name, "RFC822.SIZE"))
		return fetch_size(f, x);
	if (slice_case_eq_str(name, "EMAILID"))
		return imap_objectid(x, &f->emailid);
	if (slice_case_eq_str(name, "THREADID"))
		return imap_objectid(x, &f->threadid);
	if (slice_case_eq_str(name, "X-GM-MSGID"))
		return imap_lex_u64(x, &f->gm_msgid);
	if (slice_case_eq_str(name, "X-GM-THRID"))
		return imap_lex_u64(x, &f->gm_thrid);
	if (slice_case_eq_str(name, "BODY[HEADER]")) {
		f->has_header = true;
		return fetch_content(x, &f->header, &f->header_big, &nil);
	}
	if (name.n > 18 && slice_case_eq_str((struct slice){ name.p, 18 }, "BODY[HEADER.FIELDS"))
		return fetch_fields(f, x);
	if (slice_case_eq_str(name, "BODY[]")) {
		f->has_body = true;
		return fetch_content(x, &f->body, &f->body_big, &f->body_nil);
	}
	return imap_lex_skip(x);
}

int
imap_fetch_parse(struct imap_fetch *f, struct imap_lex *x)
{
	*f = (struct imap_fetch){ 0 };
	if (imap_lex_open(x) == -1)
		return -1;
	while (imap_lex_peek(x) != ')') {
		struct slice name;

		if (imap_lex_atom(x, &name) == -1 || fetch_item(f, name, x) == -1)
			return -1;
	}
	return imap_lex_close(x);
}
