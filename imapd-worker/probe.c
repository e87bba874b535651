/*
 * probe.c - a link test: is there an inbox, is there a Sent folder, may both
 * be selected? Two steps for the store, then goodbye.
 */
#include "clock.h"
#include "engine.h"
#include "messages.h"

#include <string.h>

static void
tell(struct engine *e, enum step step, bool ok, bool last, const char *code, struct slice detail)
{
	uint64_t now = clock_ms();
	struct msg_worker_step m = { .step = (uint8_t)step, .ok = ok, .last = last, .code = slice_str(code),
		.detail = detail, .ms = (uint32_t)(now - e->step_since) };

	m.detail.n = m.detail.n > LIM_DETAIL ? LIM_DETAIL : m.detail.n;
	if (m.detail.n > 0 && memchr(m.detail.p, '\0', m.detail.n) != NULL)
		m.detail = SLICE_NONE;
	e->step_since = now;
	report_send(&e->report, MSG_worker_step, &m, -1);
}

void
probe_failed(struct engine *e, enum step step, const char *code, struct slice detail)
{
	/* The step is told once; what goes wrong while leaving is nobody's business. */
	if (e->state == ENGINE_LEAVE)
		return;
	tell(e, step, false, true, code, detail);
	e->state = ENGINE_LEAVE;
	engine_drain(e);
}

/* The configured name, if there is one, must be that folder. */
static bool
is_named(const struct folder *f, const struct wbuf *name)
{
	return name->n == 0 || slice_eq_str(wbuf_slice(name), f->raw_name) ||
	       slice_case_eq_str(wbuf_slice(name), f->raw_name) || slice_eq_str(wbuf_slice(name), f->name);
}

/* True: the folder is selected. Otherwise it is on its way, or the probe failed. */
static bool
reach(struct engine *e, enum step step, struct folder *f, const struct wbuf *name)
{
	if (f == NULL || !f->selectable || !is_named(f, name)) {
		probe_failed(e, step, "sync.folder_missing", wbuf_slice(name));
		return false;
	}
	if (f->failures > 0) {
		probe_failed(e, step, e->refusal, slice_str(f->name));
		return false;
	}
	return select_folder(e, f);
}

/* A mailbox without a Sent folder can be linked all the same (it may only
 * receive, or gets one with the first mail sent): a warning, not a failure. */
static void
sent_step(struct engine *e)
{
	struct folder *sent = folders_role(&e->folders, MBOX_SENT);

	if (sent == NULL && e->sent.n == 0)
		tell(e, STEP_SENT, true, true, "sync.sent_folder_unknown", SLICE_NONE);
	else if (reach(e, STEP_SENT, sent, &e->sent))
		tell(e, STEP_SENT, true, true, "", slice_str(sent->name));
	else
		return;
	engine_drain(e);
}

void
probe_turn(struct engine *e)
{
	struct folder *inbox = folders_role(&e->folders, MBOX_INBOX);

	if (e->probe_stage == 0) {
		if (!reach(e, STEP_INBOX, inbox, &e->inbox))
			return;
		tell(e, STEP_INBOX, true, false, "", slice_str(inbox->name));
		e->probe_stage = 1;
	}
	sent_step(e);
}
