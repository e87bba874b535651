/*
 * jmap_set_private.h - shared by jmap_set.c and jmap_set_call.c.
 */
#ifndef ATS_JMAP_SET_PRIVATE_H
#define ATS_JMAP_SET_PRIVATE_H

#include <stdalign.h>
#include <stddef.h>
#include <unistd.h>

#include "jmap_patch.h"
#include "jmap_type.h"

#define SET_SCRATCH 512

struct jmap_set {
	struct jmap_call *call;
	const struct jmap_type *type;
	uint64_t epoch, old_state, new_state;
	json_t *create, *update, *destroy;	/* of the arguments, borrowed */
	json_t *created, *not_created, *updated, *not_updated, *destroyed, *not_destroyed;
	enum set_action phase;
	void *iter;		/* next create or update */
	size_t index;		/* next destroy */
	bool pumping, busy;
	/* the object at hand */
	const char *key;	/* creation id or id */
	uint64_t id;
	json_t *object, *changed, *blobs;
	json_t *notes;
	struct store_rows rows;
	alignas(max_align_t) unsigned char scratch[SET_SCRATCH];
};

void jmap_set_pump(struct jmap_set *);
void jmap_set_reply(struct jmap_set *);

#endif
