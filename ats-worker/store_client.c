#include "store_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "log.h"
#include "probe_steps.h"

struct store_call {
	LIST_ENTRY(store_call) entry;	/* of its scope */
	bool in_scope;
	enum msg_type answer;	/* what ends it */
	uint32_t req;
	store_cb cb;
	void *ctx;
	bool cancelled, too_large;
	struct store_rows rows;
	json_t *steps;
};

/* A blob_put that waits for credit. */
struct waiting_put {
	STAILQ_ENTRY(waiting_put) entry;
	struct msg_blob_put m;
	int fd;
	char type[LIM_TYPE_NAME + 1];
	uint8_t *data;
};

static struct chan *store;
static struct store_call *slots[LIM_STORE_REQUESTS];
static uint32_t next_turn;
static unsigned int ncalls;
static size_t rows_held;
static store_change_fn on_change;
static store_link_fn on_link;
static STAILQ_HEAD(, waiting_put) waiting = STAILQ_HEAD_INITIALIZER(waiting);

void
store_client_init(store_change_fn change, store_link_fn link)
{
	on_change = change;
	on_link = link;
}

bool
store_client_up(void)
{
	return store != NULL && !chan_dead(store);
}

/* ---- rows ---- */

void
store_rows_free(struct store_rows *r)
{
	for (size_t i = 0; i < r->n; i++)
		free((void *)(uintptr_t)r->rows[i].data.p);
	free(r->rows);
	rows_held -= r->bytes;
	*r = (struct store_rows){ 0 };
}

void
store_rows_move(struct store_rows *dst, struct store_rows *src)
{
	*dst = *src;
	*src = (struct store_rows){ 0 };
}

static int
rows_add(struct store_rows *r, uint64_t id, struct slice data)
{
	struct store_row *grown;
	uint8_t *copy;

	if (r->bytes + data.n > LIM_ROWS_CALL || rows_held + data.n > LIM_ROWS_ALL)
		return -1;
	if (r->n == r->cap) {
		size_t cap = r->cap != 0 ? r->cap * 2 : 16;

		if ((grown = reallocarray(r->rows, cap, sizeof(*grown))) == NULL)
			return -1;
		r->rows = grown;
		r->cap = cap;
	}
	if ((copy = malloc(data.n + 1)) == NULL)
		return -1;
	memcpy(copy, data.p, data.n);
	r->rows[r->n++] = (struct store_row){ id, slice_mem(copy, data.n) };
	r->bytes += data.n;
	rows_held += data.n;
	return 0;
}

/* ---- the table of requests ---- */

/* req = turn and slot: an answer to a slot's earlier user does not match. */
static struct store_call *
call_find(uint32_t req)
{
	struct store_call *call = slots[req % LIM_STORE_REQUESTS];

	return call != NULL && call->req == req ? call : NULL;
}

static struct store_call *
call_new(void)
{
	struct store_call *call;

	for (uint32_t i = 0; i < LIM_STORE_REQUESTS; i++) {
		uint32_t req = next_turn++;

		if (slots[req % LIM_STORE_REQUESTS] != NULL)
			continue;
		if ((call = calloc(1, sizeof(*call))) == NULL)
			return NULL;
		call->req = req;
		slots[req % LIM_STORE_REQUESTS] = call;
		ncalls++;
		return call;
	}
	return NULL;
}

static void
call_leave_scope(struct store_call *call)
{
	if (call->in_scope)
		LIST_REMOVE(call, entry);
	call->in_scope = false;
}

static void
call_free(struct store_call *call)
{
	slots[call->req % LIM_STORE_REQUESTS] = NULL;
	ncalls--;
	call_leave_scope(call);
	store_rows_free(&call->rows);
	json_decref(call->steps);
	free(call);
}

void
store_scope_cancel(struct store_scope *scope)
{
	struct store_call *call;

	/* The slot stays taken until the answer comes: it may carry rows. */
	while ((call = LIST_FIRST(&scope->calls)) != NULL) {
		call_leave_scope(call);
		call->cancelled = true;
		store_rows_free(&call->rows);
	}
}

static void
call_answer(struct store_call *call, const union msg *m, struct slice error, int *fd)
{
	char name[LIM_CODE + 1];
	struct store_answer a = { .m = m, .rows = &call->rows, .steps = call->steps, .fd = fd };

	if (m == NULL)
		a.error = "serverUnavailable";
	else if (call->too_large)
		a.error = "requestTooLarge";
	else if (error.n > 0) {
		(void)slice_copy(error, name, sizeof(name));
		a.error = name;
	}
	call_leave_scope(call);
	if (!call->cancelled)
		call->cb(call->ctx, &a);
	call_free(call);
}

/* ---- messages from the store ---- */

/* What ends a request of this type. */
static enum msg_type
answer_to(enum msg_type request)
{
	switch (request) {
	case MSG_get:
		return MSG_get_done;
	case MSG_changes:
		return MSG_changes_done;
	case MSG_query:
		return MSG_query_done;
	case MSG_blob_get:
		return MSG_blob_data;
	default:
		return MSG_set_done;
	}
}

static int
on_row(struct chan *c, const union msg *m, int *fd)
{
	struct store_call *call = call_find(m->row.req);
	struct body body;

	(void)c;
	if (call == NULL || call->answer != MSG_get_done)
		return -1;
	if (call->cancelled || call->too_large)
		return 0;
	/* No room to map it is our trouble, not the store's. */
	if (body_open(&body, m->row.data, fd) == -1 || rows_add(&call->rows, m->row.id, body.data) == -1) {
		call->too_large = true;
		store_rows_free(&call->rows);
	}
	body_close(&body);
	return 0;
}

/* A cancelled asker's number stays taken until its answer. So an answer to no
 * number was never asked for, or came before: a breach, as is an answer of
 * another kind, which would be read as what it is not. */
static int
finish(enum msg_type type, uint32_t req, const union msg *m, struct slice error, int *fd)
{
	struct store_call *call = call_find(req);

	if (call == NULL || call->answer != type)
		return -1;
	call_answer(call, m, error, fd);
	return 0;
}

#define ANSWER(name)                                                                                                   \
	static int on_##name(struct chan *c, const union msg *m, int *fd)                                              \
	{                                                                                                              \
		(void)c;                                                                                               \
		return finish(MSG_##name, m->name.req, m, m->name.error, fd);                                          \
	}
ANSWER(get_done)
ANSWER(changes_done)
ANSWER(query_done)
ANSWER(set_done)
ANSWER(blob_data)
#undef ANSWER

static int
on_probe_step(struct chan *c, const union msg *m, int *fd)
{
	struct store_call *call = call_find(m->probe_step.req);

	(void)c;
	(void)fd;
	if (call == NULL)
		return -1;
	if (call->cancelled)
		return 0;
	if (call->steps == NULL)
		call->steps = json_array();
	if (json_array_size(call->steps) < LIM_PROBE_STEPS)
		ju_push(call->steps, probe_step_json(&m->probe_step));
	return 0;
}

static int
on_state_change(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	if (on_change != NULL)
		on_change(&m->state_change);
	return 0;
}

const chan_handler store_handlers[MSG__COUNT] = { [MSG_row] = on_row, [MSG_get_done] = on_get_done,
	[MSG_changes_done] = on_changes_done, [MSG_query_done] = on_query_done, [MSG_set_done] = on_set_done,
	[MSG_blob_data] = on_blob_data, [MSG_probe_step] = on_probe_step, [MSG_state_change] = on_state_change };

/* ---- uploads wait for credit ---- */

static void
put_free(struct waiting_put *p)
{
	if (p->fd != -1)
		close(p->fd);
	free(p->data);
	free(p);
}

static int
put_wait(const struct msg_blob_put *m, int fd)
{
	struct waiting_put *p = calloc(1, sizeof(*p));

	if (p == NULL || slice_copy(m->type, p->type, sizeof(p->type)) == -1 ||
	    (p->data = malloc(m->data.n + 1)) == NULL) {
		free(p);
		if (fd != -1)
			close(fd);
		errno = EMSGSIZE;
		return -1;
	}
	if (m->data.n > 0)
		memcpy(p->data, m->data.p, m->data.n);
	p->m = *m;
	p->m.type = slice_str(p->type);
	p->m.data = slice_mem(p->data, m->data.n);
	p->fd = fd;
	STAILQ_INSERT_TAIL(&waiting, p, entry);
	return 0;
}

static void
on_credit(struct chan *c)
{
	struct waiting_put *p;

	while ((p = STAILQ_FIRST(&waiting)) != NULL && chan_credits(c) > 0) {
		STAILQ_REMOVE_HEAD(&waiting, entry);
		if (call_find(p->m.req) != NULL) {
			(void)send_blob_put(c, &p->m, p->fd);
			p->fd = -1;
		}
		put_free(p);
	}
}

/* ---- asking ---- */

int
store_ask(struct store_scope *scope, enum msg_type type, void *msg, int fd, store_cb cb, void *ctx)
{
	struct store_call *call;
	int r, saved;

	if (!store_client_up() || (call = call_new()) == NULL) {
		if (fd != -1)
			close(fd);
		errno = store_client_up() ? EAGAIN : EPIPE;
		return -1;
	}
	call->answer = answer_to(type);
	call->cb = cb;
	call->ctx = ctx;
	memcpy(msg, &call->req, sizeof(call->req));	/* req is the first field of every request */
	if (type == MSG_blob_put && (chan_credits(store) == 0 || !STAILQ_EMPTY(&waiting)))
		r = put_wait(msg, fd);
	else
		r = chan_send(store, type, msg, fd);
	if (r == -1) {
		saved = errno;
		call_free(call);
		errno = saved;
		return -1;
	}
	LIST_INSERT_HEAD(&scope->calls, call, entry);
	call->in_scope = true;
	return 0;
}

unsigned int
store_room(void)
{
	return LIM_STORE_REQUESTS - ncalls;
}

const char *
store_ask_error(void)
{
	return errno == EMSGSIZE ? "tooLarge" : "serverUnavailable";
}

/* ---- the channel's life ---- */

static void
store_lost(struct chan *c)
{
	struct waiting_put *p;

	if (c != store) {
		chan_free(c);
		return;
	}
	store = NULL;
	while ((p = STAILQ_FIRST(&waiting)) != NULL) {
		STAILQ_REMOVE_HEAD(&waiting, entry);
		put_free(p);
	}
	for (size_t i = 0; i < LIM_STORE_REQUESTS; i++)
		if (slots[i] != NULL)
			call_answer(slots[i], NULL, SLICE_NONE, NULL);
	chan_free(c);
	if (on_link != NULL)
		on_link(false);
}

static void
store_broken(struct chan *c, const char *reason)
{
	child_report_broken(c, reason);
	store_lost(c);
}

const struct chan_ops store_client_ops = { .handlers = store_handlers, .on_eof = store_lost,
	.on_broken = store_broken, .on_credit = on_credit };

void
store_client_attach(struct chan *c)
{
	if (store != NULL)
		store_lost(store);
	store = c;
	log_info("store connected");
	if (on_link != NULL)
		on_link(true);
}
