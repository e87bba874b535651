/*
 * imap_parse.h - tokens of one framed response, pulled one by one.
 *
 * No tree is built: the reader of a response type asks for what its grammar
 * (RFC 3501 s. 9, RFC 9051 s. 9) allows next, and skips what it does not
 * know. Slices point into the response's buffer, which is written to (quoted
 * strings lose their escapes in place) and must outlive them.
 */
#ifndef IMAPD_IMAP_PARSE_H
#define IMAPD_IMAP_PARSE_H

#include "wire.h"

enum imap_tok_type {
	IMAP_TOK_END,	  /* nothing left */
	IMAP_TOK_ATOM,	  /* atom, number, flag, NIL, fetch item with its [section] */
	IMAP_TOK_STRING,  /* quoted or small literal */
	IMAP_TOK_BIG,	  /* a literal that the framer put into a memfd; no bytes here */
	IMAP_TOK_OPEN,
	IMAP_TOK_CLOSE,
	IMAP_TOK_BAD	  /* not a token, or nested deeper than LIM_IMAP_DEPTH */
};

struct imap_tok {
	enum imap_tok_type type;
	struct slice s;
};

struct imap_lex {
	uint8_t *p, *end;
	unsigned int depth;
	size_t inline_max;	/* as the framer's */
	bool bad;		/* sticky */
};

void imap_lex_init(struct imap_lex *, uint8_t *text, size_t n, size_t inline_max);
struct imap_tok imap_lex_next(struct imap_lex *);
/* The next byte that is no space, or 0 at the end. */
uint8_t imap_lex_peek(struct imap_lex *);
/* Everything that is left, as it stands; ends the lexer. */
struct slice imap_lex_rest(struct imap_lex *);
/* Skip one value, a list with all it holds. 0 or -1. */
int imap_lex_skip(struct imap_lex *);
/* Each takes one token of that kind: 0, or -1 (the lexer is bad then). */
int imap_lex_open(struct imap_lex *);
int imap_lex_close(struct imap_lex *);
int imap_lex_atom(struct imap_lex *, struct slice *);
int imap_lex_string(struct imap_lex *, struct slice *);	/* atom, quoted or small literal */
int imap_lex_nstring(struct imap_lex *, struct slice *);	/* the same; NIL is { NULL, 0 } */
int imap_lex_u32(struct imap_lex *, uint32_t *);
int imap_lex_u64(struct imap_lex *, uint64_t *);

/* Digits only, no overflow, at most max. */
int imap_number(struct slice, uint64_t max, uint64_t *out);

#endif
