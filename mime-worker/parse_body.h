/*
 * parse_body.h - a whole message as a rec parsed, and its texts one by one.
 */
#ifndef MIME_PARSE_BODY_H
#define MIME_PARSE_BODY_H

#include "structure.h"

/*
 * Append the encoded rec parsed of a message; tree NULL: header only, parts,
 * preview and note_text stay empty. Returns 0, or -1 when *out failed.
 */
int parse_record(struct wbuf *out, struct slice message, const struct mime_tree *tree);

/* The tree of a message with its flags set. Never NULL. */
struct mime_tree *parse_tree(struct slice message);
/* The next part from index i on whose text is worth storing (text of any kind);
 * tree->n when there is none. */
size_t parse_next_text(const struct mime_tree *, size_t i);

#endif
