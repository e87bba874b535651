#include "config_report.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "enums.h"
#include "key_source.h"
#include "logger.h"

unsigned int conf_errors;

void
conf_report(cfg_t *cfg, const char *fmt, va_list ap)
{
	char text[512];

	vsnprintf(text, sizeof(text), fmt, ap);
	conf_errors++;
	logger_line(LOG_LVL_ERROR, "%s:%d: %s", cfg != NULL && cfg->filename != NULL ? cfg->filename : "configuration",
	    cfg != NULL ? cfg->line : 0, text);
}

/* ---- checks, run by libConfuse with the line at hand ---- */

struct word {
	const char *word;
	uint8_t value;
};

static const struct word levels[] = { { "error", LOG_LVL_ERROR }, { "warn", LOG_LVL_WARN }, { "info", LOG_LVL_INFO },
	{ "debug", LOG_LVL_DEBUG }, { NULL, 0 } };
static const struct word contents[] = { { "all", CONTENT_ALL }, { "headers", CONTENT_HEADERS },
	{ "matched", CONTENT_MATCHED }, { NULL, 0 } };
static const struct word credentials[] = { { "any", 0 }, { "sealed-only", 1 }, { NULL, 0 } };
static const struct word audits[] = { { "on", 0 }, { "required", 1 }, { NULL, 0 } };
static const struct word log_targets[] = { { "syslog", 0 }, { "stderr", 1 }, { NULL, 0 } };

static int
word_value(const struct word *words, const char *text)
{
	for (; words->word != NULL; words++)
		if (strcmp(words->word, text) == 0)
			return words->value;
	return -1;
}

static int
check_word(cfg_t *cfg, cfg_opt_t *opt, const struct word *words)
{
	const char *text = cfg_opt_getstr(opt);

	if (text != NULL && word_value(words, text) != -1)
		return 0;
	cfg_error(cfg, "%s = \"%s\": not one of its words, see postern.conf(5)", cfg_opt_name(opt), text);
	return -1;
}

#define CHECK_WORD(name, words)                                                                                        \
	static int name(cfg_t *cfg, cfg_opt_t *opt)                                                                    \
	{                                                                                                              \
		return check_word(cfg, opt, words);                                                                    \
	}
CHECK_WORD(check_level, levels)
CHECK_WORD(check_content, contents)
CHECK_WORD(check_credentials, credentials)
CHECK_WORD(check_audit, audits)
CHECK_WORD(check_log, log_targets)

static int
check_absolute(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *text = cfg_opt_getstr(opt);

	if (text != NULL && text[0] == '/' && strlen(text) <= LIM_PATH)
		return 0;
	cfg_error(cfg, "%s: an absolute path is needed", cfg_opt_name(opt));
	return -1;
}

/* A path, or the name of a systemd credential. */
static int
check_key_source(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *text = cfg_opt_getstr(opt);
	size_t n = strlen(KEY_SOURCE_CREDENTIAL);

	if (text == NULL || strncmp(text, KEY_SOURCE_CREDENTIAL, n) != 0)
		return check_absolute(cfg, opt);
	text += n;
	if (*text != '\0' && *text != '.' && strlen(text) <= LIM_NAME && strchr(text, '/') == NULL)
		return 0;
	cfg_error(cfg, "%s: \"%s\" is no name of a credential", cfg_opt_name(opt), text);
	return -1;
}

static int
check_socket(cfg_t *cfg, cfg_opt_t *opt)
{
	if (check_absolute(cfg, opt) == -1)
		return -1;
	if (strlen(cfg_opt_getstr(opt)) < sizeof(((struct sockaddr_un *)0)->sun_path))
		return 0;
	cfg_error(cfg, "%s: longer than a UNIX socket's name may be (107 bytes)", cfg_opt_name(opt));
	return -1;
}

static int
check_count(cfg_t *cfg, cfg_opt_t *opt)
{
	long v = cfg_opt_getnint(opt, 0);

	if (v >= 0 && v <= 100000000)
		return 0;
	cfg_error(cfg, "%s = %ld: out of range", cfg_opt_name(opt), v);
	return -1;
}

static int
check_mode(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *text = cfg_opt_getstr(opt);
	char *end;
	long v = strtol(text, &end, 8);

	if (*text != '\0' && *end == '\0' && v >= 0 && v <= 0777)
		return 0;
	cfg_error(cfg, "mode = \"%s\": octal digits such as \"0660\" are needed", text);
	return -1;
}

static cfg_opt_t host_opts[] = { CFG_BOOL("allow-private", cfg_false, CFGF_NONE),
	CFG_BOOL("allow-none", cfg_false, CFGF_NONE), CFG_STR("ca-file", NULL, CFGF_NONE),
	CFG_INT("connections", 2, CFGF_NONE), CFG_END() };

static cfg_opt_t ats_opts[] = { CFG_STR("socket", NULL, CFGF_NODEFAULT), CFG_STR("mode", "0660", CFGF_NONE),
	CFG_STR("group", NULL, CFGF_NONE), CFG_INT_LIST("uids", NULL, CFGF_NONE), CFG_INT_LIST("gids", NULL, CFGF_NONE),
	CFG_STR_LIST("own-domains", NULL, CFGF_NONE), CFG_STR("content", "matched", CFGF_NONE),
	CFG_INT("first", 100, CFGF_NONE), CFG_INT("period-days", 0, CFGF_NONE),
	CFG_STR("credentials", "any", CFGF_NONE), CFG_INT("max-links", 1000, CFGF_NONE),
	CFG_INT("max-storage", 0, CFGF_NONE), CFG_INT("max-submissions", 10000, CFGF_NONE), CFG_END() };

static cfg_opt_t conf_opts[] = { CFG_STR("state-dir", "/var/lib/postern", CFGF_NONE),
	CFG_STR("audit", "on", CFGF_NONE), CFG_STR("audit-dir", NULL, CFGF_NODEFAULT),
	CFG_STR("vault-key", POSTERN_SYSCONFDIR "/postern/vault.key", CFGF_NONE),
	CFG_STR("vault-socket", NULL, CFGF_NONE),
	CFG_STR("control-socket", "/run/postern/control.sock", CFGF_NONE),
	CFG_INT_LIST("control-uids", NULL, CFGF_NONE), CFG_STR("ca-file", "/etc/ssl/certs/ca-certificates.crt", CFGF_NONE),
	CFG_STR("libexec-dir", POSTERN_LIBEXECDIR, CFGF_NONE),
	CFG_STR("providers", POSTERN_SYSCONFDIR "/postern/providers.conf", CFGF_NONE),
	CFG_STR("log", "syslog", CFGF_NONE), CFG_STR("log-level", "info", CFGF_NONE), CFG_INT("uid-base", 0, CFGF_NONE),
	CFG_INT("max-links", 1000, CFGF_NONE), CFG_INT("mime-pool", 2, CFGF_NONE),
	CFG_SEC("host", host_opts, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_SEC("ats", ats_opts, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES), CFG_END() };

static void
set_checks(cfg_t *cfg)
{
	static const char *const paths[] = { "state-dir", "audit-dir", "ca-file", "libexec-dir", "providers" };
	static const char *const counts[] = { "uid-base", "max-links", "mime-pool", "ats|first", "ats|period-days",
		"ats|max-links", "ats|max-storage", "ats|max-submissions" };

	cfg_set_error_function(cfg, conf_report);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		cfg_set_validate_func(cfg, paths[i], check_absolute);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		cfg_set_validate_func(cfg, counts[i], check_count);
	cfg_set_validate_func(cfg, "vault-key", check_key_source);
	cfg_set_validate_func(cfg, "vault-socket", check_socket);
	cfg_set_validate_func(cfg, "control-socket", check_socket);
	cfg_set_validate_func(cfg, "audit", check_audit);
	cfg_set_validate_func(cfg, "log", check_log);
	cfg_set_validate_func(cfg, "log-level", check_level);
	cfg_set_validate_func(cfg, "ats|socket", check_socket);
	cfg_set_validate_func(cfg, "ats|mode", check_mode);
	cfg_set_validate_func(cfg, "ats|content", check_content);
	cfg_set_validate_func(cfg, "ats|credentials", check_credentials);
}

/* ---- from libConfuse to structs ---- */

static char *
copy(const char *s)
{
	char *p = s != NULL ? strdup(s) : NULL;

	if (s != NULL && p == NULL)
		logger_fatal("out of memory");
	return p;
}

static char *
below(const char *dir, const char *name)
{
	char *path = NULL;

	if (asprintf(&path, "%s/%s", dir, name) == -1)
		logger_fatal("out of memory");
	return path;
}

static size_t
copy_ids(cfg_t *cfg, const char *name, uint32_t *ids)
{
	unsigned int n = cfg_size(cfg, name);

	if (n > LIM_CONF_IDS) {
		cfg_error(cfg, "%s: more than %d entries", name, LIM_CONF_IDS);
		n = LIM_CONF_IDS;
	}
	for (unsigned int i = 0; i < n; i++) {
		long id = cfg_getnint(cfg, name, i);

		if (id < 0 || id >= UINT32_MAX)
			cfg_error(cfg, "%s: %ld is no id", name, id);
		ids[i] = (uint32_t)id;
	}
	return n;
}

/* A PEM file: read whole here, since the worker cannot open it. */
static char *
read_ca(cfg_t *cfg, const char *path)
{
	char *text = NULL;
	ssize_t n = -1;
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd == -1 || fstat(fd, &st) == -1 || st.st_size <= 0 || st.st_size > LIM_CONF_CA)
		cfg_error(cfg, "ca-file \"%s\": %s", path, fd == -1 ? strerror(errno) : "empty or larger than 60000 bytes");
	else if ((text = calloc(1, (size_t)st.st_size + 1)) != NULL)
		n = read(fd, text, (size_t)st.st_size);
	if (fd != -1)
		close(fd);
	if (n <= 0) {
		free(text);
		return NULL;
	}
	return text;
}

static void
take_host(struct conf *c, cfg_t *h)
{
	struct conf_host *out = &c->hosts[c->n_hosts];
	const char *name = cfg_title(h);
	long connections;

	if (c->n_hosts >= LIM_CONF_HOSTS || name == NULL || *name == '\0' || strlen(name) > LIM_HOST) {
		cfg_error(h, "host: too many blocks or a bad name");
		return;
	}
	c->n_hosts++;
	out->name = copy(name);
	for (char *p = out->name; *p != '\0'; p++)
		*p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
	out->allow_private = cfg_getbool(h, "allow-private");
	out->allow_none = cfg_getbool(h, "allow-none");
	if ((connections = cfg_getint(h, "connections")) < 1 || connections > 2)
		cfg_error(h, "connections = %ld: 1 or 2", connections);
	out->connections = (unsigned int)connections;
	if (cfg_getstr(h, "ca-file") != NULL)
		out->extra_ca = read_ca(h, cfg_getstr(h, "ca-file"));
}

static bool
ats_name_ok(const char *s)
{
	/* Three names stand in the state directory already. */
	return s != NULL && strcmp(s, "empty") != 0 && strcmp(s, "mac.key") != 0 && strcmp(s, "audit") != 0 && *s != '\0' && strlen(s) <= LIM_ATS_NAME && s[0] != '.' &&
	    strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == strlen(s);
}

static void
take_domains(cfg_t *a, struct conf_ats *out)
{
	unsigned int n = cfg_size(a, "own-domains");

	wbuf_init(&out->own_domains, LIM_CHAN_MSG / 2);
	for (unsigned int i = 0; i < n; i++)
		list_add(&out->own_domains, slice_str(cfg_getnstr(a, "own-domains", i)));
	if (n > LIM_OWN_DOMAINS || out->own_domains.failed)
		cfg_error(a, "own-domains: more than %d", LIM_OWN_DOMAINS);
}

static void
take_ats(struct conf *c, cfg_t *a)
{
	struct conf_ats *out = &c->ats[c->n_ats];

	if (c->n_ats >= LIM_CONF_ATS || !ats_name_ok(cfg_title(a))) {
		cfg_error(a, "ats: too many blocks, or a name that is not [A-Za-z0-9._-]");
		return;
	}
	c->n_ats++;
	out->name = copy(cfg_title(a));
	if (cfg_getstr(a, "socket") == NULL)
		cfg_error(a, "ats \"%s\": socket is missing", out->name);
	out->socket = copy(cfg_getstr(a, "socket"));
	out->group = copy(cfg_getstr(a, "group"));
	if (out->group != NULL && getgrnam(out->group) == NULL)
		cfg_error(a, "ats \"%s\": no such group %s", out->name, out->group);
	out->mode = (mode_t)strtol(cfg_getstr(a, "mode"), NULL, 8);
	out->n_uids = copy_ids(a, "uids", out->uids);
	out->n_gids = copy_ids(a, "gids", out->gids);
	if (out->n_uids == 0 && out->n_gids == 0 && out->group == NULL)
		cfg_error(a, "ats \"%s\": nobody may use it: set group, uids or gids", out->name);
	out->content = (uint8_t)word_value(contents, cfg_getstr(a, "content"));
	out->first = (uint32_t)cfg_getint(a, "first");
	out->period_days = (uint32_t)cfg_getint(a, "period-days");
	out->max_links = (uint32_t)cfg_getint(a, "max-links");
	out->max_storage = (uint32_t)cfg_getint(a, "max-storage");
	out->max_submissions = (uint32_t)cfg_getint(a, "max-submissions");
	out->sealed_only = word_value(credentials, cfg_getstr(a, "credentials")) == 1;
	take_domains(a, out);
}

/* By default beside the control socket. */
static char *
vault_socket(cfg_t *cfg)
{
	const char *beside = cfg_getstr(cfg, "control-socket"), *own = cfg_getstr(cfg, "vault-socket");
	char *text;

	if (own != NULL)
		return copy(own);
	if (asprintf(&text, "%.*s/vault.sock", (int)(strrchr(beside, '/') - beside), beside) == -1)
		logger_fatal("out of memory");
	return text;
}

static void
take_globals(struct conf *c, cfg_t *cfg)
{
	c->state_dir = copy(cfg_getstr(cfg, "state-dir"));
	c->audit_dir = cfg_getstr(cfg, "audit-dir") != NULL ? copy(cfg_getstr(cfg, "audit-dir")) : below(c->state_dir, "audit");
	c->audit_required = word_value(audits, cfg_getstr(cfg, "audit")) == 1;
	c->vault_key = copy(cfg_getstr(cfg, "vault-key"));
	c->control_socket = copy(cfg_getstr(cfg, "control-socket"));
	c->vault_socket = vault_socket(cfg);
	c->ca_file = copy(cfg_getstr(cfg, "ca-file"));
	c->libexec_dir = copy(cfg_getstr(cfg, "libexec-dir"));
	c->providers_file = copy(cfg_getstr(cfg, "providers"));
	c->log_stderr = word_value(log_targets, cfg_getstr(cfg, "log")) == 1;
	c->log_level = (uint8_t)word_value(levels, cfg_getstr(cfg, "log-level"));
	c->uid_base = (uint32_t)cfg_getint(cfg, "uid-base");
	c->max_links = (uint32_t)cfg_getint(cfg, "max-links");
	c->pool = (uint32_t)cfg_getint(cfg, "mime-pool");
	if (c->pool < 1 || c->pool > 16)
		cfg_error(cfg, "mime-pool = %u: 1 to 16", c->pool);
	c->n_control_uids = copy_ids(cfg, "control-uids", c->control_uids);
}

static void
take_all(struct conf *c, cfg_t *cfg)
{
	take_globals(c, cfg);
	for (unsigned int i = 0; i < cfg_size(cfg, "host"); i++)
		take_host(c, cfg_getnsec(cfg, "host", i));
	for (unsigned int i = 0; i < cfg_size(cfg, "ats"); i++)
		take_ats(c, cfg_getnsec(cfg, "ats", i));
	if (c->n_ats == 0)
		cfg_error(cfg, "no ats block: there is nobody to serve");
	for (size_t i = 0; i < c->n_ats; i++)
		for (size_t k = 0; k < i; k++)
			if (c->ats[i].socket != NULL && c->ats[k].socket != NULL &&
			    strcmp(c->ats[i].socket, c->ats[k].socket) == 0)
				cfg_error(cfg, "ats \"%s\" and \"%s\" share the socket %s", c->ats[k].name,
				    c->ats[i].name, c->ats[i].socket);
}

struct conf *
conf_read(const char *path)
{
	struct conf *c = calloc(1, sizeof(*c));
	cfg_t *cfg = cfg_init(conf_opts, CFGF_NONE);
	int r;

	if (c == NULL || cfg == NULL)
		logger_fatal("out of memory");
	conf_errors = 0;
	set_checks(cfg);
	if (braces_check(path) == -1)
		conf_errors++;
	r = cfg_parse(cfg, path);
	if (r == CFG_FILE_ERROR)
		logger_line(LOG_LVL_ERROR, "%s: %s", path, strerror(errno));
	else if (r == CFG_SUCCESS && conf_errors == 0)
		take_all(c, cfg);
	cfg_free(cfg);
	if (r != CFG_SUCCESS || conf_errors > 0 || providers_read(c, c->providers_file) == -1) {
		conf_free(c);
		return NULL;
	}
	return c;
}

void
conf_free(struct conf *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->n_hosts; i++) {
		free(c->hosts[i].name);
		free(c->hosts[i].extra_ca);
	}
	for (size_t i = 0; i < c->n_ats; i++) {
		free(c->ats[i].name);
		free(c->ats[i].socket);
		free(c->ats[i].group);
		wbuf_free(&c->ats[i].own_domains);
	}
	free(c->state_dir);
	free(c->audit_dir);
	free(c->vault_key);
	free(c->vault_socket);
	free(c->control_socket);
	free(c->ca_file);
	free(c->libexec_dir);
	free(c->providers_file);
	wbuf_free(&c->providers);
	free(c);
}

const struct conf_host *
conf_host(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->n_hosts; i++)
		if (strcasecmp(c->hosts[i].name, name) == 0)
			return &c->hosts[i];
	return NULL;
}

const struct conf_ats *
conf_ats(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->n_ats; i++)
		if (strcmp(c->ats[i].name, name) == 0)
			return &c->ats[i];
	return NULL;
}
