/*
 * imap_response.h - what a server's response says, typed.
 *
 * One framed response becomes one struct; slices point into its buffer.
 * Responses nobody here needs (FLAGS, LSUB, QUOTA, ...) become OTHER. Whether
 * a response was asked for is the caller's question.
 */
#ifndef IMAPD_IMAP_RESPONSE_H
#define IMAPD_IMAP_RESPONSE_H

#include "imap_parse.h"
#include "limits.h"

enum imap_kind {
	IMAP_OTHER,
	IMAP_CONTINUE,		/* "+ text" */
	IMAP_TAGGED,		/* tag, status, code, text */
	IMAP_STATUS,		/* untagged OK NO BAD BYE PREAUTH: status, code, text */
	IMAP_CAPABILITY,	/* caps */
	IMAP_ENABLED,		/* caps */
	IMAP_EXISTS,		/* number */
	IMAP_EXPUNGE,		/* number */
	IMAP_FETCH,		/* number = sequence number, fetch */
	IMAP_LIST,		/* list */
	IMAP_MAILBOX_STATUS,	/* mailbox */
	IMAP_SEARCH,		/* lex: numbers, by imap_search_next */
	IMAP_ESEARCH,		/* search */
	IMAP_VANISHED,		/* set, earlier */
	IMAP_ID,		/* server */
	IMAP_NAMESPACE		/* spaces */
};

enum imap_status { IMAP_OK = 1, IMAP_NO, IMAP_BAD, IMAP_BYE, IMAP_PREAUTH };

/* Response codes, RFC 3501 s. 7.1, RFC 5530, RFC 4315, RFC 7162, RFC 8474. */
enum imap_code {
	IMAP_CODE_NONE,
	IMAP_CODE_OTHER,
	IMAP_CODE_ALERT,
	IMAP_CODE_APPENDUID,	/* uidvalidity, uids_to */
	IMAP_CODE_CLOSED,
	IMAP_CODE_COPYUID,	/* uidvalidity, uids_from, uids_to */
	IMAP_CODE_CAPABILITY,	/* caps */
	IMAP_CODE_HIGHESTMODSEQ,	/* number */
	IMAP_CODE_EXPUNGEISSUED,
	IMAP_CODE_INUSE,
	IMAP_CODE_LIMIT,
	IMAP_CODE_MAILBOXID,	/* objectid */
	IMAP_CODE_NOMODSEQ,
	IMAP_CODE_NONEXISTENT,
	IMAP_CODE_NOPERM,
	IMAP_CODE_NOTIFICATIONOVERFLOW,
	IMAP_CODE_OVERQUOTA,
	IMAP_CODE_PERMANENTFLAGS,	/* flag "\*" given: number = 1 */
	IMAP_CODE_READ_ONLY,
	IMAP_CODE_READ_WRITE,
	IMAP_CODE_SERVERBUG,
	IMAP_CODE_TOOBIG,
	IMAP_CODE_TRYCREATE,
	IMAP_CODE_UIDNEXT,	/* number */
	IMAP_CODE_UIDNOTSTICKY,
	IMAP_CODE_UIDVALIDITY,	/* number */
	IMAP_CODE_UNAVAILABLE
};

#define CAP_IMAP4REV1 (1u << 0)
#define CAP_IMAP4REV2 (1u << 1)
#define CAP_IDLE (1u << 2)
#define CAP_UIDPLUS (1u << 3)
#define CAP_MOVE (1u << 4)
#define CAP_ENABLE (1u << 5)
#define CAP_CONDSTORE (1u << 6)
#define CAP_QRESYNC (1u << 7)
#define CAP_ESEARCH (1u << 8)
#define CAP_SPECIAL_USE (1u << 9)
#define CAP_LIST_EXTENDED (1u << 10)
#define CAP_LITERAL_PLUS (1u << 11)
#define CAP_LITERAL_MINUS (1u << 12)
#define CAP_OBJECTID (1u << 13)
#define CAP_GMAIL (1u << 14)
#define CAP_NOTIFY (1u << 15)
#define CAP_ID (1u << 16)
#define CAP_NAMESPACE (1u << 17)
#define CAP_LIST_STATUS (1u << 18)
#define CAP_STATUS_SIZE (1u << 19)
#define CAP_COMPRESS (1u << 20)
#define CAP_UTF8 (1u << 21)
#define CAP_UNSELECT (1u << 22)

#define LIST_NOSELECT 1u	/* or \NonExistent */
#define LIST_NOINFERIORS 2u

struct imap_list {
	uint32_t attributes;	/* LIST_* */
	uint8_t role;		/* enum mailbox_role by RFC 6154, or MBOX_NONE */
	uint8_t separator;	/* 0: flat */
	struct slice name;	/* as the server wrote it */
};

struct imap_mailbox_status {
	struct slice name, objectid;
	bool has_messages, has_uidnext, has_uidvalidity, has_modseq, has_size;
	uint32_t messages, uidnext, uidvalidity;
	uint64_t modseq, size;
};

/* RFC 2971: what the server says it is; empty when it does not say. */
struct imap_server {
	struct slice name, vendor;
};

enum imap_space { SPACE_PERSONAL, SPACE_USERS, SPACE_SHARED };

/* RFC 2342: the first LIM_NAMESPACES of all. */
struct imap_spaces {
	size_t n;
	struct {
		enum imap_space kind;
		uint8_t separator;
		struct slice prefix;	/* as the server wrote it */
	} v[LIM_NAMESPACES];
};

struct imap_fetch {
	uint32_t uid;		/* 0: not said */
	uint64_t modseq;
	bool has_flags, has_date, has_size;
	char flags[LIM_KEYWORDS + 1];	/* joined by single spaces, without \Recent; cut at a flag */
	uint64_t internaldate;
	uint32_t size;
	struct slice emailid, threadid;
	uint64_t gm_msgid, gm_thrid;
	bool has_header, header_big;
	struct slice header;	/* big: only its length */
	struct slice fields;	/* BODY[HEADER.FIELDS ...], if it is small */
	bool has_body, body_nil, body_big;
	struct slice body;
};

struct imap_esearch {
	uint32_t tag;		/* 0: none given */
	bool uid, has_min, has_count, has_all;
	uint32_t min, max, count;
	struct slice all;	/* a set, for uidset_next */
};

struct imap_response {
	enum imap_kind kind;
	uint32_t tag;
	enum imap_status status;
	enum imap_code code;
	uint64_t number;
	uint32_t uidvalidity;
	struct slice uids_from, uids_to, objectid, text;
	uint32_t caps;
	struct slice set;
	bool earlier;
	struct imap_list list;
	struct imap_mailbox_status mailbox;
	struct imap_esearch search;
	struct imap_server server;
	struct imap_spaces spaces;
	struct imap_fetch fetch;
	struct imap_lex lex;
};

/* 0, or -1: not a response of this protocol. */
int imap_response_parse(struct imap_response *, uint8_t *text, size_t n, size_t inline_max);
/* The numbers of a SEARCH response, one by one. false at the end. */
bool imap_search_next(struct imap_response *, uint32_t *);
/* Tags of this program are "P" and a number; 0 when it is none. */
uint32_t imap_tag(struct slice);

/* imap_fetch.c: the list after FETCH. 0 or -1. */
int imap_fetch_parse(struct imap_fetch *, struct imap_lex *);
/* "(M123)", RFC 8474 s. 4; what cannot be an id is none. 0 or -1. */
int imap_objectid(struct imap_lex *, struct slice *);

/* imap_info.c: what follows ID and NAMESPACE. 0 or -1. */
int imap_id_parse(struct imap_server *, struct imap_lex *);
int imap_namespace_parse(struct imap_spaces *, struct imap_lex *);

#endif
