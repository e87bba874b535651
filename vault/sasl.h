/*
 * sasl.h - the vault answers challenges, it never hands out a password as
 * such. A mechanism is a row of sasl.c. Holds no secret: the record is opened
 * anew for each step.
 */
#ifndef VAULT_SASL_H
#define VAULT_SASL_H

#include "scram.h"

struct sasl {
	unsigned int offered;		/* rows that the server offers, by the tls-worker's word */
	const struct sasl_mech *mech;	/* NULL before sasl_pick */
	unsigned int step, pins;	/* pins: of this credential and service */
	struct scram scram;
};

/* list of names; -1: none of them is served, or the binding is none. */
int sasl_begin(struct sasl *, struct slice offered, uint8_t binding, struct slice binding_data);
/*
 * Choose: the strongest that is offered and that this credential can do. "" or
 *	auth.downgrade		this service is pinned to more than is offered
 *	auth.no_mechanism	nothing is left
 */
const char *sasl_pick(struct sasl *, const struct seal_plain *, enum service);
const char *sasl_name(const struct sasl *);	/* before sasl_pick: the strongest offered */
bool sasl_is_scram(const struct sasl *);
/* The pins of this credential and service once this login has succeeded. */
unsigned int sasl_pins(const struct sasl *, enum service);
/*
 * The next response, into out. 0, or -1 when the mechanism has no answer to
 * this challenge (empty for the first step). To SCRAM-SHA-256-PLUS a challenge
 * says that the server would not be bound.
 */
int sasl_step(struct sasl *, const struct seal_plain *, struct slice challenge, struct wbuf *out);

#endif
