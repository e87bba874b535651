/*
 * report.c - messages to the store, in order, as credits allow.
 */
#include "report.h"
#include "log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
report_init(struct report *r)
{
	r->store = NULL;
	r->held.n = 0;
	r->held.bytes = 0;
	STAILQ_INIT(&r->queue);
}

static void
drop(struct report *r)
{
	struct waiting *w = STAILQ_FIRST(&r->queue);

	STAILQ_REMOVE_HEAD(&r->queue, entry);
	if (w->fd != -1)
		close(w->fd);
	free(w);
}

void
report_set_store(struct report *r, struct chan *store)
{
	while (!STAILQ_EMPTY(&r->queue))
		drop(r);
	held_trim(&r->held, 0);
	r->store = store;
}

bool
report_blocked(const struct report *r, size_t coming)
{
	return r->store != NULL && (!STAILQ_EMPTY(&r->queue) || chan_credits(r->store) == 0 ||
	    !held_room(&r->held, coming));
}

/* Its descriptor is counted until as many credits are back as are out with it. */
static int
put(struct report *r, enum msg_type type, const void *m, int fd)
{
	off_t size = fd != -1 ? lseek(fd, 0, SEEK_END) : 0;

	if (chan_send(r->store, type, m, fd) == -1)
		return -1;
	if (size > 0)
		held_add(&r->held, (size_t)size);
	return 0;
}

static void
keep(struct report *r, enum msg_type type, const void *m, int fd)
{
	struct waiting *w;
	struct wbuf b;

	wbuf_init(&b, LIM_CHAN_MSG);
	msg_encode(&b, type, m);
	if (b.failed || (w = malloc(sizeof(*w) + b.n)) == NULL)
		fatal("a message to the store cannot be kept");
	w->type = type;
	w->fd = fd;
	w->n = b.n;
	if (b.n > 0)
		memcpy(w->data, b.p, b.n);
	wbuf_free(&b);
	STAILQ_INSERT_TAIL(&r->queue, w, entry);
}

static bool
must_wait(const struct report *r, enum msg_type type)
{
	return !STAILQ_EMPTY(&r->queue) || (msg_table[type].class == MSGC_BULK && chan_credits(r->store) == 0);
}

void
report_send(struct report *r, enum msg_type type, const void *m, int fd)
{
	if (r->store == NULL || chan_dead(r->store)) {
		if (fd != -1)
			close(fd);
		return;
	}
	if (must_wait(r, type)) {
		keep(r, type, m, fd);
		return;
	}
	/* EPIPE: the store is gone and its channel tells so itself. */
	if (put(r, type, m, fd) == -1 && errno != EPIPE)
		log_error("message to the store not sent reason=%s", msg_name(type));
}

void
report_flush(struct report *r)
{
	union msg m;
	struct waiting *w;

	if (r->store != NULL)
		held_trim(&r->held, LIM_CHAN_CREDITS - chan_credits(r->store));
	while (r->store != NULL && (w = STAILQ_FIRST(&r->queue)) != NULL) {
		if (msg_table[w->type].class == MSGC_BULK && chan_credits(r->store) == 0)
			return;
		if (msg_decode(w->type, slice_mem(w->data, w->n), &m) == -1 ||
		    put(r, w->type, &m, w->fd) == -1)
			log_error("message to the store not sent reason=%s", msg_name(w->type));
		w->fd = -1;
		drop(r);
	}
}
