/*
 * posternctl vault: options, init (no daemon needed), status.
 */
#include "ctl_vault.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

#define KEY_DEFAULT POSTERN_SYSCONFDIR "/postern/vault.key"

/* ---- options ---- */

static void
take_work(const char *text, struct key_work *out)
{
	char *end;
	unsigned long ops = strtoul(text, &end, 10), mib = *end == ':' ? strtoul(end + 1, &end, 10) : 0;

	if (*end != '\0' || ops > LIM_WRAP_OPS || mib > LIM_WRAP_KIB / 1024)
		ctl_usage();
	*out = (struct key_work){ (uint32_t)ops, (uint32_t)mib * 1024 };
	if (!key_work_valid(*out))
		ctl_fail(CTL_USAGE, "-work: 1 to %d passes over %d to %d MiB", LIM_WRAP_OPS, LIM_WRAP_KIB_MIN / 1024,
		    LIM_WRAP_KIB / 1024);
}

/* One option and, where it has one, its value; how many words that were. 0:
 * no such option. */
static int
take_option(struct vault_args *a, const char *name, const char *value, unsigned int allowed)
{
	struct {
		const char *name;
		unsigned int bit;
		bool *flag;
		const char **text;
	} const options[] = { { "-k", VOPT_KEY, NULL, &a->key }, { "-p", VOPT_PUB, NULL, &a->pub },
		{ "-u", VOPT_SOCKET, NULL, &a->socket }, { "-wrapped", VOPT_WRAPPED, &a->wrapped, NULL },
		{ "-plain", VOPT_PLAIN, &a->plain, NULL }, { "-", VOPT_STDIN, &a->from_stdin, NULL } };

	if ((allowed & VOPT_WORK) != 0 && strcmp(name, "-work") == 0 && value != NULL) {
		take_work(value, &a->work);
		return 2;
	}
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if ((allowed & options[i].bit) == 0 || strcmp(name, options[i].name) != 0)
			continue;
		if (options[i].flag != NULL) {
			*options[i].flag = true;
			return 1;
		}
		if (value != NULL) {
			*options[i].text = value;
			return 2;
		}
	}
	return 0;
}

void
vault_args_parse(struct vault_args *a, int argc, char **argv, unsigned int allowed)
{
	const char *slash = strrchr(ctl_options.socket, '/');
	int used;

	*a = (struct vault_args){ .key = KEY_DEFAULT, .work = KEY_WORK_DEFAULT };
	for (int i = 0; i < argc; i += used)
		if ((used = take_option(a, argv[i], i + 1 < argc ? argv[i + 1] : NULL, allowed)) == 0)
			ctl_usage();
	if (a->pub == NULL) {
		vault_pub_name(a->key, a->pub_buf, sizeof(a->pub_buf));
		a->pub = a->pub_buf;
	}
	if (a->socket == NULL) {
		snprintf(a->socket_buf, sizeof(a->socket_buf), "%.*svault.sock",
		    slash != NULL ? (int)(slash + 1 - ctl_options.socket) : 0, ctl_options.socket);
		a->socket = a->socket_buf;
	}
	if (sodium_init() == -1)
		ctl_fail(CTL_REFUSED, "libsodium does not start");
}

/* ---- init ---- */

int
cmd_vault_init(int argc, char **argv)
{
	char text[PUBLIC_KEY_TEXT];
	struct vault_args a;
	struct key_pair *p;

	vault_args_parse(&a, argc, argv, VOPT_KEY | VOPT_PUB | VOPT_WRAPPED | VOPT_WORK | VOPT_STDIN);
	p = pair_new();
	p->work = a.work;
	crypto_box_keypair(p->public, p->secret);
	if (a.wrapped)
		pair_new_passphrase(p, a.from_stdin);
	pair_write(p, a.key, false);
	/* Beside a new key an older public file means nothing any more. */
	pair_write_public(p, a.pub);
	vault_key_text(p->public, text);
	pair_free(p);
	if (ctl_options.json)
		json_show(json_pack("{ss ss ss}", "key", a.key, "pub", a.pub, "publicKey", text));
	else
		printf("secret key  %s  (keep a copy in a safe place: without it%s no stored credential opens)\n"
		       "public key  %s\n            %s\n", a.key, a.wrapped ? " and its passphrase" : "", a.pub, text);
	return 0;
}

/* ---- status ---- */

/* "locked passphrase rotating public-key=HEX source=PATH": the source is the last. */
static void
read_words(const char *text, struct vault_said *s)
{
	const char *source = strstr(text, " source=");
	char words[LIM_DETAIL + 3];

	snprintf(words, sizeof(words), " %.*s ", source != NULL ? (int)(source - text) : (int)strlen(text), text);
	s->running = strstr(words, " not running ") == NULL;
	s->locked = strstr(words, " unlocked ") == NULL;
	s->passphrase = strstr(words, " passphrase ") != NULL;
	s->rotating = strstr(words, " rotating ") != NULL;
	s->sealed_only = strstr(words, " sealed-only ") != NULL;
	snprintf(s->source, sizeof(s->source), "%s", source != NULL ? source + strlen(" source=") : "");
}

void
vault_ask(const char *ats, struct vault_said *s)
{
	char text[LIM_DETAIL + 1];
	struct ctl f;
	bool got = false;

	conn_open();
	conn_ask(CTL_vault_status, &(struct ctl_vault_status){ .ats = slice_str(ats) });
	while (conn_next(&f)) {
		if (f.type != CTL_vault || f.vault.public_key.n != KEY_PUBLIC_N ||
		    slice_copy(f.vault.text, text, sizeof(text)) == -1)
			continue;
		memcpy(s->public, f.vault.public_key.p, KEY_PUBLIC_N);
		read_words(text, s);
		got = true;
	}
	conn_check(&f);
	if (!got)
		ctl_fail(CTL_REFUSED, "posternd does not know the vault's key");
}

int
cmd_vault_status(int argc, char **argv)
{
	static const char *const words[] = { [PIN_NONE] = "no pinned file", [PIN_SAME] = "same as",
		[PIN_OTHER] = "DIFFERENT from" };
	char text[PUBLIC_KEY_TEXT];
	struct vault_said s;
	struct vault_args a;
	const char *state;
	enum pin pin;

	vault_args_parse(&a, argc, argv, VOPT_KEY | VOPT_PUB);
	vault_ask("", &s);
	vault_key_text(s.public, text);
	pin = vault_key_pinned(a.pub, s.public);
	state = !s.running ? "not running" : s.locked ? "locked" : "unlocked";
	if (ctl_options.json)
		json_show(json_pack("{ss ss so sb sb so}", "state", state, "publicKey", text, "pinned",
		    pin == PIN_NONE ? json_null() : json_boolean(pin == PIN_SAME), "passphrase", s.passphrase, "rotating",
		    s.rotating, "source", text_json(slice_str(s.source))));
	else
		printf("vault       %s%s\nkey         %s%s\npublic key  %s\npinned      %s %s\n", state,
		    s.rotating ? ", its key is being renewed" : "", safe_text(slice_str(s.source)),
		    s.passphrase ? ", with a passphrase" : "", text, words[pin], a.pub);
	return pin == PIN_OTHER || !s.running || s.locked ? CTL_REFUSED : 0;
}
