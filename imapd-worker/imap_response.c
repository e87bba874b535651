/*
 * imap_response.c - from one framed response to struct imap_response.
 */
#include "imap_response.h"
#include "enums.h"

#include <string.h>

struct word {
	char name[24];
	uint32_t value;
};

static const struct word cap_words[] = { { "IMAP4REV1", CAP_IMAP4REV1 },
	/* RFC 9051 s. 2 and appendix E: part of the base protocol there */
	{ "IMAP4REV2",
	    CAP_IMAP4REV2 | CAP_IDLE | CAP_UIDPLUS | CAP_MOVE | CAP_ENABLE | CAP_ESEARCH | CAP_SPECIAL_USE |
		CAP_LIST_EXTENDED | CAP_LITERAL_MINUS | CAP_NAMESPACE | CAP_LIST_STATUS | CAP_STATUS_SIZE |
		CAP_UNSELECT },
	{ "IDLE", CAP_IDLE }, { "UIDPLUS", CAP_UIDPLUS }, { "MOVE", CAP_MOVE }, { "ENABLE", CAP_ENABLE },
	{ "CONDSTORE", CAP_CONDSTORE }, { "QRESYNC", CAP_QRESYNC | CAP_CONDSTORE | CAP_ENABLE },
	{ "ESEARCH", CAP_ESEARCH }, { "SPECIAL-USE", CAP_SPECIAL_USE }, { "LIST-EXTENDED", CAP_LIST_EXTENDED },
	{ "LITERAL+", CAP_LITERAL_PLUS }, { "LITERAL-", CAP_LITERAL_MINUS }, { "OBJECTID", CAP_OBJECTID },
	{ "X-GM-EXT-1", CAP_GMAIL }, { "NOTIFY", CAP_NOTIFY }, { "ID", CAP_ID },
	{ "NAMESPACE", CAP_NAMESPACE }, { "LIST-STATUS", CAP_LIST_STATUS }, { "STATUS=SIZE", CAP_STATUS_SIZE },
	{ "COMPRESS=DEFLATE", CAP_COMPRESS }, { "UTF8=ACCEPT", CAP_UTF8 | CAP_ENABLE },
	/* it is always on there, which changes nothing for who enables it */
	{ "UTF8=ONLY", CAP_UTF8 | CAP_ENABLE }, { "UNSELECT", CAP_UNSELECT } };

static const struct word code_words[] = { { "ALERT", IMAP_CODE_ALERT }, { "APPENDUID", IMAP_CODE_APPENDUID },
	{ "CLOSED", IMAP_CODE_CLOSED }, { "COPYUID", IMAP_CODE_COPYUID }, { "CAPABILITY", IMAP_CODE_CAPABILITY },
	{ "EXPUNGEISSUED", IMAP_CODE_EXPUNGEISSUED },
	{ "HIGHESTMODSEQ", IMAP_CODE_HIGHESTMODSEQ }, { "INUSE", IMAP_CODE_INUSE }, { "LIMIT", IMAP_CODE_LIMIT },
	{ "MAILBOXID", IMAP_CODE_MAILBOXID }, { "NOMODSEQ", IMAP_CODE_NOMODSEQ },
	{ "NONEXISTENT", IMAP_CODE_NONEXISTENT }, { "NOPERM", IMAP_CODE_NOPERM }, { "NOTIFICATIONOVERFLOW", IMAP_CODE_NOTIFICATIONOVERFLOW },
	{ "OVERQUOTA", IMAP_CODE_OVERQUOTA }, { "PERMANENTFLAGS", IMAP_CODE_PERMANENTFLAGS },
	{ "READ-ONLY", IMAP_CODE_READ_ONLY }, { "READ-WRITE", IMAP_CODE_READ_WRITE },
	{ "SERVERBUG", IMAP_CODE_SERVERBUG }, { "TOOBIG", IMAP_CODE_TOOBIG }, { "TRYCREATE", IMAP_CODE_TRYCREATE }, { "UIDNEXT", IMAP_CODE_UIDNEXT },
	{ "UIDNOTSTICKY", IMAP_CODE_UIDNOTSTICKY }, { "UIDVALIDITY", IMAP_CODE_UIDVALIDITY },
	{ "UNAVAILABLE", IMAP_CODE_UNAVAILABLE } };

static const struct word role_words[] = { { "\\Sent", MBOX_SENT }, { "\\Drafts", MBOX_DRAFTS },
	{ "\\Trash", MBOX_TRASH }, { "\\Junk", MBOX_JUNK }, { "\\Archive", MBOX_ARCHIVE }, { "\\All", MBOX_ALL },
	{ "\\Flagged", MBOX_FLAGGED }, { "\\Important", MBOX_IMPORTANT },
	/* before RFC 6154 Gmail had its own words */
	{ "\\AllMail", MBOX_ALL }, { "\\Spam", MBOX_JUNK }, { "\\Starred", MBOX_FLAGGED } };

static const struct word status_words[] = { { "OK", IMAP_OK }, { "NO", IMAP_NO }, { "BAD", IMAP_BAD },
	{ "BYE", IMAP_BYE }, { "PREAUTH", IMAP_PREAUTH } };

#define FIND(table, s) find_word(table, sizeof(table) / sizeof(table[0]), s)

static uint32_t
find_word(const struct word *table, size_t n, struct slice s)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (slice_case_eq_str(s, table[i].name))
			return table[i].value;
	}
	return 0;
}

uint32_t
imap_tag(struct slice s)
{
	uint64_t v;

	if (s.n < 2 || s.p[0] != 'P' || imap_number(slice_mem(s.p + 1, s.n - 1), UINT32_MAX, &v) == -1)
		return 0;
	return (uint32_t)v;
}

static int
parse_caps(struct imap_response *r, struct imap_lex *x)
{
	struct imap_tok t;

	r->caps = 0;
	while ((t = imap_lex_next(x)).type == IMAP_TOK_ATOM)
		r->caps |= FIND(cap_words, t.s);
	return t.type == IMAP_TOK_END ? 0 : -1;
}

static int
parse_permanentflags(struct imap_response *r, struct imap_lex *x)
{
	struct imap_tok t;

	r->number = 0;
	if (imap_lex_open(x) == -1)
		return -1;
	while ((t = imap_lex_next(x)).type == IMAP_TOK_ATOM) {
		if (slice_eq_str(t.s, "\\*"))
			r->number = 1;
	}
	return t.type == IMAP_TOK_CLOSE ? 0 : -1;
}

static int
parse_code_arguments(struct imap_response *r, struct imap_lex *x)
{
	switch (r->code) {
	case IMAP_CODE_UIDNEXT:
	case IMAP_CODE_UIDVALIDITY:
	case IMAP_CODE_HIGHESTMODSEQ:
		return imap_lex_u64(x, &r->number);
	case IMAP_CODE_CAPABILITY:
		return parse_caps(r, x);
	case IMAP_CODE_PERMANENTFLAGS:
		return parse_permanentflags(r, x);
	case IMAP_CODE_APPENDUID:
		return imap_lex_u32(x, &r->uidvalidity) == 0 ? imap_lex_atom(x, &r->uids_to) : -1;
	case IMAP_CODE_COPYUID:
		if (imap_lex_u32(x, &r->uidvalidity) == -1 || imap_lex_atom(x, &r->uids_from) == -1)
			return -1;
		return imap_lex_atom(x, &r->uids_to);
	case IMAP_CODE_MAILBOXID:
		return imap_objectid(x, &r->objectid);
	default:
		return 0;
	}
}

/* "[CODE args] text" or just text. A code that does not parse is no code. */
static void
parse_resp_text(struct imap_response *r, struct imap_lex *x)
{
	struct slice rest = imap_lex_rest(x), name;
	struct imap_lex inner;
	bool in_quote = false;
	size_t i;

	r->text = rest;
	if (rest.n == 0 || rest.p[0] != '[')
		return;
	for (i = 1; i < rest.n && (in_quote || rest.p[i] != ']'); i++)
		in_quote ^= rest.p[i] == '"';
	if (i == rest.n)
		return;
	r->text = slice_mem(rest.p + i + 1, rest.n - i - 1);
	if (r->text.n > 0 && r->text.p[0] == ' ')
		r->text = slice_mem(r->text.p + 1, r->text.n - 1);
	imap_lex_init(&inner, x->end - rest.n + 1, i - 1, x->inline_max);
	if (imap_lex_atom(&inner, &name) == -1)
		return;
	if ((r->code = FIND(code_words, name)) == IMAP_CODE_NONE)
		r->code = IMAP_CODE_OTHER;
	if (parse_code_arguments(r, &inner) == -1)
		r->code = IMAP_CODE_OTHER;
}

/* mbx-list-flags SP delimiter SP mailbox [SP extended]; RFC 5258. */
static int
parse_list(struct imap_response *r, struct imap_lex *x)
{
	struct imap_tok t;
	struct slice sep;
	uint32_t role;

	if (imap_lex_open(x) == -1)
		return -1;
	while ((t = imap_lex_next(x)).type == IMAP_TOK_ATOM) {
		if (slice_case_eq_str(t.s, "\\Noselect") || slice_case_eq_str(t.s, "\\NonExistent"))
			r->list.attributes |= LIST_NOSELECT;
		else if (slice_case_eq_str(t.s, "\\Noinferiors"))
			r->list.attributes |= LIST_NOINFERIORS;
		else if ((role = FIND(role_words, t.s)) != 0)
			r->list.role = (uint8_t)role;
	}
	if (t.type != IMAP_TOK_CLOSE || imap_lex_nstring(x, &sep) == -1)
		return -1;
	r->list.separator = sep.n == 1 ? sep.p[0] : 0;
	return imap_lex_string(x, &r->list.name);
}

static int
parse_status_item(struct imap_mailbox_status *m, struct slice name, struct imap_lex *x)
{
	if (slice_case_eq_str(name, "MESSAGES")) {
		m->has_messages = true;
		return imap_lex_u32(x, &m->messages);
	}
	if (slice_case_eq_str(name, "UIDNEXT")) {
		m->has_uidnext = true;
		return imap_lex_u32(x, &m->uidnext);
	}
	if (slice_case_eq_str(name, "UIDVALIDITY")) {
		m->has_uidvalidity = true;
		return imap_lex_u32(x, &m->uidvalidity);
	}
	if (slice_case_eq_str(name, "HIGHESTMODSEQ")) {
		m->has_modseq = true;
		return imap_lex_u64(x, &m->modseq);
	}
	if (slice_case_eq_str(name, "SIZE")) {
		m->has_size = true;
		return imap_lex_u64(x, &m->size);
	}
	if (slice_case_eq_str(name, "MAILBOXID"))
		return imap_objectid(x, &m->objectid);
	return imap_lex_skip(x);
}

static int
parse_mailbox_status(struct imap_response *r, struct imap_lex *x)
{
	struct slice name;

	if (imap_lex_string(x, &r->mailbox.name) == -1 || imap_lex_open(x) == -1)
		return -1;
	while (imap_lex_peek(x) != ')') {
		if (imap_lex_atom(x, &name) == -1 || parse_status_item(&r->mailbox, name, x) == -1)
			return -1;
	}
	return imap_lex_close(x);
}

/* RFC 4466 s. 2.6.2: (TAG "P1") UID ALL 1:5 COUNT 5 ... */
static int
parse_esearch(struct imap_response *r, struct imap_lex *x)
{
	struct slice name, tag;
	int bad = 0;

	if (imap_lex_peek(x) == '(') {
		if (imap_lex_open(x) == -1 || imap_lex_atom(x, &name) == -1 || imap_lex_string(x, &tag) == -1 ||
		    imap_lex_close(x) == -1)
			return -1;
		r->search.tag = slice_case_eq_str(name, "TAG") ? imap_tag(tag) : 0;
	}
	while (bad == 0 && imap_lex_peek(x) != 0) {
		if (imap_lex_atom(x, &name) == -1)
			return -1;
		if (slice_case_eq_str(name, "UID")) {
			r->search.uid = true;
		} else if (slice_case_eq_str(name, "MIN")) {
			r->search.has_min = true;
			bad = imap_lex_u32(x, &r->search.min);
		} else if (slice_case_eq_str(name, "MAX")) {
			bad = imap_lex_u32(x, &r->search.max);
		} else if (slice_case_eq_str(name, "COUNT")) {
			r->search.has_count = true;
			bad = imap_lex_u32(x, &r->search.count);
		} else if (slice_case_eq_str(name, "ALL")) {
			r->search.has_all = true;
			bad = imap_lex_atom(x, &r->search.all);
		} else
			bad = imap_lex_skip(x);
	}
	return bad;
}

static int
parse_vanished(struct imap_response *r, struct imap_lex *x)
{
	struct slice word;

	if (imap_lex_peek(x) == '(') {
		if (imap_lex_open(x) == -1 || imap_lex_atom(x, &word) == -1 || imap_lex_close(x) == -1)
			return -1;
		r->earlier = slice_case_eq_str(word, "EARLIER");
	}
	return imap_lex_atom(x, &r->set);
}

static int
parse_id(struct imap_response *r, struct imap_lex *x)
{
	return imap_id_parse(&r->server, x);
}

static int
parse_namespace(struct imap_response *r, struct imap_lex *x)
{
	return imap_namespace_parse(&r->spaces, x);
}

/* "* 12 EXISTS", "* 12 FETCH (...)" */
static int
parse_numbered(struct imap_response *r, uint64_t number, struct imap_lex *x)
{
	struct slice word;

	r->number = number;
	if (imap_lex_atom(x, &word) == -1)
		return -1;
	if (slice_case_eq_str(word, "EXISTS"))
		r->kind = IMAP_EXISTS;
	else if (slice_case_eq_str(word, "EXPUNGE"))
		r->kind = IMAP_EXPUNGE;
	else if (slice_case_eq_str(word, "FETCH")) {
		r->kind = IMAP_FETCH;
		return imap_fetch_parse(&r->fetch, x);
	}
	return 0;
}

static int
parse_named(struct imap_response *r, struct slice word, struct imap_lex *x)
{
	static const struct {
		const char *word;
		enum imap_kind kind;
		int (*parse)(struct imap_response *, struct imap_lex *);
	} table[] = { { "LIST", IMAP_LIST, parse_list }, { "STATUS", IMAP_MAILBOX_STATUS, parse_mailbox_status },
		{ "ESEARCH", IMAP_ESEARCH, parse_esearch }, { "VANISHED", IMAP_VANISHED, parse_vanished },
		{ "CAPABILITY", IMAP_CAPABILITY, parse_caps }, { "ENABLED", IMAP_ENABLED, parse_caps },
		{ "ID", IMAP_ID, parse_id }, { "NAMESPACE", IMAP_NAMESPACE, parse_namespace } };
	size_t i;

	if ((r->status = (enum imap_status)FIND(status_words, word)) != 0) {
		r->kind = IMAP_STATUS;
		parse_resp_text(r, x);
		return 0;
	}
	if (slice_case_eq_str(word, "SEARCH")) {
		r->kind = IMAP_SEARCH;
		r->lex = *x;
		return 0;
	}
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (slice_case_eq_str(word, table[i].word)) {
			r->kind = table[i].kind;
			return table[i].parse(r, x);
		}
	}
	return 0;
}

static int
parse_tagged(struct imap_response *r, struct slice tag, struct imap_lex *x)
{
	struct slice word;

	r->kind = IMAP_TAGGED;
	if ((r->tag = imap_tag(tag)) == 0 || imap_lex_atom(x, &word) == -1)
		return -1;
	r->status = (enum imap_status)FIND(status_words, word);
	if (r->status < IMAP_OK || r->status > IMAP_BAD)
		return -1;
	parse_resp_text(r, x);
	return 0;
}

int
imap_response_parse(struct imap_response *r, uint8_t *text, size_t n, size_t inline_max)
{
	struct slice first;
	struct imap_lex x;
	uint64_t number;

	memset(r, 0, sizeof(*r));
	imap_lex_init(&x, text, n, inline_max);
	if (n > 0 && text[0] == '+') {
		r->kind = IMAP_CONTINUE;
		x.p++;
		r->text = imap_lex_rest(&x);
		return 0;
	}
	if (imap_lex_atom(&x, &first) == -1)
		return -1;
	if (!slice_eq_str(first, "*"))
		return parse_tagged(r, first, &x);
	if (imap_lex_atom(&x, &first) == -1)
		return -1;
	if (imap_number(first, UINT32_MAX, &number) == 0)
		return parse_numbered(r, number, &x);
	return parse_named(r, first, &x);
}

bool
imap_search_next(struct imap_response *r, uint32_t *out)
{
	struct imap_tok t = imap_lex_next(&r->lex);
	uint64_t v;

	/* "(MODSEQ n)" may follow the numbers (RFC 7162 s. 3.1.5). */
	if (t.type != IMAP_TOK_ATOM || imap_number(t.s, UINT32_MAX, &v) == -1)
		return false;
	*out = (uint32_t)v;
	return true;
}
