/*
 * stream.c - reading and writing the stream with libevent.
 */
#include "stream.h"
#include "log.h"
#include "loop.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <string.h>
#include <unistd.h>

void
stream_init(struct stream *s, const struct stream_ops *ops, void *ctx)
{
	memset(s, 0, sizeof(*s));
	s->fd = -1;
	s->ops = ops;
	s->ctx = ctx;
	if ((s->out = evbuffer_new()) == NULL)
		fatal("out of memory");
	imap_frame_init(&s->frame, &imap_limits_default);
}

bool
stream_is_open(const struct stream *s)
{
	return s->fd != -1;
}

void
stream_close(struct stream *s)
{
	if (s->fd == -1)
		return;
	event_free(s->read);
	event_free(s->write);
	s->read = s->write = NULL;
	close(s->fd);
	s->fd = -1;
	evbuffer_drain(s->out, evbuffer_get_length(s->out));
	imap_frame_free(&s->frame);
	s->in_off = s->in_n = 0;
}

void
stream_free(struct stream *s)
{
	stream_close(s);
	imap_frame_free(&s->frame);
	evbuffer_free(s->out);
}

static void
end(struct stream *s, const char *reason)
{
	stream_close(s);
	s->ops->on_end(s->ctx, reason);
}

/* Hand over what is in the buffer, one response after the other. */
static void
deliver(struct stream *s)
{
	size_t used;

	while (s->fd != -1 && s->in_off < s->in_n && !s->ops->blocked(s->ctx)) {
		switch (imap_frame_feed(&s->frame, s->in + s->in_off, s->in_n - s->in_off, &used)) {
		case IMAP_FRAME_BAD:
			end(s, s->frame.error);
			return;
		case IMAP_FRAME_DONE:
			s->in_off += used;
			s->ops->on_response(s->ctx, s->frame.text.p, s->frame.text.n);
			if (s->fd != -1)
				imap_frame_next(&s->frame);
			break;
		default:
			s->in_off += used;
		}
	}
}

/* Read once per readiness: the channel to the store gets its turn between. */
static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = arg;
	ssize_t n;

	(void)what;
	if (s->in_off == s->in_n && !s->ops->blocked(s->ctx)) {
		n = read(fd, s->in, sizeof(s->in));
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			end(s, NULL);
			return;
		}
		s->in_off = 0;
		s->in_n = (size_t)n;
		s->moved += (size_t)n;
	}
	stream_kick(s);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = arg;
	int n = evbuffer_write(s->out, fd);

	(void)what;
	if (n == -1 && errno != EAGAIN && errno != EINTR) {
		end(s, NULL);
		return;
	}
	s->moved += n > 0 ? (uint64_t)n : 0;
	if (evbuffer_get_length(s->out) == 0)
		event_del(s->write);
}

void
stream_open(struct stream *s, int fd)
{
	stream_close(s);
	imap_frame_init(&s->frame, &imap_limits_default);
	if (evutil_make_socket_nonblocking(fd) == -1 ||
	    (s->read = event_new(loop_base(), fd, EV_READ | EV_PERSIST, on_readable, s)) == NULL ||
	    (s->write = event_new(loop_base(), fd, EV_WRITE | EV_PERSIST, on_writable, s)) == NULL)
		fatal("no memory for the stream");
	s->fd = fd;
	stream_kick(s);
}

/* Delivery may end in here again (a row gives a command, a command a kick). */
void
stream_kick(struct stream *s)
{
	if (s->reading || s->fd == -1)
		return;
	s->reading = true;
	deliver(s);
	if (s->fd != -1)
		s->ops->on_turn_end(s->ctx);
	s->reading = false;
	if (s->fd == -1)
		return;
	if (evbuffer_get_length(s->out) > 0)
		event_add(s->write, NULL);
	if (s->ops->blocked(s->ctx))
		event_del(s->read);
	else
		event_add(s->read, NULL);
}
