/*
 * posternctl link: add, test, pause, resume, remove.
 */
#include "ctl_link.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl.h"
#include "ctl_vault.h"
#include "error_codes.h"
#include "secret.h"

/* ---- the steps of a test, as they come ---- */

static json_t *steps;

static void
step_json(const struct ctl_step *s)
{
	const struct error_code *e = error_code_find(s->code);

	(void)json_array_append_new(steps,
	    json_pack("{ss ss sb so so so si}", "service", word_text(words_service, s->service), "step",
		word_text(words_step, s->step), "ok", s->ok, "code", text_json(s->code), "hint",
		s->ok ? json_null() : json_string(e->hint), "detail", text_json(s->detail), "ms", (int)s->ms));
}

static void
step_line(const struct ctl_step *s)
{
	printf("%-5s %-11s %-6s %6u ms", word_text(words_service, s->service), word_text(words_step, s->step),
	    s->ok ? "ok" : "FAILED", s->ms);
	if (s->ok)
		printf("%s%s\n", s->detail.n > 0 ? "  " : "", safe_text(s->detail));
	else {
		printf("  %s\n", safe_text(s->code));
		if (s->detail.n > 0)
			printf("      %s\n", safe_text(s->detail));
		printf("      %s\n", error_code_find(s->code)->hint);
	}
	fflush(stdout);
}

/* All answers of a change; prints what became of it. */
static int
finish(const char *what)
{
	struct ctl f;
	bool ok;

	steps = json_array();
	while (conn_next(&f)) {
		if (f.type == CTL_step && ctl_options.json)
			step_json(&f.step);
		else if (f.type == CTL_step)
			step_line(&f.step);
	}
	ok = f.done.error.n == 0;
	if (ctl_options.json) {
		char id[32] = "";

		if (f.done.id != 0)
			snprintf(id, sizeof(id), "L%" PRIu64, f.done.id);
		json_show(json_pack("{sb so so so so}", "ok", ok, "id", text_json(slice_str(id)), "error",
		    text_json(f.done.error), "description", text_json(f.done.text), "steps", steps));
	} else if (ok && f.done.id != 0)
		printf("%s L%" PRIu64 "\n", what, f.done.id);
	else if (ok)
		printf("%s\n", what);
	else
		conn_check(&f);
	return ok ? 0 : CTL_REFUSED;
}

/* ---- add ---- */

static void
add_endpoint(struct wbuf *list, enum service service, const struct rec_link *l)
{
	bool imap = service == SERVICE_IMAP;
	char text[SEAL_ENDPOINT_MAX], host[LIM_HOST + 1];

	if (slice_copy(imap ? l->imap_host : l->smtp_host, host, sizeof(host)) == -1 ||
	    seal_endpoint(text, service, imap ? l->imap_security : l->smtp_security, host,
		imap ? l->imap_port : l->smtp_port) == -1)
		ctl_fail(CTL_REFUSED, "the server's name or port cannot be used");
	list_add(list, slice_str(text));
}

/* Ask for one password and seal it; the plain bytes are wiped at once. */
static struct slice
ask_and_seal(const struct link_args *a, const char *prompt, struct slice user, struct wbuf *endpoints,
    const uint8_t *key, uint8_t *out)
{
	char password[LIM_SECRET + 1];
	struct seal_plain p = { .kind = SEAL_KIND_PASSWORD, .ats = slice_str(a->ats), .address = a->link.address,
		.user = user, .endpoints = wbuf_slice(endpoints) };
	struct slice seal;

	p.secret = password_read(a->from_stdin, prompt, password, sizeof(password));
	seal = seal_make(&p, key, out);
	secret_wipe(password, sizeof(password));
	wbuf_free(endpoints);
	return seal;
}

/* One seal for both services, or two when their login names differ. */
static void
make_seals(const struct link_args *a, const uint8_t *key, struct ctl_link_add *m)
{
	static uint8_t first[LIM_SEALED], second[LIM_SEALED];
	const struct rec_link *l = &a->link;
	bool imap = l->imap_host.n > 0, smtp = l->smtp_host.n > 0;
	bool apart = imap && smtp && !slice_eq(l->imap_user, l->smtp_user);
	struct wbuf list = { .max = 4096 }, smtp_list = { .max = 4096 };

	if (imap)
		add_endpoint(&list, SERVICE_IMAP, l);
	if (smtp)
		add_endpoint(apart ? &smtp_list : &list, SERVICE_SMTP, l);
	m->seal = ask_and_seal(a, "Mailbox password: ", imap ? l->imap_user : l->smtp_user, &list, key, first);
	if (apart)
		m->smtp_seal = ask_and_seal(a, "Password for sending: ", l->smtp_user, &smtp_list, key, second);
}

static void
trusted_key(const struct link_args *a, uint8_t key[KEY_PUBLIC_N])
{
	struct vault_said said;
	enum pin pin;

	vault_ask(a->ats, &said);
	memcpy(key, said.public, KEY_PUBLIC_N);
	pin = vault_key_pinned(a->pub, key);
	if (pin == PIN_OTHER)
		ctl_fail(CTL_REFUSED, "%s names another key than the running vault has: nothing was sent", a->pub);
	if (said.sealed_only && pin == PIN_NONE)
		ctl_fail(CTL_REFUSED, "%s takes sealed credentials only, and %s is not there to seal for: no password was asked",
		    a->ats, a->pub);
}

int
cmd_link_add(int argc, char **argv)
{
	uint8_t key[KEY_PUBLIC_N];
	struct link_args a;
	struct wbuf record = { .max = LIM_CTL_RECORD };
	struct ctl_link_add m;

	link_args_parse(&a, argc, argv);
	m = (struct ctl_link_add){ .ats = slice_str(a.ats), .verify = a.verify };
	trusted_key(&a, key);
	make_seals(&a, key, &m);
	rec_link_encode(&record, &a.link);
	if (record.failed)
		ctl_fail(CTL_USAGE, "an argument is too long");
	m.record = wbuf_slice(&record);
	conn_ask(CTL_link_add, &m);
	wbuf_free(&record);
	return finish("linked as");
}

/* ---- the others: ATS and link, and one option ---- */

struct named {
	struct slice ats, link;
	bool flag;
};

static struct named
take_named(int argc, char **argv, const char *option)
{
	struct named n = { 0 };

	if (argc == 3 && option != NULL && strcmp(argv[2], option) == 0)
		n.flag = true;
	else if (argc != 2)
		ctl_usage();
	n.ats = slice_str(argv[0]);
	n.link = slice_str(argv[1]);
	conn_open();
	return n;
}

int
cmd_link_test(int argc, char **argv)
{
	struct named n = take_named(argc, argv, "-send");

	conn_ask(CTL_link_test, &(struct ctl_link_test){ .ats = n.ats, .link = n.link, .send_test = n.flag });
	return finish("all steps passed");
}

int
cmd_link_pause(int argc, char **argv)
{
	struct named n = take_named(argc, argv, NULL);

	conn_ask(CTL_link_pause, &(struct ctl_link_pause){ .ats = n.ats, .link = n.link, .paused = true });
	return finish("paused");
}

int
cmd_link_resume(int argc, char **argv)
{
	struct named n = take_named(argc, argv, NULL);

	conn_ask(CTL_link_pause, &(struct ctl_link_pause){ .ats = n.ats, .link = n.link, .paused = false });
	return finish("resumed");
}

int
cmd_link_remove(int argc, char **argv)
{
	struct named n = take_named(argc, argv, "-keep-notes");
	int r;

	conn_ask(CTL_link_remove, &(struct ctl_link_remove){ .ats = n.ats, .link = n.link, .keep_notes = n.flag });
	r = finish("removed");
	if (r == 0 && !ctl_options.json)
		printf("Its app password is still valid at the provider: revoke it there.\n");
	return r;
}
