/*
 * structure.h - the MIME tree of a message as a flat list, RFC 2046 s. 5.1.
 *
 * One pass over the lines with a stack of at most LIM_PART_DEPTH boundaries;
 * nothing is copied. An attached message is a leaf, never looked into. What is
 * nested deeper, or comes after LIM_PARTS parts, is one opaque leaf.
 */
#ifndef MIME_STRUCTURE_H
#define MIME_STRUCTURE_H

#include "limits.h"
#include "wire.h"

enum part_encoding { ENC_IDENTITY, ENC_BASE64, ENC_QP, ENC_UU, ENC_UNKNOWN };

struct mime_part {
	struct slice header, body;	/* body: raw, not decoded; of the message given */
	int parent;			/* index, or -1 */
	uint8_t depth;
	bool multipart;
	bool opaque;			/* over a limit */
	bool digest;			/* multipart/digest: children are messages */
	uint8_t flags;			/* PART_*, set by parts_flag */
	enum part_encoding encoding;
	unsigned int leaf;		/* number of the leaf from 1: the part id; 0: multipart */
	/* Clean UTF-8, malloc'd, NUL-terminated, cut to the limits of rec part; never NULL. */
	char *type, *charset, *disposition, *name, *cid;
	bool has_charset, has_disposition;
};

struct mime_tree {
	struct mime_part part[LIM_PARTS];	/* pre-order; there is always one */
	size_t n;
};

/* Never fails but for memory (NULL). The message must outlive the tree. */
struct mime_tree *structure_parse(struct slice message);
void structure_free(struct mime_tree *);

/* The leaf of a part id, or NULL. */
const struct mime_part *structure_find(const struct mime_tree *, struct slice part_id);
/* The part id into buf, empty for a multipart. */
struct slice structure_id(const struct mime_part *, char buf[16]);

#endif
