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

/* One /set: what its objects share. */
struct jmap_batch {
	struct jmap_call *call;
	const struct jmap_type *type;
	uint64_t epoch, old_state, new_state;
	json_t *create, *update, *destroy;	/* of the arguments, borrowed */
	json_t *created, *not_created, *updated, *not_updated, *destroyed, *not_destroyed;
	json_t *notes;
	enum set_action phase;
	void *iter;		/* next create or update */
	size_t index;		/* next destroy */
	bool pumping;
	unsigned int open;	/* objects under way */
	LIST_HEAD(, jmap_set) objects;
};

/* An object of it that is under way. */
struct jmap_set {
	LIST_ENTRY(jmap_set) entry;
	struct jmap_batch *batch;
	struct jmap_call *call;
	const struct jmap_type *type;
	const char *key;	/* creation id or id */
	uint64_t id;
	json_t *object, *changed, *blobs;
	struct store_rows rows;
	union jmap_record rec;	/* of rows */
	alignas(max_align_t) unsigned char scratch[SET_SCRATCH];
};

void jmap_set_pump(struct jmap_batch *);
void jmap_set_reply(struct jmap_batch *);
void jmap_set_free(struct jmap_set *);

#endif
