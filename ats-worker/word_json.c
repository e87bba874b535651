#include "word_json.h"

json_t *
word_json(word_table w, unsigned int number)
{
	const char *word = word_of(w, number);

	return word != NULL ? json_string(word) : json_null();
}

int
word_number(word_table w, const json_t *v)
{
	return json_is_string(v) ? word_find(w, slice_mem(json_string_value(v), json_string_length(v))) : -1;
}
