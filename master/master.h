/*
 * master.h - the state of posternd that its files share.
 */
#ifndef MASTER_MASTER_H
#define MASTER_MASTER_H

#include "config.h"
#include "proc.h"

/* Of one link, in one minute. */
struct logins {
	uint32_t unit;
	int64_t minute;
	unsigned int n;
};

/* One link or probe of a tenant, as its store described it. */
struct unit {
	TAILQ_ENTRY(unit) entry;
	uint32_t number, link, generation;
	char host[3][LIM_HOST + 1];	/* index: enum service */
	uint16_t port[3];
	uint8_t security[3];
	struct logins logins;
	bool first_login;		/* none yet, and a person has just made or changed it */
};
TAILQ_HEAD(unit_list, unit);

/* What a store is refused. A flood of one hides none of the others in the log. */
enum refused { REFUSED_UNIT, REFUSED_PROCESS, REFUSED_PACE, REFUSED_NONE, REFUSED__COUNT };

/* One ats block. */
struct tenant {
	TAILQ_ENTRY(tenant) entry;
	char name[LIM_ATS_NAME + 1];
	const struct conf_ats *conf;	/* of the current configuration */
	int listen_fd;			/* of the ATS socket; stays open over restarts */
	uint8_t hash_key[32];		/* keys the MAC in Message-IDs */
	struct unit_list units;
	uint32_t n_units;
	struct logins kept[LIM_LOGINS_KEPT];	/* of links that stopped, over their pause */
	size_t kept_next;			/* the oldest of them */
	bool counted;			/* its records, in the vault_count under way */
	unsigned int n_starting;	/* of its links' workers, while proc_start_waiting counts */
	int64_t starts_ms;		/* its orders are paid for until then, see tenant_may_start */
	struct {
		int64_t told_ms;	/* when it was last logged */
		unsigned int untold;	/* and how many times it was not */
	} refused[REFUSED__COUNT];
};
TAILQ_HEAD(tenant_list, tenant);

struct master {
	struct conf *conf;
	const char *conf_path;
	bool foreground, is_root, draining;
	uint32_t sandbox_flags;		/* SANDBOX_* given to every child */
	uint64_t started_at;
	uint8_t public_key[32];		/* of the vault, from its READY */
	bool vault_known;
	enum { VAULT_AWAY, VAULT_LOCKED, VAULT_OPEN } vault;	/* as it said itself; AWAY before */
	int control_fd;
	struct tenant_list tenants;
};
extern struct master master;

int64_t now_ms(void);		/* monotonic */

/* ---- tenant.c ---- */
/* Directories, socket and places of one ats block; -1 after logging why not. */
int tenant_start(const struct conf_ats *);
void tenant_stop(struct tenant *);
struct tenant *tenant_find(const char *name);
/* Listening UNIX socket with mode and group; -1 after logging. */
int listen_unix(const char *path, mode_t mode, const char *group);
/* With control-uids the peer's uid is the gate, checked at every connect. */
mode_t control_mode(const struct conf *);
/* A directory with owner and mode, made if absent. */
int make_directory(const char *path, mode_t mode, uid_t uid, gid_t gid);
/* The ids a role runs with. -1: no such user and no uid-base. */
int role_ids(enum role, uid_t *, gid_t *);

/* Most processes of one tenant. */
size_t tenant_most(const struct tenant *);
/* May one more worker of its links start now? Orders have a pace, so that a
 * store which orders and stops all the time does not keep the host busy. */
bool tenant_may_start(struct tenant *);
/* Log what a tenant's store was refused: of each kind a line a second at most, with a count. */
void tenant_refused(struct tenant *, enum refused, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* ---- unit.c: requests of the stores ---- */
struct unit *unit_find(const struct tenant *, uint32_t number);
void unit_forget_all(struct tenant *);
int unit_on_run(struct chan *, const union msg *, int *);
int unit_on_stop(struct chan *, const union msg *, int *);
int unit_on_worker_start(struct chan *, const union msg *, int *);
int unit_on_worker_stop(struct chan *, const union msg *, int *);

/* ---- stream.c: tickets ---- */
int stream_on_want(struct chan *, const union msg *, int *);
int stream_on_step(struct chan *, const union msg *, int *);
int stream_on_ready(struct chan *, const union msg *, int *);
int stream_on_end(struct chan *, const union msg *, int *);
/* A process runs: streams that waited for it go on. */
void stream_retry(void);
void stream_forget(const struct proc *);
/* This worker starts and will ask for a connection: its tls-worker starts too. */
void stream_expect(const struct proc *);
/* End a tls-worker that no stream uses, and nobody who starts will want. */
void stream_release(struct proc *);

/* ---- admin.c ---- */
int admin_on_request(struct chan *, const union msg *, int *);

/* ---- reload.c ---- */
/* cause: for the audit log. 0, or -1 when the new configuration is refused (the old one stays). */
int reload(const char *cause);

#endif
