/*
 * worker.h - the whole ats-worker of the unit tests, with checks that abort.
 */
#ifndef FUZZ_ATS_WORKER_H
#define FUZZ_ATS_WORKER_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define check(x)                                                                                                       \
	do {                                                                                                           \
		if (!(x))                                                                                              \
			abort();                                                                                       \
	} while (0)
#define assert_true(x) check(x)
#define assert_false(x) check(!(x))
#define assert_non_null(x) check((x) != NULL)
#define assert_int_equal(a, b) check((a) == (b))
#define assert_string_equal(a, b) check(strcmp(a, b) == 0)
#include "../../unit/ats-worker/harness.h"
#include <signal.h>

#include "log.h"

static inline void
fuzz_start(void)
{
	static bool started;

	if (!started)
		worker_start();
	started = true;
	(void)signal(SIGPIPE, SIG_IGN);	/* as child_start does */
	log_set_level(LOG_LVL_ERROR);
}

#endif
