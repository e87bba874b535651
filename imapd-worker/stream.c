/*
 * stream.c - reading and writing the stream with libevent.
 */
#include "stream.h"
#include "log.h"
#include "limits.h"
#include "loop.h"
#include "zip.h"

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
	if ((s->out = evbuffer_new()) == NULL || (s->packed = evbuffer_new()) == NULL)
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
	evbuffer_drain(s->packed, evbuffer_get_length(s->packed));
	zip_free(s->zip);
	s->zip = NULL;
	imap_frame_free(&s->frame);
	s->in_off = s->in_n = 0;
}

void
stream_free(struct stream *s)
{
	stream_close(s);
	imap_frame_free(&s->frame);
	evbuffer_free(s->out);
	evbuffer_free(s->packed);
}

static void
end(struct stream *s, const char *reason)
{
	stream_close(s);
	s->ops->on_end(s->ctx, reason);
}

void
stream_compress(struct stream *s)
{
	if (s->fd == -1 || s->zip != NULL)
		return;
	s->zip = zip_new(s->in + s->in_off, s->in_n - s->in_off);
	s->in_off = s->in_n = 0;
}

/* The next piece of what was read compressed. False: there is none, or the end. */
static bool
unpack(struct stream *s)
{
	long n;

	if (s->zip == NULL || !zip_pending(s->zip))
		return false;
	if ((n = zip_inflate(s->zip, s->in, sizeof(s->in))) == -1) {
		end(s, "compressed bytes that are none");
		return false;
	}
	s->in_off = 0;
	s->in_n = (size_t)n;
	return n > 0;
}

/* Hand over what is in the buffer, one response after the other. Few bytes may
 * become many: others get their turn in between. */
static void
deliver(struct stream *s)
{
	unsigned int pieces = 0;
	size_t used;

	while (s->fd != -1 && !s->ops->blocked(s->ctx)) {
		if (s->in_off == s->in_n && (pieces++ == LIM_INFLATE_TURN || !unpack(s)))
			return;
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
	if (s->in_off == s->in_n && !s->ops->blocked(s->ctx) && (s->zip == NULL || !zip_pending(s->zip))) {
		n = read(fd, s->zip != NULL ? zip_space(s->zip) : s->in, STREAM_READ);
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			end(s, NULL);
			return;
		}
		s->in_off = s->in_n = 0;
		if (s->zip != NULL)
			zip_filled(s->zip, (size_t)n);
		else
			s->in_n = (size_t)n;
		s->moved += (size_t)n;
	}
	stream_kick(s);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = arg;
	struct evbuffer *out = s->zip != NULL ? s->packed : s->out;
	int n;

	(void)what;
	if (s->zip != NULL && evbuffer_get_length(out) == 0)
		zip_deflate(s->zip, s->out, out);
	n = evbuffer_write(out, fd);
	if (n == -1 && errno != EAGAIN && errno != EINTR) {
		end(s, NULL);
		return;
	}
	s->moved += n > 0 ? (uint64_t)n : 0;
	if (evbuffer_get_length(s->out) + evbuffer_get_length(s->packed) == 0)
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
	if (s->ops->blocked(s->ctx)) {
		event_del(s->read);
		return;
	}
	event_add(s->read, NULL);
	if (s->zip != NULL && zip_pending(s->zip))
		event_active(s->read, EV_READ, 0);
}
