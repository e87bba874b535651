/*
 * blob.h - raw messages, uploads and decoded texts.
 *
 * A blob belongs to one account, has a number (JMAP "B<n>") and a count of
 * references. Its bytes are rows of at most 64 KiB, each compressed by itself
 * with zstd when that helps.
 */
#ifndef STORE_BLOB_H
#define STORE_BLOB_H

#include "db.h"

#define BLOB_CHUNK 65519		/* with its flag byte 16 pages of LMDB */

#define BLOB_BEHIND BLOB_CHUNK		/* of texts that are packed with a raw message */

struct blob_info {
	uint64_t size;
	uint32_t behind;	/* bytes packed with it that are none of its own */
	uint32_t refs;
	uint64_t hold_until;
	char type[LIM_TYPE_NAME + 1];
};

/*
 * Store bytes as a new blob with refs references (a raw message: 1; an upload:
 * 0). type may be empty. While now < hold_until it stays even without a
 * reference. Returns its number; 0 when data is over LIM_BODY.
 */
uint64_t blob_put(uint32_t account, struct slice data, struct slice type, uint32_t refs, uint64_t hold_until);
/*
 * As blob_put with one reference, for a raw message and its decoded texts: they
 * say nearly the same, so that both in one row cost little more than one. Only
 * for data up to BLOB_CHUNK and texts up to BLOB_BEHIND.
 */
uint64_t blob_put_with(uint32_t account, struct slice data, struct slice type, struct slice texts);
/* n of these bytes from offset at, as blob_get. */
int blob_get_behind(uint32_t account, uint64_t blob, uint32_t at, uint32_t n, struct slice *text);
bool blob_stat(uint32_t account, uint64_t blob, struct blob_info *);
/* The whole blob, malloc'd: *data.p is the caller's to free. -1: no such blob,
 * damaged (logged), or no memory. */
int blob_get(uint32_t account, uint64_t blob, struct slice *data);
void blob_release(struct slice *);	/* free and empty */
void blob_ref(uint32_t account, uint64_t blob);
/* The last reference gone and the hold over: erased in this turn. */
void blob_unref(uint32_t account, uint64_t blob);
/* A second account's own copy (an upload used elsewhere); 0 when it fails. */
uint64_t blob_copy(uint32_t from_account, uint64_t blob, uint32_t to_account, uint32_t refs);
/* Erase unreferenced blobs whose hold is over, at most max. */
size_t blob_expire(uint64_t now, size_t max);

/* Decoded text of a part of an email; flags BLOB_TRUNCATED, BLOB_ENCODING_PROBLEM. */
void text_put(uint32_t account, uint64_t email, struct slice part, uint32_t flags, struct slice text);
/* Its n bytes are those of a blob_put_with from offset at. */
void text_put_behind(uint32_t account, uint64_t email, struct slice part, uint32_t flags, uint32_t n, uint64_t blob,
    uint32_t at);
/* For the check of the database: are the bytes of this row there? */
bool text_sound(uint32_t account, struct slice row);
int text_get(uint32_t account, uint64_t email, struct slice part, uint32_t *flags, struct slice *text);	/* as blob_get */
void text_erase(uint32_t account, uint64_t email);	/* all its texts */

#endif
