#include "copy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One chunk is under way at a time in a process: one buffer serves all. */
static uint8_t chunk[COPY_CHUNK];

static int
flow_keep(struct copy_flow *f, const uint8_t *p, size_t n)
{
	if (n == 0)
		return 0;
	if ((f->kept = malloc(n)) == NULL)
		return -1;
	memcpy(f->kept, p, n);
	f->at = 0;
	f->n = n;
	return 0;
}

static void
flow_drop(struct copy_flow *f)
{
	free(f->kept);
	f->kept = NULL;
	f->at = f->n = 0;
}

int
copy_init(struct copy *c, struct link *link, int plain, struct slice rest)
{
	*c = (struct copy){ .link = link, .plain = plain };
	link_read_ahead(link, COPY_CHUNK);
	return flow_keep(&c->down, rest.p, rest.n);
}

void
copy_free(struct copy *c)
{
	flow_drop(&c->up);
	flow_drop(&c->down);
}

static ssize_t
plain_result(ssize_t r)
{
	if (r >= 0)
		return r;
	return errno == EAGAIN || errno == EINTR ? LINK_AGAIN : LINK_ERROR;
}

/* Record by record, as many as are there. An end or an error comes again. */
static ssize_t
take_records(struct link *l)
{
	size_t n = 0;
	ssize_t r = 0;

	while (n < sizeof(chunk) && (r = link_read(l, chunk + n, sizeof(chunk) - n)) > 0)
		n += (size_t)r;
	return n > 0 ? (ssize_t)n : r;
}

static ssize_t
take(struct copy *c, bool up)
{
	return up ? plain_result(read(c->plain, chunk, sizeof(chunk))) : take_records(c->link);
}

static ssize_t
give(struct copy *c, bool up, const uint8_t *p, size_t n)
{
	return up ? link_write(c->link, p, n) : plain_result(write(c->plain, p, n));
}

/* How much of p the receiver took; -1 when it is gone. */
static ssize_t
give_all(struct copy *c, bool up, const uint8_t *p, size_t n)
{
	size_t done = 0;
	ssize_t r = 0;

	while (done < n && (r = give(c, up, p + done, n - done)) > 0)
		done += (size_t)r;
	return r == LINK_ERROR ? -1 : (ssize_t)done;
}

/* 1 nothing kept any more, 0 still kept, -1 the receiver is gone. */
static int
flush(struct copy *c, bool up, struct copy_flow *f)
{
	ssize_t r;

	if (f->kept == NULL)
		return 1;
	if ((r = give_all(c, up, f->kept + f->at, f->n - f->at)) == -1)
		return -1;
	f->at += (size_t)r;
	if (f->at < f->n)
		return 0;
	flow_drop(f);
	return 1;
}

/* 1: stopped by the round limit, 0: blocked or ended, -1: receiver gone. */
static int
flow_run(struct copy *c, bool up, struct copy_flow *f)
{
	ssize_t n, done;
	int r;

	for (int round = 0; round < LIM_COPY_ROUNDS; round++) {
		if ((r = flush(c, up, f)) != 1)
			return r;
		if (f->ended || (n = take(c, up)) == LINK_AGAIN)
			return 0;
		if (n <= 0) {
			f->ended = true;
			return 0;
		}
		if ((done = give_all(c, up, chunk, (size_t)n)) == -1 ||
		    flow_keep(f, chunk + done, (size_t)(n - done)) == -1)
			return -1;
	}
	return 1;
}

enum copy_state
copy_pump(struct copy *c, struct copy_wants *w)
{
	bool wr, rw;
	int up, down;

	*w = (struct copy_wants){ 0 };
	down = flow_run(c, false, &c->down);
	rw = c->link->read_wants_write;
	up = flow_run(c, true, &c->up);
	wr = c->up.kept != NULL && c->link->write_wants_read;
	if (up == -1 || down == -1)
		return COPY_OVER;
	/* The worker left, or the server: its end is read behind its last bytes. */
	if (c->up.ended || c->down.ended)
		return COPY_OVER;
	w->again = up == 1 || down == 1 || (c->down.kept == NULL && link_pending(c->link));
	w->link_read = c->down.kept == NULL || wr;
	w->link_write = (c->up.kept != NULL && !wr) || rw;
	w->plain_read = c->up.kept == NULL;
	w->plain_write = c->down.kept != NULL;
	return COPY_OPEN;
}
