/*
 * wire.h - the byte form of everything that crosses a process border or is
 * stored: fixed-width little-endian integers and length-prefixed bytes.
 *
 * Readers never copy: a slice points into the buffer that was read and lives
 * as long as that buffer. Both readers and writers carry a sticky error, so a
 * chain of calls needs one check at its end.
 */
#ifndef COMMON_WIRE_H
#define COMMON_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed bytes; p may be NULL when n is 0. Never NUL-terminated. */
struct slice {
	const uint8_t *p;
	size_t n;
};

/* Growing output buffer with an upper bound. Zeroed = empty and unbounded by
 * itself; wbuf_init sets the bound. Owned memory: release with wbuf_free. */
struct wbuf {
	uint8_t *p;
	size_t n, cap, max;
	bool failed;	/* out of bounds or memory: the content is useless */
};

struct rbuf {
	const uint8_t *p;
	size_t n;	/* bytes left */
	bool failed;
};

#define SLICE_NONE ((struct slice){ NULL, 0 })

struct slice slice_str(const char *);			/* of a C string; NULL = empty */
struct slice slice_mem(const void *, size_t);
bool slice_eq(struct slice, struct slice);
bool slice_eq_str(struct slice, const char *);
bool slice_case_eq_str(struct slice, const char *);	/* ASCII case only */
/* malloc'd NUL-terminated copy (embedded NULs stay); NULL when out of memory. */
char *slice_dup(struct slice);
/* Copy into a fixed buffer, always NUL-terminated; -1 if it does not fit. */
int slice_copy(struct slice, char *, size_t);

void wbuf_init(struct wbuf *, size_t max);
void wbuf_free(struct wbuf *);
void wbuf_reset(struct wbuf *);				/* keep the memory, empty it */
struct slice wbuf_slice(const struct wbuf *);
void w_u8(struct wbuf *, uint8_t);
void w_u16(struct wbuf *, uint16_t);
void w_u32(struct wbuf *, uint32_t);
void w_u64(struct wbuf *, uint64_t);
void w_raw(struct wbuf *, const void *, size_t);
void w_bytes(struct wbuf *, struct slice, size_t max);	/* u32 length + bytes; fails over max */

void rbuf_init(struct rbuf *, struct slice);
uint8_t r_u8(struct rbuf *);
uint16_t r_u16(struct rbuf *);
uint32_t r_u32(struct rbuf *);
uint64_t r_u64(struct rbuf *);
bool r_bool(struct rbuf *);				/* only 0 and 1 are accepted */
struct slice r_bytes(struct rbuf *, size_t max);
/* As r_bytes, and refuses NUL bytes: safe to turn into a C string. */
struct slice r_str(struct rbuf *, size_t max);

/*
 * Lists: a list field is the concatenation of its items, each u16 length +
 * bytes. It is carried as one slice (the concatenation) and was checked when
 * it was decoded: list_next on a decoded field cannot fail midway.
 */
void list_add(struct wbuf *, struct slice item);	/* item at most 65535 bytes */
bool list_next(struct slice *list, struct slice *item);	/* false at the end or on garbage */
bool list_valid(struct slice list, size_t max_items, size_t max_item);
size_t list_count(struct slice list);

/* Packed u64 (ids) and u32 arrays carried in a bytes field. */
void ids_add(struct wbuf *, uint64_t);
size_t ids_count(struct slice);
uint64_t ids_at(struct slice, size_t);

#endif
