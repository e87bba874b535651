/*
 * jmap_patch.h - PatchObject (RFC 8620 s. 5.3) and JSON pointers with '*'
 * (RFC 8620 s. 3.7, RFC 6901).
 */
#ifndef ATS_JMAP_PATCH_H
#define ATS_JMAP_PATCH_H

#include <jansson.h>

/* Values one pointer with '*' may yield. */

/*
 * Apply patch to copies of what it touches. current has at least the members
 * that the patch goes into. Returns a new object {property: new value}, one
 * member for each top-level property touched; null means "back to default".
 * NULL when the patch is invalid: a path of which one is the prefix of
 * another, a missing parent, a path into an array, a malformed pointer.
 */
json_t *jmap_patch_apply(const json_t *current, json_t *patch);

/* First token of a patch key, decoded, malloc'd; NULL when malformed. */
char *jmap_patch_property(const char *key);

/* Evaluate a pointer whose tokens may be "*": new reference, NULL when it fails. */
json_t *jmap_pointer_get(json_t *root, const char *path);

#endif
