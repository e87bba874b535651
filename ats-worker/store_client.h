/*
 * store_client.h - requests to this ATS's store and their answers.
 *
 * One channel at a time. Each request has a number; its answer comes back once
 * by the callback, from the event loop, never from inside store_ask. Requests
 * belong to a scope (a method call, a download): store_scope_cancel forgets
 * them, and late answers are dropped. When the store is lost every pending
 * request is answered with m == NULL.
 */
#ifndef ATS_STORE_CLIENT_H
#define ATS_STORE_CLIENT_H

#include <sys/queue.h>

#include "body.h"
#include "channel.h"
#include "json_util.h"
#include "messages.h"

struct store_call;
struct store_scope {
	LIST_HEAD(, store_call) calls;
};

struct store_row {
	uint64_t id;
	struct slice data;	/* an encoded record */
};

struct store_rows {
	struct store_row *rows;
	size_t n, cap, bytes;
};

struct store_answer {
	const union msg *m;	/* the final message; NULL: the store is gone */
	const char *error;	/* NULL = good; else the JMAP error type */
	struct store_rows *rows;	/* of a get; freed after the callback unless moved */
	json_t *steps;		/* of a link_set: array of step objects, or NULL */
	int *fd;		/* of blob_data: for body_keep */
};

typedef void (*store_cb)(void *ctx, const struct store_answer *);

/* A change that the store announced. */
typedef void (*store_change_fn)(const struct msg_state_change *);
/* The store came (true) or went (false). */
typedef void (*store_link_fn)(bool up);

extern const chan_handler store_handlers[MSG__COUNT];

void store_client_init(store_change_fn, store_link_fn);
/* The channel to the store; replaces one that is still there. Owned here. */
void store_client_attach(struct chan *);
bool store_client_up(void);
extern const struct chan_ops store_client_ops;

/*
 * Send msg (its req is filled in) and remember the callback. fd as in send_*.
 * 0; -1 with errno EPIPE (no store), EMSGSIZE (a field breaks its limit),
 * EAGAIN (too many requests): the callback will not come.
 * A blob_put waits here for bulk credit, its fd and data kept until then.
 */
int store_ask(struct store_scope *, enum msg_type, void *msg, int fd, store_cb, void *ctx);
/* How many requests more may be under way. */
unsigned int store_room(void);
/* "serverUnavailable", "tooLarge" ... for errno of a failed store_ask. */
const char *store_ask_error(void);

void store_scope_cancel(struct store_scope *);

void store_rows_free(struct store_rows *);
/* dst takes the rows, src is left empty. */
void store_rows_move(struct store_rows *dst, struct store_rows *src);

#endif
