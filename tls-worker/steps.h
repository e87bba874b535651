/*
 * steps.h - the steps of a link test, told to the master as they end.
 */
#ifndef TLS_WORKER_STEPS_H
#define TLS_WORKER_STEPS_H

#include <stdbool.h>
#include <stdint.h>

#include "enums.h"

struct steps {
	uint64_t ticket;
	enum step current;
	uint64_t since;
};

void steps_begin(struct steps *, enum step);
/* The current step went well; its time is counted from steps_begin. */
void steps_ok(const struct steps *);
/* The current step failed: the code and the server's own words. */
void steps_fail(const struct steps *, const char *code, const char *detail);
/* A step measured by another process; code NULL = it went well. */
void steps_tell(const struct steps *, enum step, uint32_t ms, const char *code, const char *detail);

#endif
