#include "address.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

struct range4 {
	uint32_t net;
	unsigned int bits;
	enum address_class class;
};

static const struct range4 ranges4[] = {
	{ 0x00000000, 8, ADDRESS_NEVER },	/* this network; 0.0.0.0 reaches ourselves */
	{ 0x0a000000, 8, ADDRESS_PRIVATE },	/* 10/8 */
	{ 0x64400000, 10, ADDRESS_PRIVATE },	/* 100.64/10, carrier NAT */
	{ 0x7f000000, 8, ADDRESS_PRIVATE },	/* loopback */
	{ 0xa9fe0000, 16, ADDRESS_PRIVATE },	/* 169.254/16, link-local and cloud metadata */
	{ 0xac100000, 12, ADDRESS_PRIVATE },	/* 172.16/12 */
	{ 0xc0000000, 24, ADDRESS_PRIVATE },	/* 192.0.0/24, protocol assignments */
	{ 0xc0000200, 24, ADDRESS_PRIVATE },	/* 192.0.2/24, documentation */
	{ 0xc0586300, 24, ADDRESS_PRIVATE },	/* 192.88.99/24, 6to4 relays */
	{ 0xc0a80000, 16, ADDRESS_PRIVATE },	/* 192.168/16 */
	{ 0xc6120000, 15, ADDRESS_PRIVATE },	/* 198.18/15, benchmarks */
	{ 0xc6336400, 24, ADDRESS_PRIVATE },	/* 198.51.100/24, documentation */
	{ 0xcb007100, 24, ADDRESS_PRIVATE },	/* 203.0.113/24, documentation */
	{ 0xe0000000, 3, ADDRESS_NEVER },	/* multicast, reserved, broadcast */
};

enum v6_rule { V6_CLASS, V6_EMBEDDED };

struct range6 {
	uint8_t net[16];
	unsigned int bits;
	enum v6_rule rule;
	enum address_class class;	/* V6_CLASS */
	unsigned int at;		/* V6_EMBEDDED: where the IPv4 address starts */
};

/* First match wins; what none matches is not global unicast. */
static const struct range6 ranges6[] = {
	{ { 0 }, 128, V6_CLASS, ADDRESS_NEVER, 0 },				/* :: */
	{ { [15] = 1 }, 128, V6_CLASS, ADDRESS_PRIVATE, 0 },			/* ::1 */
	{ { [10] = 0xff, [11] = 0xff }, 96, V6_EMBEDDED, 0, 12 },		/* ::ffff:0:0/96 */
	{ { 0 }, 96, V6_CLASS, ADDRESS_NEVER, 0 },				/* ::/96, withdrawn */
	{ { 0x00, 0x64, 0xff, 0x9b }, 96, V6_EMBEDDED, 0, 12 },			/* NAT64 */
	{ { 0x20, 0x02 }, 16, V6_EMBEDDED, 0, 2 },				/* 6to4 */
	{ { 0x20, 0x01 }, 23, V6_CLASS, ADDRESS_PRIVATE, 0 },			/* Teredo, ORCHID, benchmarks */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32, V6_CLASS, ADDRESS_PRIVATE, 0 },	/* documentation */
	{ { 0x3f, 0xff }, 20, V6_CLASS, ADDRESS_PRIVATE, 0 },			/* documentation */
	{ { 0xff }, 8, V6_CLASS, ADDRESS_NEVER, 0 },				/* multicast */
	{ { 0x20 }, 3, V6_CLASS, ADDRESS_PUBLIC, 0 },				/* 2000::/3 */
};

static enum address_class
class4(uint32_t ip)
{
	for (size_t i = 0; i < sizeof(ranges4) / sizeof(ranges4[0]); i++)
		if (((ip ^ ranges4[i].net) >> (32 - ranges4[i].bits)) == 0)
			return ranges4[i].class;
	return ADDRESS_PUBLIC;
}

static uint32_t
be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool
prefix_eq(const uint8_t *a, const uint8_t *b, unsigned int bits)
{
	unsigned int whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

static enum address_class
class6(const uint8_t *ip)
{
	for (size_t i = 0; i < sizeof(ranges6) / sizeof(ranges6[0]); i++) {
		if (!prefix_eq(ip, ranges6[i].net, ranges6[i].bits))
			continue;
		return ranges6[i].rule == V6_EMBEDDED ? class4(be32(ip + ranges6[i].at)) : ranges6[i].class;
	}
	return ADDRESS_PRIVATE;
}

enum address_class
address_class(const union address *a)
{
	if (a->sa.sa_family == AF_INET)
		return class4(ntohl(a->in.sin_addr.s_addr));
	if (a->sa.sa_family == AF_INET6)
		return class6(a->in6.sin6_addr.s6_addr);
	return ADDRESS_NEVER;
}

bool
address_loopback(const union address *a)
{
	const uint8_t *ip = a->in6.sin6_addr.s6_addr;

	if (a->sa.sa_family == AF_INET)
		return ntohl(a->in.sin_addr.s_addr) >> 24 == 127;
	if (a->sa.sa_family != AF_INET6)
		return false;
	if (IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr))
		return ip[12] == 127;
	return IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
}

int
address_literal(const char *host, union address *a)
{
	memset(a, 0, sizeof(*a));
	if (inet_pton(AF_INET, host, &a->in.sin_addr) == 1) {
		a->sa.sa_family = AF_INET;
		return 0;
	}
	if (inet_pton(AF_INET6, host, &a->in6.sin6_addr) == 1) {
		a->sa.sa_family = AF_INET6;
		return 0;
	}
	return -1;
}

void
address_set_port(union address *a, in_port_t port)
{
	if (a->sa.sa_family == AF_INET6)
		a->in6.sin6_port = htons(port);
	else
		a->in.sin_port = htons(port);
}

socklen_t
address_len(const union address *a)
{
	return a->sa.sa_family == AF_INET6 ? sizeof(a->in6) : sizeof(a->in);
}

void
address_text(const union address *a, char *dst, size_t size)
{
	const void *ip = a->sa.sa_family == AF_INET6 ? (const void *)&a->in6.sin6_addr : &a->in.sin_addr;

	if (inet_ntop(a->sa.sa_family, ip, dst, (socklen_t)size) == NULL && size > 0)
		dst[0] = '\0';
}

static bool
same_ip(const union address *a, const union address *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	if (a->sa.sa_family == AF_INET)
		return a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	return memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, 16) == 0;
}

void
address_add(struct address_list *list, const struct sockaddr *sa)
{
	union address a = { 0 };

	if (sa->sa_family == AF_INET)
		memcpy(&a.in, sa, sizeof(a.in));
	else if (sa->sa_family == AF_INET6)
		memcpy(&a.in6, sa, sizeof(a.in6));
	else
		return;
	for (size_t i = 0; i < list->n; i++)
		if (same_ip(&list->a[i], &a))
			return;
	if (list->n < LIM_DIAL_ADDRESSES)
		list->a[list->n++] = a;
}

/* The next address of that family and class at or after *at, or NULL. */
static const union address *
next_of(const struct address_list *in, size_t *at, int family, enum address_class worst)
{
	for (; *at < in->n; (*at)++)
		if (in->a[*at].sa.sa_family == family && address_class(&in->a[*at]) <= worst)
			return &in->a[(*at)++];
	return NULL;
}

void
address_pick(const struct address_list *in, bool private_ok, struct address_list *out)
{
	enum address_class worst = private_ok ? ADDRESS_PRIVATE : ADDRESS_PUBLIC;
	const union address *six, *four;
	size_t at6 = 0, at4 = 0;

	*out = (struct address_list){ 0 };
	for (size_t i = 0; i < in->n; i++)
		if (address_class(&in->a[i]) == ADDRESS_PUBLIC)
			worst = ADDRESS_PUBLIC;
	do {
		if ((six = next_of(in, &at6, AF_INET6, worst)) != NULL)
			out->a[out->n++] = *six;
		if ((four = next_of(in, &at4, AF_INET, worst)) != NULL)
			out->a[out->n++] = *four;
	} while (six != NULL || four != NULL);
}
