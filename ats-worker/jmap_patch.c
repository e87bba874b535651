#include "jmap_patch.h"
#include "limits.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The next token of a pointer, decoded and malloc'd; *s moves behind its '/',
 * or becomes NULL at the end. NULL for a bad escape or without memory. */
static char *
next_token(const char **s)
{
	const char *p = *s, *end = strchrnul(p, '/');
	char *out = malloc((size_t)(end - p) + 1), *o = out;

	for (; out != NULL && p < end; p++) {
		if (*p == '~' && p[1] != '0' && p[1] != '1') {
			free(out);
			return NULL;
		}
		*o++ = *p != '~' ? *p : *++p == '0' ? '~' : '/';
	}
	if (out != NULL)
		*o = '\0';
	*s = *end == '/' ? end + 1 : NULL;
	return out;
}

char *
jmap_patch_property(const char *key)
{
	return next_token(&key);
}

/* RFC 8620 s. 5.3: no pointer may be the prefix of another. Escapes have one
 * spelling each, so the keys can be compared as text. */
static bool
prefix_conflict(const json_t *patch, const char *key)
{
	for (const char *p = strchr(key, '/'); p != NULL; p = strchr(p + 1, '/'))
		if (json_object_getn(patch, key, (size_t)(p - key)) != NULL)
			return true;
	return false;
}

/* Walk from the property's value to the parent of the last token and set it. */
static int
patch_inside(json_t *at, const char *rest, json_t *value)
{
	char *token;
	int r = -1;

	while ((token = next_token(&rest)) != NULL && json_is_object(at)) {
		if (rest != NULL) {
			at = json_object_get(at, token);
			free(token);
			continue;
		}
		r = json_is_null(value) ? 0 : json_object_set(at, token, value);
		if (json_is_null(value))
			(void)json_object_del(at, token);	/* absent is as good */
		break;
	}
	free(token);
	return r;
}

static int
patch_one(const json_t *current, json_t *changed, const char *key, json_t *value)
{
	const char *rest = key;
	char *name = next_token(&rest);
	json_t *base;
	int r = -1;

	if (name == NULL)
		return -1;
	if (rest == NULL)
		r = json_object_set(changed, name, value);
	else {
		if ((base = json_object_get(changed, name)) == NULL &&
		    (base = json_deep_copy(json_object_get(current, name))) != NULL &&
		    json_object_set_new(changed, name, base) == -1)
			base = NULL;
		if (base != NULL)
			r = patch_inside(base, rest, value);
	}
	free(name);
	return r;
}

json_t *
jmap_patch_apply(const json_t *current, json_t *patch)
{
	json_t *changed = json_object(), *value;
	const char *key;

	if (changed == NULL)
		return NULL;
	json_object_foreach(patch, key, value) {
		if (!prefix_conflict(patch, key) && patch_one(current, changed, key, value) == 0)
			continue;
		json_decref(changed);
		return NULL;
	}
	return changed;
}

/* ---- pointers with '*' ---- */

static json_t *pointer_step(json_t *at, const char *path);

/* RFC 8620 s. 3.7: apply the rest to each item; arrays are joined. */
static json_t *
pointer_each(json_t *at, const char *rest)
{
	json_t *out = json_array(), *item, *got;
	size_t i;

	json_array_foreach(at, i, item) {
		int r;

		if ((got = pointer_step(item, rest)) == NULL)
			break;
		r = json_is_array(got) ? json_array_extend(out, got) : json_array_append(out, got);
		json_decref(got);
		if (r == -1 || json_array_size(out) > LIM_JMAP_POINTER)
			break;
	}
	if (i == json_array_size(at))
		return out;
	json_decref(out);
	return NULL;
}

static json_t *
pointer_index(json_t *array, const char *token)
{
	char *end;
	unsigned long i;

	if (*token < '0' || *token > '9' || (*token == '0' && token[1] != '\0'))
		return NULL;
	i = strtoul(token, &end, 10);
	return *end == '\0' ? json_array_get(array, i) : NULL;
}

/* path: NULL or empty = at itself, else the tokens after the first '/'. */
static json_t *
pointer_step(json_t *at, const char *path)
{
	char *token;
	json_t *next = NULL;

	if (path == NULL)
		return json_incref(at);
	if ((token = next_token(&path)) == NULL)
		return NULL;
	if (json_is_array(at) && strcmp(token, "*") == 0) {
		free(token);
		return pointer_each(at, path);
	}
	if (json_is_object(at))
		next = json_object_get(at, token);
	else if (json_is_array(at))
		next = pointer_index(at, token);
	free(token);
	return next != NULL ? pointer_step(next, path) : NULL;
}

json_t *
jmap_pointer_get(json_t *root, const char *path)
{
	if (*path == '\0')
		return json_incref(root);
	return *path == '/' ? pointer_step(root, path + 1) : NULL;
}
