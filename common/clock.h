/*
 * clock.h - the time that nobody sets: deadlines, rates, intervals. What a
 * person sees is time(2).
 *
 * In a file of its own: a test that defines clock_ms() has its own time.
 */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdint.h>

uint64_t clock_ms(void);	/* milliseconds, monotonic */

#endif
