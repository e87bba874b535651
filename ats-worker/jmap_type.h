/*
 * jmap_type.h - one descriptor for each type of object, and the standard
 * methods of RFC 8620 s. 5 written once over it.
 */
#ifndef ATS_JMAP_TYPE_H
#define ATS_JMAP_TYPE_H

#include "jmap.h"
#include "messages.h"

union jmap_record {
	struct rec_link link;
	struct rec_correspondent correspondent;
	struct rec_note note;
	struct rec_review review;
	struct rec_mailbox mailbox;
	struct rec_email email;
	struct rec_thread thread;
	struct rec_identity identity;
	struct rec_submission submission;
	struct rec_provider provider;
};

/* Flags of a property. */
#define PROP_SERVER_SET 1u	/* the client cannot set it */
#define PROP_IMMUTABLE 2u	/* settable at create only */
#define PROP_WRITE_ONLY 4u	/* never rendered */
#define PROP_HIDDEN 8u		/* only when asked for by name */
#define PROP_PARTS 16u		/* needs the body parts of an email */

struct jmap_render {
	uint64_t id;
	uint32_t account;
	const union jmap_record *rec;
	const void *options;	/* of the /get call, by type */
	const char *name;	/* of the property as asked for */
};

struct jmap_prop {
	const char *name;
	unsigned int flags;
	json_t *(*render)(const struct jmap_render *);
};

/* ---- /get ---- */
struct jmap_get {
	const struct jmap_type *type;
	json_t *properties;	/* array of names, borrowed; NULL = the default */
	json_t *list, *not_found, *state;
	uint32_t parts;		/* GET_EMAIL_PARTS when needed */
	void *options;		/* of the type; freed with free() */
	struct store_rows rows;	/* kept for get_finish */
	void *work;		/* of get_finish */
	void (*work_free)(void *);
};

/* ---- /query ---- */
enum filter_result { FILTER_OK, FILTER_UNKNOWN, FILTER_INVALID };
struct jmap_query;

/* ---- /set ---- */
struct jmap_batch;	/* one /set */
struct jmap_set;	/* an object of it */
struct jmap_set_update {
	uint64_t id;
	const union jmap_record *rec;	/* as stored now */
	json_t *changed;		/* property -> whole new value, null = default */
	json_t *patch;			/* as the client wrote it */
};

struct jmap_type {
	const char *name;
	char letter;
	enum obj_type obj;
	int (*decode)(struct slice, union jmap_record *);
	const struct jmap_prop *props;			/* ends with a NULL name */
	/* Properties with a name pattern; NULL = none. */
	const struct jmap_prop *(*find)(const char *name);

	const char *const *get_arguments;		/* beyond ids and properties */
	/* Read them; -1: the call has ended. */
	int (*get_options)(struct jmap_call *, struct jmap_get *);
	/* Rows are rendered: ends with jmap_get_reply(). NULL = reply at once. */
	void (*get_finish)(struct jmap_call *, struct jmap_get *);

	enum filter_result (*filter)(struct arena *, struct rec_filter *, const char *name, json_t *value);
	const char *sort;				/* the one property to sort by; NULL = none */

	const char *const *set_arguments;
	/* NULL, or the name of one of them that has a wrong type. */
	const char *(*set_check)(struct jmap_call *);
	/* Each ends with one of the jmap_set_* below. NULL = forbidden. */
	void (*create)(struct jmap_set *, json_t *object);
	void (*update)(struct jmap_set *, const struct jmap_set_update *);
	void (*destroy)(struct jmap_set *, uint64_t id);
	/* Updates and destroys go to the store several at a time. */
	bool together;
	/* What "created" says; NULL = read back and told in full. */
	json_t *(*created)(const struct msg_set_done *);
	/* The row as stored after a create, before it is told. May be NULL. */
	void (*created_row)(struct jmap_set *, const union jmap_record *);
	/* Said in the answer that destroyed something; NULL = nothing. */
	const char *destroy_reminder;
	/* All objects are done; may push an implicit call. */
	void (*set_finish)(struct jmap_batch *);
};

void jmap_get_run(struct jmap_call *);
void jmap_changes_run(struct jmap_call *);
void jmap_query_run(struct jmap_call *);
void jmap_set_run(struct jmap_call *);

/* ---- pieces, for types with methods of their own ---- */
const struct jmap_prop *jmap_prop_find(const struct jmap_type *, const char *name);
/* One object with these properties (array of names, NULL = all but hidden). */
json_t *jmap_render_object(const struct jmap_type *, json_t *names, const struct jmap_render *);
/* Check "properties": 0, or -1 when the call has ended. */
int jmap_check_properties(struct jmap_call *, const struct jmap_type *, json_t *names);
/* Answer the /get from what get collected. */
void jmap_get_reply(struct jmap_call *, struct jmap_get *);
/* "ids" against maxObjectsInGet: packed ids to fetch in out; malformed ones go
 * to not_found. -1: the call has ended. */
/* True when the same value stands before index at: RFC 8620 s. 5.1 answers it once. */
bool ids_earlier(json_t *ids, size_t at);
int jmap_get_ids(struct jmap_call *, json_t *ids, char letter, struct wbuf *out, json_t *not_found);

/* position/anchor/limit over a list made here: for types without a store query.
 * ids: array of all matching ids in order, stolen. */
void jmap_query_local(struct jmap_call *, json_t *ids, uint64_t epoch, uint64_t state);

/* ---- for create, update and destroy hooks ---- */
struct jmap_call *jmap_set_call(struct jmap_set *);
/* Ask the store; its set_done decides. A message that breaks a limit is tooLarge. */
void jmap_set_ask(struct jmap_set *, enum msg_type, void *msg, int fd);
/* This object fails. error: stolen. */
void jmap_set_fail(struct jmap_set *, json_t *error);
void jmap_set_fail_type(struct jmap_set *, const char *type, const char *description);
/* invalidProperties about one property; description may be NULL. */
void jmap_set_bad_property(struct jmap_set *, const char *property, const char *description);
/* Nothing to change after all: the object is updated as it is. */
void jmap_set_unchanged(struct jmap_set *);
/* Ask something first; the hook goes on in cb with ctx = the set. */
void jmap_set_wait(struct jmap_set *, enum msg_type, void *msg, int fd, store_cb cb);
json_t *jmap_set_error(const char *type, const char *description);
/* Room for the hooks of one object, zeroed before each. */
void *jmap_set_scratch(struct jmap_set *, size_t);
/* A blobId that the object refers to: told back in a blobNotFound error. */
void jmap_set_note_blob(struct jmap_set *, const char *blob_id);
/* Remember value (stolen) for the object at hand, under its id or "#" and its
 * creation id; jmap_batch_notes() gives them all. */
void jmap_set_note(struct jmap_set *, json_t *value);
/* Number of the object being updated or destroyed, or 0. */
uint64_t jmap_set_id(struct jmap_set *);

/* ---- for set_finish ---- */
struct jmap_call *jmap_batch_call(const struct jmap_batch *);
/* Objects that this call created, updated and destroyed. */
json_t *jmap_batch_created(const struct jmap_batch *);		/* creation id -> object */
json_t *jmap_batch_updated(const struct jmap_batch *);		/* id -> null */
json_t *jmap_batch_destroyed(const struct jmap_batch *);	/* array of ids */
json_t *jmap_batch_notes(const struct jmap_batch *);		/* of jmap_set_note() */

extern const struct jmap_type type_link, type_correspondent, type_note, type_review, type_mailbox, type_email,
    type_thread, type_identity, type_submission, type_provider;

/* A render function of one expression over x, the decoded record. */
#define JMAP_RENDER(record, fn, expression)                                                                            \
	static json_t *fn(const struct jmap_render *r)                                                                 \
	{                                                                                                              \
		const struct rec_##record *x = &r->rec->record;                                                        \
		return expression;                                                                                     \
	}

#define JMAP_DECODE(name)                                                                                              \
	static int name##_decode(struct slice s, union jmap_record *r)                                                 \
	{                                                                                                              \
		return rec_##name##_decode(s, &r->name);                                                               \
	}

#endif
