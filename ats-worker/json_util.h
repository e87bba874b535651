/*
 * json_util.h - Jansson values from wire data and back.
 *
 * Building never checks each step: a value that could not be made (memory)
 * raises one sticky flag, which the request loop takes after each method and
 * answers serverFail. Constructors return a new reference or NULL.
 */
#ifndef ATS_JSON_UTIL_H
#define ATS_JSON_UTIL_H

#include <jansson.h>

#include "jmap_id.h"
#include "wire.h"

#define JMAP_UINT_MAX 9007199254740991	/* 2^53 - 1, RFC 8620 s. 1.3 */

/* I-JSON text to a tree: UTF-8, no duplicate names, bounded depth, no NUL.
 * NULL when it is not that. */
json_t *ju_parse(struct slice text);
bool ju_depth_ok(struct slice text, size_t max);

/* Steal val. NULL val or failure raises the flag. */
void ju_set(json_t *obj, const char *key, json_t *val);
void ju_push(json_t *array, json_t *val);
/* The flag: read and cleared. */
bool ju_failed_take(void);
void ju_fail(void);

json_t *ju_str(struct slice);		/* invalid UTF-8 becomes U+FFFD */
json_t *ju_str_or_null(struct slice);	/* null when empty */
json_t *ju_uint(uint64_t);
json_t *ju_date(uint64_t seconds);	/* UTCDate, null for 0 */
json_t *ju_id(char letter, uint64_t id);	/* null for 0 */
json_t *ju_ids(char letter, struct slice packed);
json_t *ju_strings(struct slice list);
json_t *ju_state(uint64_t epoch, uint64_t state);
json_t *ju_blob_raw(uint64_t blob);	/* null for 0 */
json_t *ju_blob_part(uint64_t email, struct slice part);

/* Borrowed bytes of a JSON string; empty for anything else. */
struct slice ju_slice(const json_t *);
/* 0, or -1 unless v is an integer of 0..2^53-1. */
int ju_get_uint(const json_t *v, uint64_t *out);

#endif
