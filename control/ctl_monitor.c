/*
 * posternctl monitor: one line for each thing that happens, until interrupted.
 * Of a link only what is new in it is a line.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl.h"
#include "messages.h"

/* A link as it was shown last. */
struct shown {
	char ats[LIM_ATS_NAME + 1], address[LIM_ADDRESS * 4 + 1], code[LIM_CODE + 1];
	uint32_t no, done, total;
	uint8_t state, phase;
};

static struct shown *all;
static size_t nall;

static struct shown *
shown_of(const struct ctl_watched *w, bool *is_new)
{
	struct shown *p;

	*is_new = false;
	for (size_t i = 0; i < nall; i++)
		if (all[i].no == w->link && slice_eq_str(w->ats, all[i].ats))
			return &all[i];
	if ((p = realloc(all, (nall + 1) * sizeof(*p))) == NULL)
		ctl_fail(CTL_REFUSED, "out of memory");
	all = p;
	p = &all[nall++];
	*p = (struct shown){ .no = w->link };
	(void)slice_copy(w->ats, p->ats, sizeof(p->ats));
	*is_new = true;
	return p;
}

/* ---- one line ---- */

static void
line(const struct shown *s, const char *what, const char *text)
{
	printf("%s  %s  L%u  %s  %-8s  %s\n", time_text((uint64_t)time(NULL)), s->ats, s->no,
	    s->address[0] != '\0' ? s->address : "-", what, text);
}

/* One object on one line; takes over more, whose members it gets. */
static void
object(const struct shown *s, const char *what, json_t *more)
{
	char id[32];
	json_t *o;

	snprintf(id, sizeof(id), "L%u", s->no);
	o = json_pack("{so ss ss ss ss}", "at", time_json((uint64_t)time(NULL)), "ats", s->ats, "link", id, "address",
	    s->address, "event", what);
	if (o == NULL || more == NULL || json_object_update(o, more) == -1 || json_dumpf(o, stdout, 0) == -1)
		ctl_fail(CTL_REFUSED, "out of memory");
	putchar('\n');
	json_decref(o);
	json_decref(more);
}

/* ---- links ---- */

static void
show_state(const struct shown *s, const struct rec_link *l)
{
	const char *code, *why = link_why(l, &code);
	char text[1024];

	if (ctl_options.json) {
		object(s, "state", json_pack("{ss so so}", "state", word_text(words_link_state, l->state), "code",
		    text_json(l->error_code), "why", why != NULL ? json_string(why) : json_null()));
		return;
	}
	snprintf(text, sizeof(text), "%s%s%s%s%s%s", word_text(words_link_state, l->state), why != NULL ? ": " : "",
	    why != NULL ? why : "", why != NULL ? " (" : "", why != NULL ? code : "", why != NULL ? ")" : "");
	line(s, "state", text);
}

static void
show_progress(const struct shown *s, const struct rec_link *l)
{
	char text[256];

	if (ctl_options.json) {
		object(s, "progress", link_progress_json(l));
		return;
	}
	snprintf(text, sizeof(text), "%s %u/%u %u%% %u.%u/s%s%s", word_text(words_phase, l->phase), l->done, l->total,
	    link_percent(l), l->rate / 10, l->rate % 10, l->left != 0 ? ", left: " : "",
	    span_text(l->left, l->left != 0));
	line(s, "progress", text);
}

static void
forget(struct shown *s)
{
	if (ctl_options.json)
		object(s, "removed", json_object());
	else
		line(s, "removed", "");
	*s = all[--nall];
}

static void
link_event(const struct ctl_watched *w)
{
	struct rec_link l;
	bool is_new;
	struct shown *s = shown_of(w, &is_new);

	if (w->record.n == 0) {
		forget(s);
		return;
	}
	if (rec_link_decode(w->record, &l) == -1)
		ctl_fail(CTL_UNREACHABLE, "posternd sent what this posternctl does not understand");
	snprintf(s->address, sizeof(s->address), "%s", safe_text(l.address));
	if (is_new || s->state != l.state || !slice_eq_str(l.error_code, s->code))
		show_state(s, &l);
	if (link_counts(&l) && (s->phase != l.phase || s->done != l.done || s->total != l.total))
		show_progress(s, &l);
	s->state = l.state;
	s->phase = l.phase;
	s->done = l.done;
	s->total = l.total;
	(void)slice_copy(l.error_code, s->code, sizeof(s->code));
}

/* ---- mail ---- */

static void
mail_event(const struct ctl_watched *w)
{
	bool is_new;
	const struct shown *s = shown_of(w, &is_new);
	char text[64];

	snprintf(text, sizeof(text), "%u new", w->count);
	if (ctl_options.json)
		object(s, "mail", json_pack("{si}", "count", (int)w->count));
	else
		line(s, "mail", text);
}

static void
send_event(const struct ctl_watched *w)
{
	bool is_new;
	const struct shown *s = shown_of(w, &is_new);
	char id[32], text[256];

	snprintf(id, sizeof(id), "S%" PRIu64, w->id);
	if (ctl_options.json) {
		object(s, "send", json_pack("{ss ss si so}", "id", id, "state",
		    word_text(words_submission_state, w->state), "recipients", (int)w->count, "code",
		    text_json(w->code)));
		return;
	}
	snprintf(text, sizeof(text), "%s %s, recipients: %u%s%s", id, word_text(words_submission_state, w->state),
	    w->count, w->code.n > 0 ? ", " : "", w->code.n > 0 ? safe_text(w->code) : "");
	line(s, "send", text);
}

static void
lost_event(const struct ctl_watched *w)
{
	if (ctl_options.json)
		json_show(json_pack("{so ss si}", "at", time_json((uint64_t)time(NULL)), "event", "lost", "count",
		    (int)w->count));
	else
		printf("%s  %u events were left out: too many at once\n", time_text((uint64_t)time(NULL)), w->count);
}

static void
event(const struct ctl *f)
{
	if (f->type != CTL_watched)
		ctl_fail(CTL_UNREACHABLE, "posternd sent what this posternctl does not understand");
	switch (f->watched.what) {
	case WATCHED_LINK:
		link_event(&f->watched);
		break;
	case WATCHED_MAIL:
		mail_event(&f->watched);
		break;
	case WATCHED_SEND:
		send_event(&f->watched);
		break;
	default:
		lost_event(&f->watched);
	}
}

int
cmd_monitor(int argc, char **argv)
{
	struct ctl f;

	if (argc > 1)
		ctl_usage();
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	conn_open();
	conn_ask(CTL_monitor, &(struct ctl_monitor){ .ats = argc == 1 ? slice_str(argv[0]) : SLICE_NONE });
	while (conn_next(&f) && ferror(stdout) == 0)
		event(&f);
	conn_check(&f);
	return 0;
}
