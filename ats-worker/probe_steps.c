#include "probe_steps.h"

#include "error_codes.h"
#include "json_util.h"
#include "words.h"

static const char *
step_name(uint8_t step)
{
	const char *word = word_of(words_step, step);

	return word != NULL ? word : "unknown";
}

json_t *
probe_step_json(const struct msg_probe_step *m)
{
	json_t *o = json_object();

	ju_set(o, "service", json_string(m->service == SERVICE_IMAP ? "imap" : "smtp"));
	ju_set(o, "step", json_string(step_name(m->step)));
	ju_set(o, "ok", json_boolean(m->ok));
	ju_set(o, "code", ju_str_or_null(m->code));
	ju_set(o, "hint", m->code.n > 0 ? json_string(error_code_find(m->code)->hint) : json_null());
	ju_set(o, "detail", ju_str_or_null(m->detail));
	ju_set(o, "ms", ju_uint(m->ms));
	return o;
}

json_t *
error_json(struct slice code, struct slice detail, uint64_t since)
{
	const struct error_code *row = error_code_find(code);
	json_t *o;

	if (code.n == 0)
		return json_null();
	o = json_object();
	ju_set(o, "code", ju_str(code));
	ju_set(o, "class", json_stringn(&row->class, 1));
	ju_set(o, "hint", json_string(row->hint));
	ju_set(o, "detail", ju_str_or_null(detail));
	ju_set(o, "since", ju_date(since));
	return o;
}
