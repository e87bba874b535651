#include "filters.h"

#include "jmap_date.h"

enum filter_result
filter_id(const json_t *v, char letter, uint64_t *out)
{
	if (!json_is_string(v))
		return FILTER_INVALID;
	if (jmap_id_parse(json_string_value(v), letter, out) == -1)
		*out = UINT64_MAX;
	return FILTER_OK;
}

enum filter_result
filter_account(const json_t *v, uint32_t *out)
{
	if (!json_is_string(v))
		return FILTER_INVALID;
	if (account_id_parse(json_string_value(v), out) == -1 || *out == ACCOUNT_ATS)
		*out = UINT32_MAX;
	return FILTER_OK;
}

enum filter_result
filter_word(const json_t *v, word_table w, uint8_t *out)
{
	int n = word_number(w, v);

	if (n == -1)
		return FILTER_INVALID;
	*out = (uint8_t)n;
	return FILTER_OK;
}

enum filter_result
filter_date(const json_t *v, uint64_t *out)
{
	if (!json_is_string(v) || jmap_date_parse(json_string_value(v), true, out) == -1)
		return FILTER_INVALID;
	if (*out == 0)
		*out = 1;	/* zero is "no bound" in the record */
	return FILTER_OK;
}

enum filter_result
filter_text(const json_t *v, size_t max, struct slice *out)
{
	*out = ju_slice(v);
	return json_is_string(v) && out->n <= max ? FILTER_OK : FILTER_INVALID;
}
