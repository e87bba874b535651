/*
 * craft.h - packets of every row of messages.def, whole and broken.
 *
 * All of it is made from the tables: a new row has its samples and its
 * breakages by being there. A breakage is numbered: craft_breakage(type, i)
 * for i = 0, 1, ... until it returns false. None of them may be accepted by
 * anybody, whoever sends it.
 */
#ifndef WALK_CRAFT_H
#define WALK_CRAFT_H

#include "messages.h"

enum craft_kind { FIELD_U8, FIELD_U16, FIELD_U32, FIELD_U64, FIELD_BOOL, FIELD_STR, FIELD_BYTES, FIELD_LIST };

struct craft_field {
	const char *name;
	enum craft_kind kind;
	size_t items, max;	/* of lists; of lists, strings and bytes */
};

struct craft_row {
	const struct craft_field *fields;
	size_t n;
};
extern const struct craft_row craft_rows[MSG__COUNT];

/* What a whole sample holds: nothing; a little in each field; all it can. */
enum craft_fill { FILL_ZERO, FILL_SOME, FILL_FULL, FILL__COUNT };

/* The descriptors of one packet, made fresh for each. */
enum craft_fds {
	FDS_NONE,
	FDS_ONE,	/* a UNIX stream socket */
	FDS_TWO,
	FDS_MANY,	/* 253, the most a packet takes */
	FDS_SEALED,	/* a sound body */
	FDS_PIPE,
	FDS_SOCKET,
	FDS_FILE,
	FDS_NULL,	/* /dev/null */
	FDS_MEMFD,	/* from here on memory that lacks something */
	FDS_NO_WRITE,	/* every seal but this one */
	FDS_NO_SHRINK,
	FDS_NO_GROW,
	FDS_FUTURE,	/* F_SEAL_FUTURE_WRITE for F_SEAL_WRITE: who maps it already writes on */
	FDS_EMPTY,	/* sealed, of no size */
	FDS_HUGE,	/* sealed, LIM_BODY + 1 */
	FDS_WRITEONLY,	/* sealed, opened so that it cannot be mapped */
	FDS_PATH,	/* the same by O_PATH */
	FDS__COUNT
};

struct craft {
	struct wbuf bytes;	/* header and fields; zeroed before the first use, wbuf_free after the last */
	enum craft_fds fds;
	char what[96];		/* for people */
};

/* Rows of the channel itself: no handler hears of them. */
static inline bool
craft_carries(enum msg_type t)
{
	return t == MSG_credit || t == MSG_together;
}

/* A whole packet, with the descriptor its row asks for. With FILL_FULL a BODY
 * row has its bytes in the field. */
void craft_whole(struct craft *, enum msg_type, enum craft_fill);
/* The i-th breakage of this row; false: there are no more. */
bool craft_breakage(struct craft *, enum msg_type, size_t i);

/* 0, or -1 with errno: EPIPE when the other end is gone. */
int craft_send(int sock, const struct craft *);
/* As craft_send with bytes of one's own. */
int craft_send_bytes(int sock, const void *, size_t, enum craft_fds);

#endif
