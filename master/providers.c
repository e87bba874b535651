/* The provider file: presets that fill host, port and folders of a link. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_report.h"
#include "enums.h"
#include "logger.h"
#include "messages.h"

static int
security_of(const char *word)
{
	return strcmp(word, "tls") == 0 ? SECURITY_TLS
	    : strcmp(word, "starttls") == 0 ? SECURITY_STARTTLS
	    : strcmp(word, "none") == 0	    ? SECURITY_NONE
					    : -1;
}

int
endpoint_parse(const char *text, char *host, size_t size, uint16_t *port, uint8_t *security)
{
	const char *mode = strrchr(text, ':'), *p;
	char *end;
	long n;
	int sec;

	if (mode == NULL || mode == text || (sec = security_of(mode + 1)) == -1)
		return -1;
	for (p = mode - 1; p > text && *p != ':'; p--)
		;
	if (p == text || slice_copy(slice_mem(text, (size_t)(p - text)), host, size) == -1)
		return -1;
	n = strtol(p + 1, &end, 10);
	if (end != mode || n < 1 || n > 65535)
		return -1;
	*port = (uint16_t)n;
	*security = (uint8_t)sec;
	return 0;
}

static struct slice
words(cfg_t *p, const char *name, struct wbuf *w)
{
	wbuf_init(w, 4096);
	for (unsigned int i = 0; i < cfg_size(p, name); i++)
		list_add(w, slice_str(cfg_getnstr(p, name, i)));
	return wbuf_slice(w);
}

static void
take_endpoint(cfg_t *p, const char *name, char *host, uint16_t *port, uint8_t *security)
{
	if (endpoint_parse(cfg_getstr(p, name), host, LIM_HOST + 1, port, security) == -1)
		cfg_error(p, "%s = \"%s\": host:port:tls or host:port:starttls is needed", name, cfg_getstr(p, name));
}

static void
take_provider(struct conf *c, cfg_t *p)
{
	char imap[LIM_HOST + 1] = "", smtp[LIM_HOST + 1] = "";
	struct wbuf domains, auth, record;
	struct rec_provider r = { .id = slice_str(cfg_title(p)), .label = slice_str(cfg_getstr(p, "label")),
		.inbox = slice_str(cfg_getstr(p, "inbox")), .sent = slice_str(cfg_getstr(p, "sent")),
		.help = slice_str(cfg_getstr(p, "help")), .checked_on = slice_str(cfg_getstr(p, "checked-on")) };

	take_endpoint(p, "imap", imap, &r.imap_port, &r.imap_security);
	take_endpoint(p, "smtp", smtp, &r.smtp_port, &r.smtp_security);
	r.imap_host = slice_str(imap);
	r.smtp_host = slice_str(smtp);
	r.domains = words(p, "domains", &domains);
	r.auth = words(p, "auth", &auth);
	wbuf_init(&record, 4096);
	rec_provider_encode(&record, &r);
	if (record.failed || domains.failed || auth.failed)
		cfg_error(p, "provider \"%s\": a value is too long", cfg_title(p));
	else
		w_bytes(&c->providers, wbuf_slice(&record), 4096);
	wbuf_free(&domains);
	wbuf_free(&auth);
	wbuf_free(&record);
}

int
providers_read(struct conf *c, const char *path)
{
	cfg_opt_t opts[] = { CFG_STR("label", "", CFGF_NONE), CFG_STR_LIST("domains", NULL, CFGF_NONE),
		CFG_STR("imap", "", CFGF_NONE), CFG_STR("smtp", "", CFGF_NONE), CFG_STR_LIST("auth", NULL, CFGF_NONE),
		CFG_STR("inbox", "", CFGF_NONE), CFG_STR("sent", "", CFGF_NONE), CFG_STR("help", "", CFGF_NONE),
		CFG_STR("checked-on", "", CFGF_NONE), CFG_END() };
	cfg_opt_t top[] = { CFG_SEC("provider", opts, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES), CFG_END() };
	cfg_t *cfg = cfg_init(top, CFGF_NONE);
	int r;

	if (cfg == NULL)
		logger_fatal("out of memory");
	conf_errors = 0;
	cfg_set_error_function(cfg, conf_report);
	wbuf_init(&c->providers, LIM_CTL_PROVIDERS);
	if (braces_check(path) == -1)
		conf_errors++;
	r = cfg_parse(cfg, path);
	if (r == CFG_FILE_ERROR)
		logger_line(LOG_LVL_ERROR, "%s: %s", path, strerror(errno));
	if (r == CFG_SUCCESS && cfg_size(cfg, "provider") > LIM_CONF_PROVIDERS)
		cfg_error(cfg, "more than %d providers", LIM_CONF_PROVIDERS);
	for (unsigned int i = 0; r == CFG_SUCCESS && i < cfg_size(cfg, "provider"); i++)
		take_provider(c, cfg_getnsec(cfg, "provider", i));
	cfg_free(cfg);
	return r == CFG_SUCCESS && conf_errors == 0 && !c->providers.failed ? 0 : -1;
}
