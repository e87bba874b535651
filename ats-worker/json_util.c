#include "json_util.h"

#include <stdlib.h>
#include <string.h>

#include "jmap_date.h"
#include "limits.h"

static bool failed;

void
ju_fail(void)
{
	failed = true;
}

bool
ju_failed_take(void)
{
	bool was = failed;

	failed = false;
	return was;
}

/* Jansson's own bound is 2048 levels of recursion: more than a client needs
 * and than the later walks of a tree should take. */
bool
ju_depth_ok(struct slice text, size_t max)
{
	size_t depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"')
			in_string = true;
		else if ((c == '{' || c == '[') && ++depth > max)
			return false;
		else if ((c == '}' || c == ']') && depth > 0)
			depth--;
	}
	return true;
}

json_t *
ju_parse(struct slice text)
{
	if (text.n == 0 || !ju_depth_ok(text, LIM_JSON_DEPTH))
		return NULL;
	return json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
}

/* Most text is: looked at in words, where Jansson looks at code points. */
static bool
is_ascii(struct slice s)
{
	uint64_t word, seen = 0;
	size_t i;

	for (i = 0; i + sizeof(word) <= s.n; i += sizeof(word)) {
		memcpy(&word, s.p + i, sizeof(word));
		seen |= word;
	}
	for (; i < s.n; i++)
		seen |= s.p[i];
	return (seen & 0x8080808080808080u) == 0;
}

void
ju_set(json_t *obj, const char *key, json_t *val)
{
	int done = is_ascii(slice_str(key)) ? json_object_set_new_nocheck(obj, key, val)
					    : json_object_set_new(obj, key, val);

	if (done == -1)
		failed = true;
}

void
ju_push(json_t *array, json_t *val)
{
	if (json_array_append_new(array, val) == -1)
		failed = true;
}

/* ---- strings ---- */

static bool
is_tail(uint8_t c)
{
	return (c & 0xc0) == 0x80;
}

/* Length of the valid UTF-8 sequence at s, 0 if there is none. */
static size_t
utf8_len(const uint8_t *s, size_t n)
{
	if (s[0] < 0x80)
		return 1;
	if (n >= 2 && s[0] >= 0xc2 && s[0] <= 0xdf && is_tail(s[1]))
		return 2;
	if (n >= 3 && (s[0] & 0xf0) == 0xe0 && is_tail(s[1]) && is_tail(s[2]))
		return (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ? 0 : 3;
	if (n >= 4 && s[0] >= 0xf0 && s[0] <= 0xf4 && is_tail(s[1]) && is_tail(s[2]) && is_tail(s[3]))
		return (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f) ? 0 : 4;
	return 0;
}

static json_t *
str_repaired(struct slice s)
{
	char *out = s.n < SIZE_MAX / 3 ? malloc(s.n * 3 + 1) : NULL;
	size_t at = 0, len;
	json_t *v;

	if (out == NULL)
		return NULL;
	for (size_t i = 0; i < s.n; i += len > 0 ? len : 1) {
		len = utf8_len(s.p + i, s.n - i);
		memcpy(out + at, len > 0 ? (const char *)s.p + i : "\xef\xbf\xbd", len > 0 ? len : 3);
		at += len > 0 ? len : 3;
	}
	v = json_stringn(out, at);
	free(out);
	return v;
}

json_t *
ju_str(struct slice s)
{
	const char *p = s.n > 0 ? (const char *)s.p : "";
	json_t *v = is_ascii(s) ? json_stringn_nocheck(p, s.n) : json_stringn(p, s.n);

	return v != NULL ? v : str_repaired(s);
}

json_t *
ju_str_or_null(struct slice s)
{
	return s.n > 0 ? ju_str(s) : json_null();
}

json_t *
ju_strings(struct slice list)
{
	json_t *a = json_array();
	struct slice item;

	while (a != NULL && list_next(&list, &item))
		ju_push(a, ju_str(item));
	return a;
}

/* ---- numbers, dates, ids ---- */

json_t *
ju_uint(uint64_t v)
{
	return json_integer((json_int_t)(v < JMAP_UINT_MAX ? v : JMAP_UINT_MAX));
}

json_t *
ju_date(uint64_t seconds)
{
	char text[JMAP_DATE_MAX];

	if (seconds == 0)
		return json_null();
	jmap_date_print(text, seconds);
	return json_string_nocheck(text);
}

json_t *
ju_id(char letter, uint64_t id)
{
	char text[JMAP_ID_MAX];

	if (id == 0)
		return json_null();
	jmap_id_print(text, letter, id);
	return json_string_nocheck(text);
}

json_t *
ju_ids(char letter, struct slice packed)
{
	json_t *a = json_array();

	for (size_t i = 0; a != NULL && i < ids_count(packed); i++)
		ju_push(a, ju_id(letter, ids_at(packed, i)));
	return a;
}

json_t *
ju_state(uint64_t epoch, uint64_t state)
{
	char text[JMAP_STATE_MAX];

	jmap_state_print(text, epoch, state);
	return json_string_nocheck(text);
}

json_t *
ju_blob_raw(uint64_t blob)
{
	return ju_id('B', blob);
}

json_t *
ju_blob_part(uint64_t email, struct slice part)
{
	char text[JMAP_ID_MAX];

	jmap_blob_print_part(text, email, part);
	return ju_str(slice_str(text));	/* the part is named by who read the message */
}

struct slice
ju_slice(const json_t *v)
{
	return json_is_string(v) ? slice_mem(json_string_value(v), json_string_length(v)) : SLICE_NONE;
}

int
ju_get_uint(const json_t *v, uint64_t *out)
{
	json_int_t n = json_integer_value(v);

	if (!json_is_integer(v) || n < 0 || n > JMAP_UINT_MAX)
		return -1;
	*out = (uint64_t)n;
	return 0;
}
