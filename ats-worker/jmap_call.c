/*
 * jmap_call.c - what methods use of their call, but its end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jmap.h"

void
call_bad_argument(struct jmap_call *call, const char *name)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "the argument %.64s has a wrong type or value", name);
	call_error(call, "invalidArguments", text);
}

void
call_store_error(struct jmap_call *call, const struct store_answer *a)
{
	call_error(call, a->error, NULL);
}

static bool
listed(const char *name, const char *const *list)
{
	for (; list != NULL && *list != NULL; list++)
		if (strcmp(name, *list) == 0)
			return true;
	return false;
}

bool
call_arguments_known(struct jmap_call *call, const char *const *a, const char *const *b)
{
	const char *name;
	json_t *value;

	json_object_foreach(call->args, name, value) {
		char text[128];

		if (strcmp(name, "accountId") == 0 || listed(name, a) || listed(name, b))
			continue;
		(void)snprintf(text, sizeof(text), "unknown argument %.64s", name);
		call_error(call, "invalidArguments", text);
		return false;
	}
	return true;
}

void *
call_state(struct jmap_call *call, size_t size, void (*state_free)(void *))
{
	void *state = calloc(1, size);

	if (state == NULL) {
		call_error(call, "serverFail", "out of memory");
		return NULL;
	}
	call->state = state;
	call->state_free = state_free;
	return state;
}

json_t *
account_id_json(uint32_t account)
{
	return account == ACCOUNT_ATS ? json_string("ats") : ju_id('L', account);
}

int
account_id_parse(const char *s, uint32_t *account)
{
	uint64_t id;

	if (strcmp(s, "ats") == 0) {
		*account = ACCOUNT_ATS;
		return 0;
	}
	if (jmap_id_parse(s, 'L', &id) == -1 || id > UINT32_MAX)
		return -1;
	*account = (uint32_t)id;
	return 0;
}

json_t *
call_response(const struct jmap_call *call)
{
	json_t *o = json_object();

	ju_set(o, "accountId", account_id_json(call->account));
	return o;
}
