/*
 * imap_info.c - what a server says of itself: ID (RFC 2971) and NAMESPACE
 * (RFC 2342).
 */
#include "imap_response.h"

/* ("name" "Dovecot" "version" NIL ...) or NIL; the values kept are not trusted. */
int
imap_id_parse(struct imap_server *s, struct imap_lex *x)
{
	struct slice key, value;

	if (imap_lex_peek(x) != '(')
		return imap_lex_nstring(x, &value);
	if (imap_lex_open(x) == -1)
		return -1;
	while (imap_lex_peek(x) != ')') {
		if (imap_lex_nstring(x, &key) == -1 || imap_lex_nstring(x, &value) == -1)
			return -1;
		if (value.n > LIM_NAME)
			continue;
		if (slice_case_eq_str(key, "name"))
			s->name = value;
		else if (slice_case_eq_str(key, "vendor"))
			s->vendor = value;
	}
	return imap_lex_close(x);
}

/* ("prefix" "separator" extension...) */
static int
space(struct imap_spaces *s, enum imap_space kind, struct imap_lex *x)
{
	struct slice prefix, separator;

	if (imap_lex_open(x) == -1 || imap_lex_string(x, &prefix) == -1 || imap_lex_nstring(x, &separator) == -1)
		return -1;
	while (imap_lex_peek(x) != ')') {
		if (imap_lex_skip(x) == -1)
			return -1;
	}
	if (s->n < LIM_NAMESPACES) {
		s->v[s->n].kind = kind;
		s->v[s->n].prefix = prefix;
		s->v[s->n++].separator = separator.n == 1 ? separator.p[0] : 0;
	}
	return imap_lex_close(x);
}

/* The personal ones, those of other users, the shared ones; each NIL or a list. */
int
imap_namespace_parse(struct imap_spaces *s, struct imap_lex *x)
{
	enum imap_space kind;
	struct slice nil;

	for (kind = SPACE_PERSONAL; kind <= SPACE_SHARED; kind++) {
		if (imap_lex_peek(x) != '(') {
			if (imap_lex_nstring(x, &nil) == -1)
				return -1;
			continue;
		}
		if (imap_lex_open(x) == -1)
			return -1;
		while (imap_lex_peek(x) == '(') {
			if (space(s, kind, x) == -1)
				return -1;
		}
		if (imap_lex_close(x) == -1)
			return -1;
	}
	return 0;
}
