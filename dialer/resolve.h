/*
 * resolve.h - names to addresses: c-ares on the event loop.
 *
 * /etc/hosts and DNS in the order of the host's own configuration, both
 * families, no search domains: a host label is always a whole name. Names
 * under .invalid are never asked for (RFC 6761 s. 6.4).
 */
#ifndef DIALER_RESOLVE_H
#define DIALER_RESOLVE_H

#include "address.h"

enum resolve_status {
	RESOLVE_OK,
	RESOLVE_NOT_FOUND,	/* the name or its addresses do not exist */
	RESOLVE_TEMP		/* no answer, server failure, too busy */
};

struct lookup;
/* why is a short static text; list is empty unless RESOLVE_OK. */
typedef void (*resolve_fn)(void *arg, enum resolve_status, const char *why, const struct address_list *);

/* Before the sandbox: reads the resolver files and seeds the query ids. */
void resolve_init(void);

/*
 * Calls fn exactly once, maybe before it returns, unless the lookup was
 * forgotten first. Returns NULL when fn was called already.
 */
struct lookup *resolve_start(const char *host, resolve_fn fn, void *arg);
/* fn will not be called any more; the lookup itself ends in its own time. */
void resolve_forget(struct lookup *);

#endif
