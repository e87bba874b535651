/*
 * address.h - which addresses may be dialed, and in which order.
 *
 * A mail provider lives at a public address. Everything else (loopback,
 * private and shared ranges, link-local, tunnels that hide an IPv4 address,
 * documentation) is refused unless the configuration allows private addresses
 * for that host; a few ranges are never dialed. Ranges: the IANA special
 * purpose registries, RFC 6890 and later.
 */
#ifndef DIALER_ADDRESS_H
#define DIALER_ADDRESS_H

#include "limits.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

enum address_class {
	ADDRESS_PUBLIC,
	ADDRESS_PRIVATE,	/* only with PEER_PRIVATE_OK */
	ADDRESS_NEVER		/* unspecified, multicast, reserved */
};

union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

struct address_list {
	union address a[LIM_DIAL_ADDRESSES];
	size_t n;
};

/* Other families than IPv4 and IPv6 are ADDRESS_NEVER. */
enum address_class address_class(const union address *);
bool address_loopback(const union address *);

/* An IP literal as inet_pton takes it, no brackets, no zone. 0 or -1. */
int address_literal(const char *host, union address *);
void address_set_port(union address *, in_port_t port);	/* host order */
socklen_t address_len(const union address *);
/* "192.0.2.1" or "2001:db8::1"; size at least INET6_ADDRSTRLEN. */
void address_text(const union address *, char *, size_t);

/* Add a copy if it is IPv4 or IPv6, not there yet, and there is room. */
void address_add(struct address_list *, const struct sockaddr *);

/*
 * What of in may be dialed, families taking turns and IPv6 first (RFC 8305
 * s. 4). When there is a public address, only public ones are taken. An empty
 * result of a non-empty list means: blocked.
 */
void address_pick(const struct address_list *in, bool private_ok, struct address_list *out);

#endif
