/*
 * audit_chain.h - the lines of the audit log and what chains them.
 *
 *	SEQUENCE TIME WHO pid=N EVENT key=value ... hash=HEX
 *
 * One space between words, printable ASCII, values encoded with strvis(3).
 * SEQUENCE counts from 1 and never has a gap. HEX is BLAKE2b-256 over the
 * 32 bytes of the hash of the line before and then the bytes of this line
 * before " hash=". Before line 1 stand 32 zero bytes.
 *
 * A file begins with event audit.file, which carries the hash of the line
 * before it as previous=, so a file alone can be checked, and files in order.
 * Bytes that a crash or a full disk left of a line are followed by event
 * audit.torn, with how many they are and their hash; they are no part of the
 * chain. Pure; links libsodium.
 */
#ifndef COMMON_AUDIT_CHAIN_H
#define COMMON_AUDIT_CHAIN_H

#include "limits.h"
#include "wire.h"

#define AUDIT_HASH_N 32
#define AUDIT_HEX_N (2 * AUDIT_HASH_N)

/* The end of a chain; zeroed = of one that has no line yet. */
struct audit_head {
	uint64_t seq;
	uint8_t hash[AUDIT_HASH_N];
};

/* One line, its slices in the bytes that were parsed. */
struct audit_line {
	uint64_t seq;
	struct slice time, who, event, fields;	/* fields: all key=value behind the event */
	struct slice chained;			/* what the hash covers */
	uint8_t hash[AUDIT_HASH_N];		/* as the line says */
};

/* line without its newline. 0, or -1: this is no line of an audit log. */
int audit_line_parse(struct slice line, struct audit_line *);
/* The value of a field; SLICE_NONE when there is no such key. */
struct slice audit_line_value(const struct audit_line *, const char *key);
/* Does this line follow that head? */
bool audit_line_follows(const struct audit_line *, const struct audit_head *);

void audit_chain_hash(const uint8_t before[AUDIT_HASH_N], struct slice chained, uint8_t out[AUDIT_HASH_N]);
/* Of bytes that are no line. */
void audit_chain_digest(struct slice, uint8_t out[AUDIT_HASH_N]);
void audit_hex(const uint8_t hash[AUDIT_HASH_N], char out[AUDIT_HEX_N + 1]);
int audit_hex_parse(struct slice, uint8_t out[AUDIT_HASH_N]);	/* lower case only; 0 or -1 */
/* Digits without a leading zero. 0 or -1. */
int audit_number_parse(struct slice, uint64_t *);

/* "audit-000001.log" */
#define AUDIT_NAME_N 32
void audit_file_name(uint64_t number, char out[AUDIT_NAME_N]);
/* The number in such a name; 0: another name. */
uint64_t audit_file_number(const char *name);

#endif
