/* The address policy: every border of every range, and the dialing order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "address.h"

#define PUB ADDRESS_PUBLIC
#define PRIV ADDRESS_PRIVATE
#define NEVER ADDRESS_NEVER

static const struct {
	const char *ip;
	enum address_class class;
} borders[] = {
	{ "0.0.0.0", NEVER }, { "0.255.255.255", NEVER }, { "1.0.0.0", PUB },
	{ "9.255.255.255", PUB }, { "10.0.0.0", PRIV }, { "10.255.255.255", PRIV }, { "11.0.0.0", PUB },
	{ "100.63.255.255", PUB }, { "100.64.0.0", PRIV }, { "100.127.255.255", PRIV }, { "100.128.0.0", PUB },
	{ "126.255.255.255", PUB }, { "127.0.0.0", PRIV }, { "127.0.0.1", PRIV }, { "127.255.255.255", PRIV },
	{ "128.0.0.0", PUB },
	{ "169.253.255.255", PUB }, { "169.254.0.0", PRIV }, { "169.254.169.254", PRIV }, { "169.254.255.255", PRIV },
	{ "169.255.0.0", PUB },
	{ "172.15.255.255", PUB }, { "172.16.0.0", PRIV }, { "172.31.255.255", PRIV }, { "172.32.0.0", PUB },
	{ "191.255.255.255", PUB }, { "192.0.0.0", PRIV }, { "192.0.0.255", PRIV }, { "192.0.1.0", PUB },
	{ "192.0.1.255", PUB }, { "192.0.2.0", PRIV }, { "192.0.2.255", PRIV }, { "192.0.3.0", PUB },
	{ "192.88.98.255", PUB }, { "192.88.99.0", PRIV }, { "192.88.99.255", PRIV }, { "192.88.100.0", PUB },
	{ "192.167.255.255", PUB }, { "192.168.0.0", PRIV }, { "192.168.255.255", PRIV }, { "192.169.0.0", PUB },
	{ "198.17.255.255", PUB }, { "198.18.0.0", PRIV }, { "198.19.255.255", PRIV }, { "198.20.0.0", PUB },
	{ "198.51.99.255", PUB }, { "198.51.100.0", PRIV }, { "198.51.100.255", PRIV }, { "198.51.101.0", PUB },
	{ "203.0.112.255", PUB }, { "203.0.113.0", PRIV }, { "203.0.113.255", PRIV }, { "203.0.114.0", PUB },
	{ "223.255.255.255", PUB }, { "224.0.0.0", NEVER }, { "239.255.255.255", NEVER }, { "240.0.0.0", NEVER },
	{ "255.255.255.255", NEVER },

	{ "::", NEVER }, { "::1", PRIV }, { "::2", NEVER }, { "::7f00:1", NEVER }, { "::1:0:0", PRIV },
	{ "::ffff:8.8.8.8", PUB }, { "::ffff:127.0.0.1", PRIV }, { "::ffff:10.1.2.3", PRIV },
	{ "::ffff:0.0.0.0", NEVER }, { "::ffff:224.0.0.1", NEVER }, { "::ffff:100.64.0.1", PRIV },
	{ "::fffe:8.8.8.8", PRIV }, { "::1:0:0:0", PRIV },
	{ "64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff", PRIV }, { "64:ff9b::8.8.8.8", PUB }, { "64:ff9b::10.0.0.1", PRIV },
	{ "64:ff9b::1:0:0", PRIV }, { "64:ff9b:1::8.8.8.8", PRIV },
	{ "100::", PRIV }, { "1fff:ffff::", PRIV },
	{ "2000::", PUB }, { "2000:ffff:ffff::", PUB }, { "2001::", PRIV }, { "2001:1ff:ffff::", PRIV },
	{ "2001:200::", PUB }, { "2001:db7:ffff::", PUB }, { "2001:db8::", PRIV }, { "2001:db8:ffff:ffff::", PRIV },
	{ "2001:db9::", PUB },
	{ "2001:ffff::", PUB }, { "2002:808:808::", PUB }, { "2002:7f00:1::", PRIV }, { "2002:a00:1::", PRIV },
	{ "2002:e000:1::", NEVER }, { "2003::", PUB },
	{ "2a00:1450::1", PUB }, { "3ffe:ffff::", PUB }, { "3fff::", PRIV }, { "3fff:fff:ffff::", PRIV },
	{ "3fff:1000::", PUB }, { "3fff:ffff::", PUB }, { "4000::", PRIV }, { "5f00::", PRIV },
	{ "fbff::", PRIV }, { "fc00::", PRIV }, { "fdff:ffff::", PRIV }, { "fe00::", PRIV }, { "fe80::1", PRIV },
	{ "febf:ffff::", PRIV }, { "fec0::", PRIV }, { "feff:ffff::", PRIV }, { "ff00::", NEVER }, { "ff02::1", NEVER },
	{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NEVER },
};

static union address
addr(const char *ip)
{
	union address a;

	assert_int_equal(address_literal(ip, &a), 0);
	return a;
}

static void
test_borders(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(borders) / sizeof(borders[0]); i++) {
		union address a = addr(borders[i].ip);

		if (address_class(&a) != borders[i].class)
			fail_msg("%s is class %d", borders[i].ip, (int)address_class(&a));
	}
}

static void
test_loopback(void **state)
{
	static const char *const yes[] = { "127.0.0.1", "127.255.0.1", "::1", "::ffff:127.0.0.1" };
	static const char *const no[] = { "126.255.255.255", "128.0.0.1", "::2", "::ffff:128.0.0.1", "::7f00:1",
		"10.0.0.1", "2001:db8::1" };
	union address a;

	(void)state;
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		a = addr(yes[i]);
		assert_true(address_loopback(&a));
	}
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		a = addr(no[i]);
		assert_false(address_loopback(&a));
	}
	a = (union address){ .sa.sa_family = AF_UNIX };
	assert_false(address_loopback(&a));
	assert_int_equal(address_class(&a), ADDRESS_NEVER);
}

static void
test_literals(void **state)
{
	static const char *const bad[] = { "", "mail.example.org", "1.2.3", "1.2.3.256", "[::1]", "fe80::1%lo", "0x7f.1",
		"127.1", "1.2.3.4 ", "::1::" };
	union address a;
	char text[INET6_ADDRSTRLEN];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(address_literal(bad[i], &a), -1);
	a = addr("2001:DB8:0::1");
	address_text(&a, text, sizeof(text));
	assert_string_equal(text, "2001:db8::1");
	address_set_port(&a, 993);
	assert_int_equal(ntohs(a.in6.sin6_port), 993);
}

static struct address_list
list_of(const char *const *ips)
{
	struct address_list list = { 0 };

	for (; *ips != NULL; ips++) {
		union address a = addr(*ips);

		address_add(&list, &a.sa);
	}
	return list;
}

static void
expect(const char *const *in, bool private_ok, const char *const *want)
{
	struct address_list from = list_of(in), got;
	char text[INET6_ADDRSTRLEN];
	size_t n = 0;

	address_pick(&from, private_ok, &got);
	for (; want[n] != NULL; n++) {
		assert_true(n < got.n);
		address_text(&got.a[n], text, sizeof(text));
		assert_string_equal(text, want[n]);
	}
	assert_int_equal(got.n, n);
}

#define L(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define NONE ((const char *const[]){ NULL })

static void
test_pick(void **state)
{
	(void)state;
	expect(NONE, true, NONE);
	expect(L("127.0.0.1"), false, NONE);
	expect(L("127.0.0.1", "::1"), true, L("::1", "127.0.0.1"));
	expect(L("0.0.0.0", "224.0.0.1", "::"), true, NONE);
	/* A public address beside a private one: the private one is a trick or a mistake. */
	expect(L("10.0.0.1", "8.8.8.8"), true, L("8.8.8.8"));
	expect(L("10.0.0.1", "8.8.8.8", "::1"), false, L("8.8.8.8"));
	expect(L("8.8.8.1", "8.8.8.2", "8.8.8.3", "2a00::1", "2a00::2"), false,
	    L("2a00::1", "8.8.8.1", "2a00::2", "8.8.8.2", "8.8.8.3"));
}

/* limit: LIM_DIAL_ADDRESSES: what comes after them is not tried. */
static void
test_list_bounds(void **state)
{
	struct address_list list = { 0 };
	struct sockaddr_storage other = { .ss_family = AF_UNIX };

	(void)state;
	address_add(&list, (struct sockaddr *)&other);
	assert_int_equal(list.n, 0);
	for (uint32_t i = 0; i < 2 * LIM_DIAL_ADDRESSES + 2; i++) {
		struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x08080800 + i / 2) };

		address_add(&list, (struct sockaddr *)&in);
		assert_int_equal(list.n, i / 2 < LIM_DIAL_ADDRESSES ? i / 2 + 1 : LIM_DIAL_ADDRESSES);
	}
	for (size_t i = 0; i < list.n; i++)
		assert_int_equal(ntohl(list.a[i].in.sin_addr.s_addr), 0x08080800 + i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_borders),
		cmocka_unit_test(test_loopback),
		cmocka_unit_test(test_literals),
		cmocka_unit_test(test_pick),
		cmocka_unit_test(test_list_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
