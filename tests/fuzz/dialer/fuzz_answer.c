/*
 * A hostile resolver: its answers to our queries, by way of c-ares, and what
 * of them is dialed. Without permission no private address may come out. The
 * input is one datagram after another, each u8 length and bytes; the number of
 * the query is put in front.
 */
#include "../clock.h"
#include "../feed.h"

#include <errno.h>
#include <event2/event.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* The resolver's channel is private to this file. */
#include "../../../dialer/resolve.c"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static int far_end = -1;	/* of the newest socket of c-ares */
static unsigned int answered;

static ares_socket_t
open_socket(int family, int type, int protocol, void *arg)
{
	int sv[2];

	(void)family;
	(void)protocol;
	(void)arg;
	if (far_end != -1)
		close(far_end);
	far_end = -1;
	if (socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, sv) == -1)
		return -1;
	far_end = sv[1];
	return sv[0];
}

static int
close_socket(ares_socket_t fd, void *arg)
{
	(void)arg;
	return close(fd);
}

static int
connect_socket(ares_socket_t fd, const struct sockaddr *sa, ares_socklen_t n, void *arg)
{
	(void)fd;
	(void)sa;
	(void)n;
	(void)arg;
	return 0;
}

/* Every datagram comes from the server that was asked. */
static ares_ssize_t
receive(ares_socket_t fd, void *p, size_t n, int flags, struct sockaddr *from, ares_socklen_t *len, void *arg)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(53) };

	(void)arg;
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (from != NULL && *len >= sizeof(in)) {
		memcpy(from, &in, sizeof(in));
		*len = sizeof(in);
	}
	return recv(fd, p, n, flags);
}

static ares_ssize_t
send_all(ares_socket_t fd, const struct iovec *iov, int n, void *arg)
{
	(void)arg;
	return writev(fd, iov, n);
}

static const struct ares_socket_functions functions = { open_socket, close_socket, connect_socket, receive, send_all };

/* Told apart once more, in another way: nets that no provider has. */
static bool
private_net(const uint8_t ip[4])
{
	return ip[0] == 0 || ip[0] == 10 || ip[0] == 127 || ip[0] >= 224 || (ip[0] == 192 && ip[1] == 168) ||
	    (ip[0] == 172 && ip[1] / 16 == 1) || (ip[0] == 169 && ip[1] == 254) || (ip[0] == 100 && ip[1] / 64 == 1);
}

static bool
surely_private(const union address *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff }, nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
	const uint8_t *ip = a->in6.sin6_addr.s6_addr;

	if (a->sa.sa_family == AF_INET)
		return private_net((const uint8_t *)&a->in.sin_addr.s_addr);
	if (memcmp(ip, mapped, 12) == 0 || memcmp(ip, nat64, 12) == 0)
		return private_net(ip + 12);
	if (ip[0] == 0x20 && ip[1] == 0x02)
		return private_net(ip + 2);
	return ip[0] / 32 != 1;	/* outside 2000::/3 */
}

static void
check_picked(const struct address_list *in, bool private_ok)
{
	struct address_list out;
	char text[INET6_ADDRSTRLEN];

	address_pick(in, private_ok, &out);
	feed_check(out.n <= in->n);
	for (size_t i = 0; i < out.n; i++) {
		enum address_class class = address_class(&out.a[i]);
		union address again;

		feed_check(class == ADDRESS_PUBLIC || (class == ADDRESS_PRIVATE && private_ok));
		feed_check(!surely_private(&out.a[i]) || private_ok);
		feed_check(!address_loopback(&out.a[i]) || private_ok);
		address_text(&out.a[i], text, sizeof(text));
		feed_check(address_literal(text, &again) == 0 && address_class(&again) == class);
	}
}

static void
on_addresses(void *arg, enum resolve_status status, const char *why, const struct address_list *list)
{
	(void)arg;
	answered++;
	feed_check(why != NULL && (status == RESOLVE_OK) == (list->n > 0));
	check_picked(list, false);
	check_picked(list, true);
}

/* The oldest query that waits gets these bytes under its own number. */
static void
reply(struct slice s)
{
	uint8_t query[512], packet[512];
	ssize_t n = far_end != -1 ? recv(far_end, query, sizeof(query), MSG_DONTWAIT) : -1;
	static uint8_t id[2];

	if (n >= 2)
		memcpy(id, query, 2);
	memcpy(packet, id, 2);
	if (s.n > 0)
		memcpy(packet + 2, s.p, s.n);
	if (far_end != -1)
		(void)send(far_end, packet, s.n + 2, MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)event_base_loop(loop_base(), EVLOOP_NONBLOCK);
}

static void
read_literal(const uint8_t *data, size_t size)
{
	char text[64];
	union address a;

	if (slice_copy(slice_mem(data, size < 63 ? size : 63), text, sizeof(text)) == 0 && address_literal(text, &a) == 0)
		(void)address_class(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feed f = feed_start(data, size);
	struct lookup *l;

	if (resolver == NULL) {
		resolve_init();
		ares_set_socket_functions(resolver, &functions, NULL);
		feed_check(ares_set_servers_csv(resolver, "127.0.0.1") == ARES_SUCCESS);
	}
	read_literal(data, size);
	clock_start();
	answered = 0;
	l = resolve_start("imap.example.org", on_addresses, NULL);
	while (f.n > 0 && answered == 0)
		reply(feed_raw(&f, feed_byte(&f), 255));
	if (answered == 0)
		resolve_forget(l);
	ares_cancel(resolver);
	feed_check(answered <= 1 && under_way == 0);
	(void)event_base_loop(loop_base(), EVLOOP_NONBLOCK);
	clock_on = false;
	return 0;
}
