/*
 * mail_time.h - mail.h with a time of its own: the wall clock goes with it, and
 * who waits moves both. Include it in one source of a program.
 */
#ifndef TEST_STORE_MAIL_TIME_H
#define TEST_STORE_MAIL_TIME_H

#include "mail.h"

#include "../own_time.h"

time_t
time(time_t *out)
{
	time_t t = (time_t)(1800000000 + clock_ms() / 1000);

	if (out != NULL)
		*out = t;
	return t;
}

int
usleep(useconds_t us)
{
	(void)us;
	time_pass(1);
	return 0;
}

static __attribute__((unused)) void
pass(uint64_t ms)
{
	if (ms > 2000)
		time_pass(ms - 2000);
	turns_for(ms > 2000 ? 2000 : (unsigned int)ms);
}

/* How often this was told until now. */
static __attribute__((unused)) size_t
count_told(struct far *f, enum msg_type type)
{
	union msg m;
	size_t n = 0;

	turns();
	while (next_told(f, type, &m) != NULL)
		n++;
	return n;
}

#endif
