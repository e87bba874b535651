/*
 * delay.c - a proxy that keeps every byte for a while and is in nobody's way otherwise.
 *
 *   delay MILLISECONDS PORT	connects to 127.0.0.1:PORT for each client; prints the port it listens on
 *
 * Each direction is a queue of what was read, with the time at which it may leave. Reading never waits for
 * writing but at LINE_MAX bytes under way, far more than a fast line holds in that time.
 */
#include <sys/queue.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX (256u << 20)
#define CHUNK (256u << 10)
#define PAIRS 64

struct chunk {
	STAILQ_ENTRY(chunk) entry;
	uint64_t due;			/* nanoseconds */
	size_t n, sent;
	uint8_t data[];
};

/* From one socket to another. */
struct line {
	int from, to;
	STAILQ_HEAD(, chunk) chunks;
	size_t under_way;
	bool ended, stuck;		/* nothing more to read; the other side is full */
};

struct pair {
	bool used;
	struct line line[2];
};

static struct pair pairs[PAIRS];
static uint64_t delay;

static uint64_t
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void
no_wait(int fd)
{
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

/* Only what there is: a short read does not mean an end. */
static void
line_read(struct line *l)
{
	struct chunk *c = malloc(sizeof(*c) + CHUNK);
	ssize_t n;

	if (c == NULL)
		err(1, "malloc");
	n = recv(l->from, c->data, CHUNK, MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
		free(c);
		return;
	}
	l->ended = n <= 0;
	c->n = n > 0 ? (size_t)n : 0;	/* an end travels as a chunk of nothing */
	c->sent = 0;
	c->due = now() + delay;
	l->under_way += c->n;
	if ((c = realloc(c, sizeof(*c) + c->n)) == NULL)
		err(1, "realloc");
	STAILQ_INSERT_TAIL(&l->chunks, c, entry);
}

/* Writes what is due. */
static void
line_write(struct line *l, uint64_t at)
{
	struct chunk *c;
	ssize_t n;

	l->stuck = false;
	while ((c = STAILQ_FIRST(&l->chunks)) != NULL && c->due <= at) {
		n = send(l->to, c->data + c->sent, c->n - c->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n == -1 && errno == EAGAIN) {
			l->stuck = true;
			return;
		}
		if (c->n == 0)
			shutdown(l->to, SHUT_WR);
		c->sent += n > 0 ? (size_t)n : 0;
		if (n != -1 && c->sent < c->n)
			continue;
		l->under_way -= c->n;	/* sent, or nobody is there to take it */
		STAILQ_REMOVE_HEAD(&l->chunks, entry);
		free(c);
	}
}

static bool
line_done(const struct line *l)
{
	return l->ended && STAILQ_EMPTY(&l->chunks);
}

static void
pair_open(int client, uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int server = socket(AF_INET, SOCK_STREAM, 0);
	struct pair *p = pairs;

	while (p < pairs + PAIRS && p->used)
		p++;
	if (p == pairs + PAIRS || server == -1 || connect(server, (struct sockaddr *)&to, sizeof(to)) == -1) {
		warn("a client is turned away");
		close(client);
		close(server);
		return;
	}
	no_wait(client);
	no_wait(server);
	*p = (struct pair){ .used = true,
		.line = { { .from = client, .to = server }, { .from = server, .to = client } } };
	STAILQ_INIT(&p->line[0].chunks);
	STAILQ_INIT(&p->line[1].chunks);
}

static void
pair_close(struct pair *p)
{
	close(p->line[0].from);
	close(p->line[0].to);
	p->used = false;
}

static int
listen_on(uint16_t *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd == -1 || bind(fd, (struct sockaddr *)&at, n) == -1 || listen(fd, 64) == -1 ||
	    getsockname(fd, (struct sockaddr *)&at, &n) == -1)
		err(1, "listen");
	*port = ntohs(at.sin_port);
	return fd;
}

/* What to wait for: a socket is read while its line has room, and written when it was full. */
static nfds_t
gather(struct pollfd *fds, int listener, uint64_t *due)
{
	nfds_t n = 0;

	*due = UINT64_MAX;
	fds[n++] = (struct pollfd){ .fd = listener, .events = POLLIN };
	for (struct pair *p = pairs; p < pairs + PAIRS; p++) {
		for (int i = 0; p->used && i < 2; i++) {
			const struct line *in = &p->line[i], *out = &p->line[1 - i];
			const struct chunk *first = STAILQ_FIRST(&in->chunks);
			bool room = !in->ended && in->under_way < LINE_MAX;

			fds[n++] = (struct pollfd){ .fd = room || out->stuck ? in->from : -1,
				.events = (short)((room ? POLLIN : 0) | (out->stuck ? POLLOUT : 0)) };
			if (first != NULL && !in->stuck && first->due < *due)
				*due = first->due;
		}
	}
	return n;
}

static void
serve(const struct pollfd *fds, const bool *was_used)
{
	nfds_t n = 1;

	for (struct pair *p = pairs; p < pairs + PAIRS; p++) {
		if (!was_used[p - pairs])
			continue;
		for (int i = 0; i < 2; i++, n++)
			if ((fds[n].events & POLLIN) != 0 && (fds[n].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
				line_read(&p->line[i]);
		line_write(&p->line[0], now());
		line_write(&p->line[1], now());
		if (line_done(&p->line[0]) && line_done(&p->line[1]))
			pair_close(p);
	}
}

int
main(int argc, char **argv)
{
	struct pollfd fds[1 + 2 * PAIRS];
	bool was_used[PAIRS];
	struct timespec wait;
	uint16_t port, own;
	uint64_t due, at;
	nfds_t n;
	int listener, client;

	if (argc != 3)
		errx(1, "usage: delay MILLISECONDS PORT");
	delay = strtoul(argv[1], NULL, 10) * 1000000;
	port = (uint16_t)strtoul(argv[2], NULL, 10);
	listener = listen_on(&own);
	printf("%u\n", own);
	fflush(stdout);
	for (;;) {
		n = gather(fds, listener, &due);
		at = now();
		wait = (struct timespec){ .tv_sec = due > at ? (time_t)((due - at) / 1000000000) : 0,
			.tv_nsec = due > at ? (long)((due - at) % 1000000000) : 0 };
		if (ppoll(fds, n, due == UINT64_MAX ? NULL : &wait, NULL) == -1 && errno != EINTR)
			err(1, "ppoll");
		for (int i = 0; i < PAIRS; i++)
			was_used[i] = pairs[i].used;
		if ((fds[0].revents & POLLIN) != 0 && (client = accept(listener, NULL, NULL)) != -1)
			pair_open(client, port);
		serve(fds, was_used);
	}
}
