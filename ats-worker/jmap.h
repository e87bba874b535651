/*
 * jmap.h - one API request and the method call of it that is under way.
 *
 * A request runs its calls in order. A method starts in method->run and ends
 * with call_done or call_error, at once or after answers of the store; both
 * free the call, so nothing of it may be touched afterwards. Several requests
 * run side by side; none waits for another.
 */
#ifndef ATS_JMAP_H
#define ATS_JMAP_H

#include <jansson.h>

#include "accounts.h"
#include "arena.h"
#include "json_util.h"
#include "store_client.h"

#define CAP_CORE_URI "urn:ietf:params:jmap:core"
#define CAP_MAIL_URI "urn:ietf:params:jmap:mail"
#define CAP_SUBMISSION_URI "urn:ietf:params:jmap:submission"
#define CAP_ATS_URI "urn:postern:params:jmap:ats"

enum capability { CAP_CORE = 1, CAP_MAIL = 2, CAP_SUBMISSION = 4, CAP_ATS = 8 };
enum account_kind { ACCOUNT_NONE, ACCOUNT_OF_ATS, ACCOUNT_OF_LINK };

struct jmap_type;
struct jmap_call;
struct jmap_request;

struct jmap_method {
	const char *name;
	unsigned int capability;
	enum account_kind kind;
	void (*run)(struct jmap_call *);
	const struct jmap_type *type;
};

struct jmap_call {
	struct jmap_request *req;
	const struct jmap_method *method;
	json_t *args;			/* result references resolved */
	const char *id;			/* the client's call id, borrowed */
	uint32_t account;		/* ACCOUNT_ATS or a link number */
	uint8_t mode;			/* of the link */
	struct arena arena;
	struct store_scope scope;	/* cancelled with the call */
	void *state;			/* of the method */
	void (*state_free)(void *);
};

/* Finish with this response; steals it. */
void call_done(struct jmap_call *, json_t *response);
/* Finish with a method error; description may be NULL. */
void call_error(struct jmap_call *, const char *type, const char *description);
/* invalidArguments about one argument. */
void call_bad_argument(struct jmap_call *, const char *name);
/* An error that the store answered. */
void call_store_error(struct jmap_call *, const struct store_answer *);

/* True when every argument is accountId or in one of the NULL-terminated
 * lists; else the call has ended with invalidArguments. */
bool call_arguments_known(struct jmap_call *, const char *const *a, const char *const *b);
/* State for the method, zeroed; freed by state_free and free() with the call.
 * NULL: the call has ended with serverFail. */
void *call_state(struct jmap_call *, size_t size, void (*state_free)(void *));

/* The user at the other end, for requests that the audit log names. */
uint32_t call_uid(const struct jmap_call *);

/* A response object with accountId in it. */
json_t *call_response(const struct jmap_call *);

/* "#k" -> the id created under k in this request, else the string itself;
 * NULL when the creation id is unknown. */
const char *call_resolve_id(const struct jmap_call *, const char *id);
void call_note_created(struct jmap_call *, const char *creation_id, const char *id);
/* A call to run right after this one, answered under the same call id
 * (RFC 8621 s. 7.5). Steals args. */
void call_push_implicit(struct jmap_call *, const char *method, json_t *args);

/* "ats" or "L<n>" of this call. */
json_t *account_id_json(uint32_t account);
/* 0 and the account number, or -1. */
int account_id_parse(const char *s, uint32_t *account);

#endif
