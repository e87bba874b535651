#include "ctl_link.h"

#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "seal_format.h"

int
link_endpoint_parse(const char *text, char host[LIM_HOST + 1], uint16_t *port, uint8_t *security)
{
	const char *mode = strrchr(text, ':'), *p = mode, *err = NULL;
	char digits[8];
	struct slice name;
	int sec;

	if (mode == NULL || (sec = word_find(words_security, slice_str(mode + 1))) == -1)
		return -1;
	while (p > text && *--p != ':')
		;
	name = slice_mem(text, (size_t)(p - text));
	if (name.n > 2 && name.p[0] == '[' && name.p[name.n - 1] == ']')
		name = slice_mem(text + 1, name.n - 2);
	if (*p != ':' || slice_copy(slice_mem(p + 1, (size_t)(mode - p - 1)), digits, sizeof(digits)) == -1)
		return -1;
	*port = (uint16_t)strtonum(digits, 1, 65535, &err);
	*security = (uint8_t)sec;
	return err == NULL ? seal_host_canonical(name, host) : -1;
}

static void
take_endpoint(const char *option, const char *text, char host[LIM_HOST + 1], struct slice *out, uint16_t *port,
    uint8_t *security)
{
	if (link_endpoint_parse(text, host, port, security) == -1)
		ctl_fail(CTL_USAGE, "%s %s: host:port:tls or host:port:starttls is needed", option, text);
	*out = slice_str(host);
}

/* ---- options ---- */

/* One option with its value. */
static void
take_option(struct link_args *a, const char *option, const char *value)
{
	struct rec_link *l = &a->link;
	int mode;

	if (strcmp(option, "-imap") == 0)
		take_endpoint(option, value, a->imap_host, &l->imap_host, &l->imap_port, &l->imap_security);
	else if (strcmp(option, "-smtp") == 0)
		take_endpoint(option, value, a->smtp_host, &l->smtp_host, &l->smtp_port, &l->smtp_security);
	else if (strcmp(option, "-user") == 0)
		l->imap_user = slice_str(value);
	else if (strcmp(option, "-smtp-user") == 0)
		l->smtp_user = slice_str(value);
	else if (strcmp(option, "-name") == 0)
		l->name = slice_str(value);
	else if (strcmp(option, "-provider") == 0)
		a->provider = value;
	else if (strcmp(option, "-p") == 0)
		a->pub = value;
	else if (strcmp(option, "-mode") == 0 && (mode = word_find(words_mode, slice_str(value))) != -1)
		l->mode = (uint8_t)mode;
	else
		ctl_usage();
}

static void
take_options(struct link_args *a, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "-") == 0)
			a->from_stdin = true;
		else if (strcmp(argv[i], "-no-verify") == 0)
			a->verify = false;
		else if (i + 1 == argc)
			ctl_usage();
		else {
			take_option(a, argv[i], argv[i + 1]);
			i++;
		}
	}
}

/* ---- providers ---- */

static bool
serves_domain(const struct rec_provider *p, struct slice address)
{
	const uint8_t *at = memrchr(address.p, '@', address.n);
	struct slice list = p->domains, item;
	char domain[LIM_HOST + 1];

	if (at == NULL ||
	    slice_copy(slice_mem(at + 1, (size_t)(address.p + address.n - at - 1)), domain, sizeof(domain)) == -1)
		return false;
	while (list_next(&list, &item))
		if (slice_case_eq_str(item, domain))
			return true;
	return false;
}

static void
use_provider(struct rec_link *l, const struct rec_provider *p)
{
	l->provider = p->id;
	if (l->imap_host.n == 0) {
		l->imap_host = p->imap_host;
		l->imap_port = p->imap_port;
		l->imap_security = p->imap_security;
	}
	if (l->smtp_host.n == 0) {
		l->smtp_host = p->smtp_host;
		l->smtp_port = p->smtp_port;
		l->smtp_security = p->smtp_security;
	}
}

/* The named provider, or the one of the address's domain, into the link. */
static void
find_provider(struct link_args *a)
{
	struct rec_provider p;
	struct ctl f;
	bool found = false;

	conn_open();
	conn_ask(CTL_show_providers, &(struct ctl_show_providers){ 0 });
	while (conn_next(&f)) {
		size_t n;

		if (found || f.type != CTL_provider || (n = f.provider.record.n) > sizeof(a->provider_buf))
			continue;
		memcpy(a->provider_buf, f.provider.record.p, n);
		if (rec_provider_decode(slice_mem(a->provider_buf, n), &p) == -1)
			continue;
		found = a->provider != NULL ? slice_eq_str(p.id, a->provider) : serves_domain(&p, a->link.address);
		if (found)
			use_provider(&a->link, &p);
	}
	conn_check(&f);
	if (!found && a->provider != NULL)
		ctl_fail(CTL_REFUSED, "%s: no such provider; see posternctl show providers", a->provider);
}

/* ---- the whole ---- */

/* What the mode does not use is left out of the record and of the seal. */
static void
fit_mode(struct link_args *a)
{
	struct rec_link *l = &a->link;

	if (l->mode == MODE_SEND_ONLY) {
		l->smtp_user = l->smtp_user.n > 0 ? l->smtp_user : l->imap_user;
		l->imap_host = l->imap_user = SLICE_NONE;
		l->imap_port = l->imap_security = 0;
	} else if (l->mode == MODE_RECEIVE_ONLY) {
		l->smtp_host = l->smtp_user = SLICE_NONE;
		l->smtp_port = l->smtp_security = 0;
	}
	if (l->imap_host.n == 0 && l->mode != MODE_SEND_ONLY)
		ctl_fail(CTL_USAGE, "no IMAP server known for this address: give -imap host:port:tls");
	if (l->smtp_host.n == 0 && l->mode != MODE_RECEIVE_ONLY)
		ctl_fail(CTL_USAGE, "no submission server known for this address: give -smtp host:port:starttls");
}

void
link_args_parse(struct link_args *a, int argc, char **argv)
{
	struct rec_link *l = &a->link;

	if (argc < 2)
		ctl_usage();
	*a = (struct link_args){ .ats = argv[0], .verify = true, .pub = POSTERN_SYSCONFDIR "/postern/vault.pub" };
	l->address = slice_str(argv[1]);
	l->mode = MODE_TWO_WAY;
	take_options(a, argc - 2, argv + 2);
	if (l->address.n == 0 || memchr(l->address.p, '@', l->address.n) == NULL)
		ctl_fail(CTL_USAGE, "%s: this is no mail address", argv[1]);
	if (a->provider != NULL || (l->imap_host.n == 0 && l->smtp_host.n == 0))
		find_provider(a);
	if (l->imap_user.n == 0)
		l->imap_user = l->address;
	if (l->smtp_user.n == 0)
		l->smtp_user = l->imap_user;
	fit_mode(a);
}
