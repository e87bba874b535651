/*
 * dial.h - one dial: look the host up, connect to the first address that
 * answers (RFC 8305: the next address after LIM_DIAL_NEXT_MS or at once when one
 * fails), within deadlines that are shorter than the asker's own.
 */
#ifndef DIALER_DIAL_H
#define DIALER_DIAL_H

#include <stdint.h>

#include "address.h"
#include "enums.h"
#include "limits.h"

struct dial;

struct dial_result {
	int fd;			/* -1: failed; else the callee's */
	enum step step;		/* where it failed: STEP_DNS or STEP_TCP */
	const char *code;	/* of error_codes.h, static */
	char detail[LIM_DETAIL + 1];
	char address[INET6_ADDRSTRLEN];
	bool loopback;
	uint32_t dns_ms, tcp_ms;
};

/* Called once, from the event loop; the dial is gone when it returns. */
typedef void (*dial_fn)(void *arg, const struct dial_result *);

/* host is copied. NULL: out of memory, fn is not called. */
struct dial *dial_start(const char *host, uint16_t port, bool private_ok, dial_fn fn, void *arg);
/* Give up; fn is not called. */
void dial_cancel(struct dial *);

#endif
