#include "email_maps.h"

#include <string.h>

int
email_keyword(const char *in, char out[256])
{
	size_t n = strlen(in);

	if (n == 0 || n > 255)
		return -1;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)in[i];

		if (c <= ' ' || c >= 0x7f || strchr("(){]%*\"\\", c) != NULL)
			return -1;
		out[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
	}
	out[n] = '\0';
	return 0;
}

const char *
email_keywords_read(json_t *map, struct wbuf *w)
{
	const char *key;
	json_t *value;
	char word[256];

	if (map != NULL && !json_is_null(map) && !json_is_object(map))
		return "an object of keyword: true";
	json_object_foreach(map, key, value) {
		if (!json_is_true(value) || email_keyword(key, word) == -1)
			return "an object of keyword: true";
		if (w->n > 0)
			w_raw(w, " ", 1);
		w_raw(w, word, strlen(word));
	}
	return w->failed ? "too many keywords" : NULL;
}

const char *
email_mailboxes_read(const struct jmap_call *call, json_t *map, struct wbuf *w)
{
	const char *key, *id;
	json_t *value;
	uint64_t n;

	if (json_object_size(map) == 0)
		return "at least one mailbox is needed";
	json_object_foreach(map, key, value) {
		if (!json_is_true(value) || (id = call_resolve_id(call, key)) == NULL ||
		    jmap_id_parse(id, 'M', &n) == -1)
			return "an object of mailbox id: true";
		ids_add(w, n);
	}
	return w->failed ? "too many mailboxes" : NULL;
}
