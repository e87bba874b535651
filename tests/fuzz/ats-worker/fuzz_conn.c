/*
 * Two clients of a whole ats-worker, with a fake store behind it: any bytes in
 * any pieces, requests one behind the other, clients that close at any time.
 * In the input 0x01 ends a piece, 0x02 is the other client, 0x03 and 0x04 close
 * for writing and for good, 0x05 lets the store change something; 0x06 and 0x07
 * silence it and let it speak again.
 */
#include "worker.h"

#include <fcntl.h>

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static int clients[2] = { -1, -1 };

static void
drain(void)
{
	char sink[65536];

	turn(4);
	for (size_t i = 0; i < 2; i++)
		while (clients[i] != -1 && recv(clients[i], sink, sizeof(sink), MSG_DONTWAIT) > 0)
			turn(2);
}

static void
leave(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

static void
say(int *fd, const uint8_t *p, size_t n)
{
	if (*fd == -1)
		*fd = client_connect();
	(void)send(*fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	drain();
}

static void
control(uint8_t b, size_t *who)
{
	const struct msg_state_change change = { .account = 1, .type = OBJ_EMAIL, .epoch = FAKE_EPOCH, .state = ++fake.state };

	if (b == 2)
		*who = 1 - *who;
	else if (b == 3 && clients[*who] != -1)
		(void)shutdown(clients[*who], SHUT_WR);
	else if (b == 4)
		leave(&clients[*who]);
	else if (b == 5 && fake.chan != NULL)
		(void)send_state_change(fake.chan, &change);
	else if (b == 6)
		fake.hold = true;
	else if (b == 7 && fake.chan != NULL)
		fake_release();
	drain();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t who = 0, at = 0;

	fuzz_start();
	fake.hold = false;
	for (size_t i = 0; i <= size; i++) {
		if (i < size && (data[i] == 0 || data[i] > 7))
			continue;
		if (i > at)
			say(&clients[who], data + at, i - at);
		if (i < size)
			control(data[i], &who);
		at = i + 1;
	}
	/* Who closed both ways in two steps is noticed with the answer: bring it. */
	if (fake.chan != NULL)
		fake_gone(fake.chan);
	turn(4);
	store_connect();
	leave(&clients[0]);
	leave(&clients[1]);
	for (int i = 0; i < 1000 && http_server_count() > 0; i++)
		turn(1);
	check(http_server_count() == 0);
	return 0;
}
