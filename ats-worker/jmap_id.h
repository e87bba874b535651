/*
 * jmap_id.h - ids, blob ids and state strings as the ATS sees them.
 *
 * An id is a letter for the type and the number in decimal. A blob id is
 * "B<number>" or "P<email>-<part>"; part 0 is the whole message, for emails
 * whose bytes are not here. A state is the database epoch in hex, a dash and
 * the counter in decimal.
 */
#ifndef ATS_JMAP_ID_H
#define ATS_JMAP_ID_H

#include "enums.h"
#include "wire.h"

#define JMAP_ID_MAX 96		/* with its NUL: the longest is a part's blob id */
#define JMAP_STATE_MAX 48

struct jmap_blob {
	enum blob_kind kind;
	uint64_t id;
	char part[65];		/* of BLOB_PART */
};

/* 0, or -1: wrong letter, leading zero, overflow, anything after. Zero is no id. */
int jmap_id_parse(const char *s, char letter, uint64_t *id);
void jmap_id_print(char out[JMAP_ID_MAX], char letter, uint64_t id);
int jmap_blob_parse(const char *s, struct jmap_blob *);
void jmap_blob_print_raw(char out[JMAP_ID_MAX], uint64_t blob);
void jmap_blob_print_part(char out[JMAP_ID_MAX], uint64_t email, struct slice part);
int jmap_state_parse(const char *s, uint64_t *epoch, uint64_t *state);
void jmap_state_print(char out[JMAP_STATE_MAX], uint64_t epoch, uint64_t state);

#endif
