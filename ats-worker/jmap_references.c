/*
 * jmap_references.c - result references of RFC 8620 s. 3.7.
 */
#include <stdlib.h>
#include <string.h>

#include "jmap_patch.h"
#include "jmap_request.h"

/* The first response with that call id, when it is of the method named. */
static json_t *
find_response(json_t *responses, const char *id, const char *name)
{
	json_t *response;
	size_t i;

	json_array_foreach(responses, i, response) {
		const char *rid = json_string_value(json_array_get(response, 2));
		const char *rname = json_string_value(json_array_get(response, 0));

		if (rid != NULL && rname != NULL && strcmp(rid, id) == 0)
			return strcmp(rname, name) == 0 ? json_array_get(response, 1) : NULL;
	}
	return NULL;
}

static json_t *
resolve(json_t *reference, json_t *responses)
{
	const char *of = json_string_value(json_object_get(reference, "resultOf"));
	const char *name = json_string_value(json_object_get(reference, "name"));
	const char *path = json_string_value(json_object_get(reference, "path"));
	json_t *response;

	if (of == NULL || name == NULL || path == NULL)
		return NULL;
	response = find_response(responses, of, name);
	return response != NULL ? jmap_pointer_get(response, path) : NULL;
}

int
jmap_resolve_references(json_t *args, json_t *responses, const char **error)
{
	const char *name;
	json_t *reference, *value, *found = json_object();
	void *next;

	*error = "serverFail";
	json_object_foreach_safe(args, next, name, reference) {
		if (name[0] != '#')
			continue;
		*error = "invalidArguments";
		if (json_object_get(args, name + 1) != NULL)
			goto fail;
		*error = "invalidResultReference";
		if ((value = resolve(reference, responses)) == NULL || json_object_set_new(found, name + 1, value) == -1 ||
		    json_object_del(args, name) == -1)
			goto fail;
	}
	if (json_object_update(args, found) == -1)
		goto fail;
	json_decref(found);
	return 0;
fail:
	json_decref(found);
	return -1;
}
