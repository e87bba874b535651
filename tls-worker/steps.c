#include "steps.h"


#include "child.h"
#include "clock.h"
#include "log.h"

void
steps_begin(struct steps *s, enum step step)
{
	s->current = step;
	s->since = clock_ms();
}

void
steps_tell(const struct steps *s, enum step step, uint32_t ms, const char *code, const char *detail)
{
	struct msg_stream_step m = {
		.ticket = s->ticket,
		.step = (uint8_t)step,
		.ok = code == NULL,
		.code = slice_str(code),
		.detail = slice_str(detail),
		.ms = ms,
	};

	if (m.detail.n > LIM_DETAIL)
		m.detail.n = LIM_DETAIL;
	if (send_stream_step(child.master, &m) == -1)
		log_warn("step not told ticket=%016llx", (unsigned long long)s->ticket);
}

void
steps_ok(const struct steps *s)
{
	steps_tell(s, s->current, (uint32_t)(clock_ms() - s->since), NULL, NULL);
}

void
steps_fail(const struct steps *s, const char *code, const char *detail)
{
	steps_tell(s, s->current, (uint32_t)(clock_ms() - s->since), code, detail);
}
