/*
 * envelope.h - who gets a submission: the envelope as given, or made from the
 * email's header (RFC 8621 s. 7).
 */
#ifndef ATS_ENVELOPE_H
#define ATS_ENVELOPE_H

#include "arena.h"
#include "json_util.h"
#include "messages.h"

struct envelope {
	struct slice from;
	struct slice rcpts;	/* list of rec rcpt */
	size_t count;
	uint64_t send_at;	/* of HOLDFOR or HOLDUNTIL, 0 = now */
	json_t *error;		/* SetError when it cannot be used; owned by the caller */
};

/* given: the client's envelope, NULL to derive it from header. 0, or -1 with error. */
int envelope_read(struct arena *, json_t *given, const struct rec_header *header, struct slice identity,
    uint64_t now, struct envelope *);

/* Equal but for ASCII case. */
bool address_same(struct slice a, struct slice b);

#endif
