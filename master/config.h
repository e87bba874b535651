/*
 * config.h - postern.conf (libConfuse) as plain structs.
 *
 * A struct conf is read whole, checked whole and then never changed: reload
 * reads a second one and compares. All strings belong to the conf.
 */
#ifndef MASTER_CONFIG_H
#define MASTER_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "limits.h"
#include "wire.h"

/* host "imap.example.org" { ... }: what only the admin may decide about a host. */
struct conf_host {
	char *name;
	bool allow_private, allow_none;
	unsigned int connections;	/* that one link may hold there to read: 1 or 2 */
	char *extra_ca;		/* PEM text, NULL = none */
};

/* ats "name" { ... }: one tenant. */
struct conf_ats {
	char *name, *socket, *group;
	mode_t mode;
	uint32_t uids[LIM_CONF_IDS], gids[LIM_CONF_IDS];
	size_t n_uids, n_gids;
	struct wbuf own_domains;	/* list, see wire.h */
	uint8_t content;		/* enum content_policy */
	uint32_t first, period_days, max_links, max_storage, max_submissions;
	bool sealed_only;
};

struct conf {
	char *state_dir, *audit_dir, *vault_key, *vault_socket, *control_socket, *ca_file, *libexec_dir, *providers_file;
	bool log_stderr;
	bool audit_required;	/* no logins while the audit log cannot be written */
	uint8_t log_level;
	uint32_t uid_base, max_links, pool;
	uint32_t control_uids[LIM_CONF_IDS];
	size_t n_control_uids;
	struct conf_host hosts[LIM_CONF_HOSTS];
	size_t n_hosts;
	struct conf_ats ats[LIM_CONF_ATS];
	size_t n_ats;
	struct wbuf providers;		/* u32 length + rec provider each */
};

/*
 * Read and check. Errors go to stderr or the log as "file:line: what", each of
 * them; NULL when there was any. conf_free accepts NULL.
 */
struct conf *conf_read(const char *path);
void conf_free(struct conf *);

/* NULL when the config says nothing of that host. */
const struct conf_host *conf_host(const struct conf *, const char *name);
const struct conf_ats *conf_ats(const struct conf *, const char *name);

/* braces.c: -1 after saying where a block was opened and never closed. */
int braces_check(const char *path);

/* providers.c: fill conf->providers from the file; -1 after saying what is wrong. */
int providers_read(struct conf *, const char *path);

/* "host:port:security", the form used in providers and posternctl. 0 or -1. */
int endpoint_parse(const char *text, char *host, size_t size, uint16_t *port, uint8_t *security);

#endif
