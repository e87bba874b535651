/*
 * A store whose peers are owned by an attacker: any message that their role
 * may send, in any order, while channels come and go. The input is a row of
 * steps: 0 turns, 1 a peer is wired anew, 2 time passes, else a message.
 */
#include "world.h"

#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Whatever the peers said, the database is whole. */
static void
on_problem(void *ctx, const char *text)
{
	(void)ctx;
	fprintf(stderr, "%s\n", text);
	abort();
}

static void
step(struct feed *f)
{
	uint8_t b = feed_byte(f), who = b % END__COUNT;

	switch (b / END__COUNT % 8) {
	case 0:
		world_turns(1 + who % 4u);
		break;
	case 1:
		world_wire(who, who == END_PROBE ? UNIT_PROBE | feed_byte(f) : 1 + feed_byte(f) % 3u);
		break;
	case 2:
		clock_skip(1u << who);
		world_turn();
		break;
	default:
		hostile_send(ends[who], end_roles[who], ROLE_STORE, f);
		if (b / END__COUNT % 2 != 0)
			world_turn();
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feed f = feed_start(data, size);

	world_init();
	world_open(true);
	world_start();
	for (unsigned int i = END_MASTER + 1; i < END_PROBE; i++)
		world_wire(i, i == END_IMAP || i == END_SMTP ? 1 : 0);
	world_turn();
	for (unsigned int i = 0; i < 200 && f.n > 0; i++)
		step(&f);
	world_turns(3);
	(void)store_check(on_problem, NULL);
	world_end();
	return 0;
}
