/*
 * db_out.c - the outbox: what is said only when it is durable.
 */
#include "db_env.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "changes.h"
#include "log.h"

struct out {
	STAILQ_ENTRY(out) entry;
	struct chan *chan;
	enum msg_type type;
	struct wbuf bytes;
	int fd;
};
static STAILQ_HEAD(, out) queue = STAILQ_HEAD_INITIALIZER(queue);

static void
out_free(struct out *o)
{
	if (o->fd != -1)
		close(o->fd);
	wbuf_free(&o->bytes);
	free(o);
}

/* The same answer with an error instead of content; others have none. */
static void
send_error(struct chan *c, enum msg_type type, const union msg *m, const char *error)
{
	struct slice e = slice_str(error);

	switch (type) {
	case MSG_set_done:
		(void)send_set_done(c, &(struct msg_set_done){ .req = m->set_done.req, .error = e });
		break;
	case MSG_get_done:
		(void)send_get_done(c, &(struct msg_get_done){ .req = m->get_done.req, .error = e });
		break;
	case MSG_query_done:
		(void)send_query_done(c, &(struct msg_query_done){ .req = m->query_done.req, .error = e });
		break;
	case MSG_changes_done:
		(void)send_changes_done(c, &(struct msg_changes_done){ .req = m->changes_done.req, .error = e });
		break;
	case MSG_blob_data:
		(void)send_blob_data(c, &(struct msg_blob_data){ .req = m->blob_data.req, .error = e }, -1);
		break;
	case MSG_record_put_done:
		(void)send_record_put_done(c, &(struct msg_record_put_done){ .req = m->record_put_done.req, .code = e });
		break;
	default:
		break;
	}
}

/* What is read from what is committed waits for nothing. */
static void
send_at_once(struct chan *c, enum msg_type type, const void *m, int fd)
{
	if (chan_send(c, type, m, fd) == -1 && errno != EPIPE) {
		log_error("message not sent reason=%s: %s", msg_name(type), strerror(errno));
		send_error(c, type, m, "serverFail");
	}
}

void
out_send(struct chan *c, enum msg_type type, const void *m, int fd)
{
	struct out *o;

	if (c != NULL && db_env.viewing) {
		send_at_once(c, type, m, fd);
		return;
	}
	o = c != NULL ? calloc(1, sizeof(*o)) : NULL;
	if (o == NULL) {
		if (c != NULL)
			db_fail("out of memory");
		if (fd != -1)
			close(fd);
		return;
	}
	o->chan = c;
	o->type = type;
	o->fd = fd;
	wbuf_init(&o->bytes, LIM_CHAN_MSG);
	msg_encode(&o->bytes, type, m);
	STAILQ_INSERT_TAIL(&queue, o, entry);
	db_gather(o->bytes.n);
}

unsigned int
out_credits(const struct chan *c)
{
	unsigned int credits = chan_credits(c), queued = 0;
	const struct out *o;

	STAILQ_FOREACH(o, &queue, entry)
		if (o->chan == c && msg_table[o->type].class == MSGC_BULK)
			queued++;
	return queued < credits ? credits - queued : 0;
}

void
out_forget(const struct chan *c)
{
	struct out *o, *next;

	for (o = STAILQ_FIRST(&queue); o != NULL; o = next) {
		next = STAILQ_NEXT(o, entry);
		if (o->chan != c)
			continue;
		STAILQ_REMOVE(&queue, o, out, entry);
		out_free(o);
	}
}

static void
out_deliver(struct out *o, bool ok)
{
	union msg m;

	if (chan_dead(o->chan))
		return;
	if (o->bytes.failed || msg_decode(o->type, wbuf_slice(&o->bytes), &m) == -1) {
		log_error("message out of bounds reason=%s", msg_name(o->type));
		return;
	}
	if (!ok) {
		send_error(o->chan, o->type, &m, "store.full");
		return;
	}
	if (chan_send(o->chan, o->type, &m, o->fd) == -1 && errno != EPIPE) {
		log_error("message not sent reason=%s: %s", msg_name(o->type), strerror(errno));
		send_error(o->chan, o->type, &m, "serverFail");
	}
	o->fd = -1;
}

static void
deliver_all(bool ok)
{
	struct out *o;

	while ((o = STAILQ_FIRST(&queue)) != NULL) {
		STAILQ_REMOVE_HEAD(&queue, entry);
		out_deliver(o, ok);
		out_free(o);
	}
}

void
out_flush(void)
{
	deliver_all(true);
}

void
out_fail(void)
{
	deliver_all(false);
}

/* ---- answers ---- */
void
out_set_error(struct asker a, const char *error, const char *property, const char *description)
{
	struct msg_set_done m = { .req = a.req, .error = slice_str(error), .property = slice_str(property),
		.description = slice_str(description), .epoch = store.epoch };

	out_send(a.chan, MSG_set_done, &m, -1);
}

void
out_set_done(struct asker a, uint32_t account, enum obj_type type, uint64_t old_state, struct msg_set_done m)
{
	m.req = a.req;
	m.epoch = store.epoch;
	m.old_state = old_state;
	m.new_state = changes_state(account, type);
	out_send(a.chan, MSG_set_done, &m, -1);
}
