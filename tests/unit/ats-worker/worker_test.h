/*
 * worker_test.h - a program of tests on one ats-worker: each finds the store as
 * an honest one that answers at once.
 */
#ifndef TEST_ATS_WORKER_TEST_H
#define TEST_ATS_WORKER_TEST_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "harness.h"

static inline int
worker_setup(void **state)
{
	(void)state;
	worker_start();
	return 0;
}

/* Whatever the test before it left. */
static inline int
worker_reset(void **state)
{
	(void)state;
	fake.error = fake.blob_error = NULL;
	fake.hold = fake.endless = false;
	fake.big_rows = fake.steps = fake.ntext = 0;
	fake.text[0] = fake.text[1] = 0;
	fake.seal_n = 0;
	ats_config.sealed_only = false;
	if (fake.chan == NULL)
		store_connect();
	return 0;
}

#define T(f) cmocka_unit_test_setup(f, worker_reset)

#endif
