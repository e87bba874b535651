/* posternctl monitor: what a person reads of what posternd tells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ctl.h"

/* What posternd says, in order. */
static struct said {
	struct ctl_watched w;
	struct rec_link l;	/* of a link that is there */
	bool row;
} said[32];
static size_t nsaid, at;
static struct wbuf record;

void
conn_open(void)
{
}

bool
conn_reachable(void)
{
	return true;
}

void
conn_check(const struct ctl *d)
{
	(void)d;
}

void
conn_ask(enum ctl_type type, const void *fields)
{
	assert_int_equal(type, CTL_monitor);
	assert_true(slice_eq_str(((const struct ctl_monitor *)fields)->ats, ""));
}

bool
conn_next(struct ctl *f)
{
	if (at == nsaid)
		return false;
	*f = (struct ctl){ .type = CTL_watched, .watched = said[at].w };
	if (said[at].row) {
		wbuf_reset(&record);
		rec_link_encode(&record, &said[at].l);
		f->watched.record = wbuf_slice(&record);
	}
	at++;
	return true;
}

static void
say(struct ctl_watched w)
{
	w.ats = slice_str("agency");
	said[nsaid++] = (struct said){ .w = w };
}

/* Link 7 of that state, so far in the headers. */
static struct rec_link *
say_link(enum link_state state, enum sync_phase phase, uint32_t done, uint32_t total)
{
	say((struct ctl_watched){ .what = WATCHED_LINK, .link = 7 });
	said[nsaid - 1].row = true;
	said[nsaid - 1].l = (struct rec_link){ .address = slice_str("anna@example.org"), .mode = MODE_TWO_WAY,
		.state = (uint8_t)state, .phase = (uint8_t)phase, .done = done, .total = total };
	return &said[nsaid - 1].l;
}

/* What it prints, without the time that each line begins with. */
static const char *
printed(void)
{
	static char raw[8192], text[8192];
	int fd = memfd_create("out", 0), was = dup(STDOUT_FILENO);
	size_t n = 0;
	ssize_t got;

	fflush(stdout);
	assert_true(fd != -1 && dup2(fd, STDOUT_FILENO) != -1);
	at = 0;
	(void)cmd_monitor(0, NULL);
	fflush(stdout);
	(void)dup2(was, STDOUT_FILENO);
	got = pread(fd, raw, sizeof(raw) - 1, 0);
	assert_true(got >= 0);
	raw[got] = '\0';
	for (char *line = raw, *nl; (nl = strchr(line, '\n')) != NULL; line = nl + 1) {
		*nl = '\0';
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s\n", line + strcspn(line, " ") + 2);
	}
	text[n] = '\0';
	close(fd);
	close(was);
	nsaid = 0;
	return text;
}

#define ANNA "agency  L7  anna@example.org  "

static void
links(void **state)
{
	static const char *const lines[] = {
		ANNA "state     connecting: The first login is under way. (connecting)\n",
		ANNA "progress  headers 0/0 0% 0.0/s\n",
		ANNA "progress  headers 150/400 37% 12.5/s, left: 21 s\n",
		ANNA "progress  bodies 150/400 37% 0.7/s, left: 10 min\n",
		ANNA "progress  bodies 399/400 99% 0.0/s\n",
		ANNA "state     live\n",
		"(net.reset)\n",
		"(net.timeout)\n",
		ANNA "removed   \n",
		"(net.timeout)\n",
	};
	struct rec_link *l;
	const char *text;

	(void)state;
	(void)say_link(LINK_CONNECTING, PHASE_NONE, 0, 0);
	(void)say_link(LINK_CONNECTING, PHASE_NONE, 0, 0);	/* nothing is new */
	(void)say_link(LINK_SYNCING, PHASE_HEADERS, 0, 0);
	l = say_link(LINK_SYNCING, PHASE_HEADERS, 150, 400);
	l->rate = 125;
	l->left = 21;
	l = say_link(LINK_SYNCING, PHASE_HEADERS, 150, 400);
	l->rate = 100;		/* of no news a line is not made */
	l = say_link(LINK_SYNCING, PHASE_BODIES, 150, 400);
	l->rate = 7;
	l->left = 600;
	(void)say_link(LINK_SYNCING, PHASE_BODIES, 399, 400);
	(void)say_link(LINK_LIVE, PHASE_LIVE, 400, 400);
	l = say_link(LINK_OFFLINE, PHASE_LIVE, 400, 400);
	l->error_code = slice_str("net.reset");
	l = say_link(LINK_OFFLINE, PHASE_LIVE, 400, 400);
	l->error_code = slice_str("net.timeout");
	say((struct ctl_watched){ .what = WATCHED_LINK, .link = 7 });
	l = say_link(LINK_OFFLINE, PHASE_LIVE, 400, 400);	/* made anew: seen anew */
	l->error_code = slice_str("net.timeout");
	text = printed();
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		const char *p = strstr(text, lines[i]);

		if (p == NULL)
			fail_msg("no \"%s\" in:\n%s", lines[i], text);
		text = p + strlen(lines[i]);
	}
}

static size_t
count(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)) != NULL; text++)
		n++;
	return n;
}

/* Once for each change, and links of the same number in two ATS blocks are two. */
static void
no_more_than_changes(void **state)
{
	const char *text;

	(void)state;
	say((struct ctl_watched){ .what = WATCHED_LINK, .link = 7 });	/* of the test before */
	(void)printed();
	for (int i = 0; i < 3; i++)
		(void)say_link(LINK_LIVE, PHASE_LIVE, 4, 4);
	(void)say_link(LINK_LIVE, PHASE_BODIES, 4, 9);
	said[nsaid++] = said[0];
	said[nsaid - 1].w.ats = slice_str("bureau");
	text = printed();
	assert_int_equal(count(text, ANNA "state     live\n"), 1);
	assert_int_equal(count(text, ANNA "progress  bodies 4/9 44%"), 1);
	assert_int_equal(count(text, "bureau  L7  anna@example.org  state     live\n"), 1);
	assert_int_equal(count(text, "\n"), 3);
}

static void
mail_and_losses(void **state)
{
	const char *text;

	(void)state;
	say((struct ctl_watched){ .what = WATCHED_MAIL, .link = 9, .count = 3 });
	say((struct ctl_watched){ .what = WATCHED_SEND, .link = 9, .id = 5, .state = SUB_FAILED, .count = 2,
	    .code = slice_str("send.\033x") });
	say((struct ctl_watched){ .what = WATCHED_LOST, .count = 41 });
	text = printed();
	assert_string_equal(text, "agency  L9  -  mail      3 new\n"
				  "agency  L9  -  send      S5 failed, recipients: 2, send.\\x1bx\n"
				  "41 events were left out: too many at once\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(links), cmocka_unit_test(no_more_than_changes),
		cmocka_unit_test(mail_and_losses) };

	wbuf_init(&record, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
