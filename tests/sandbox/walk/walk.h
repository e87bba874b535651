/*
 * walk.h - what the parts of the walk share: one role under attack, and the
 * peers beside the attacker that must not notice.
 */
#ifndef WALK_WALK_H
#define WALK_WALK_H

#include "craft.h"
#include "life.h"

struct walk {
	const char *libexec;
	struct life life;
	int witness[ROLE__COUNT];	/* our end to a peer of that role that behaves, -1 */
	int descriptors;		/* that it had before the attacks */
	unsigned int attacks, failures;
	enum role peer;			/* who attacks */
};

/* Do two roles talk? Read off messages.def: some row goes between them. */
bool walk_wired(enum role, enum role);
bool walk_legal(enum msg_type, enum role from, enum role to);
/* A place that a breach ends: it has one peer, and nothing to do without it. */
bool walk_ends_with_peer(enum role);

/* Start the role with its witnesses. */
void walk_begin(struct walk *, const char *libexec, enum role);
void walk_end(struct walk *);
/* The process ended as it may: a fresh one. */
void walk_again(struct walk *);
/* The number of a link that exists, for peers that belong to one. */
uint32_t walk_unit(enum role peer);

/* ---- walk_witness.c ---- */
void witness_begin(struct walk *);
/* Before a new attacker: those of a role that has one of each kind are wired anew. */
void witness_renew(struct walk *);
/* All of them are open, and one of them is served. */
bool witness_undisturbed(struct walk *);
bool witness_served(struct walk *);

/* ---- modes ---- */
/* Every packet that may not be; each stride-th where a process is needed for each. */
void walk_refuse(struct walk *, unsigned int stride);
/* Every packet of the master that may not be: the child ends. */
void walk_master(struct walk *, unsigned int stride);
/* Sound messages that nobody asked for: a table of what came of each. */
void walk_unasked(struct walk *);
/* Each sound message n times. */
void walk_flood(struct walk *, unsigned long n);

void walk_failed(struct walk *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
