#include "vault.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "key_source.h"
#include "master.h"
#include "secret.h"

static struct {
	int socket;		/* for passphrases; the vault accepts */
	bool wrapped, rotating;
	/* Who asked; the pid tells one control from the next. Numbers: 0 nobody. */
	pid_t asker;
	uint32_t req;		/* for a count */
	uint32_t change;	/* for another state: answered when the vault tells it */
} v = { .socket = -1 };

static struct proc *
running(void)
{
	struct proc *p = proc_find(ROLE_VAULT, NULL, 0);

	return p != NULL && proc_running(p) ? p : NULL;
}

void
vault_prepare(void)
{
	uint8_t key[LIM_KEY_FILE];

	ssize_t n = key_source_read(master.conf, key);

	secret_wipe(key, sizeof(key));
	if (n == -1)
		logger_fatal("the vault has no key it may use, see the line before code=store.key_missing");
	/* Root alone may connect; the vault looks at the peer besides. */
	if ((v.socket = listen_unix(master.conf->vault_socket, 0600, NULL)) == -1)
		logger_fatal("no socket for the vault's passphrase");
}

static int
hand_key(struct proc *p)
{
	int fd = key_source_pipe(master.conf);

	return fd != -1 ? send_cfg_vault(p->chan, &(struct msg_cfg_vault){ 0 }, fd) : -1;
}

int
vault_setup(struct proc *p)
{
	int fd = dup(v.socket);

	if (fd == -1 || hand_key(p) == -1) {
		if (fd != -1)
			close(fd);
		return -1;
	}
	return send_cfg_unlock(p->chan, &(struct msg_cfg_unlock){ .uid = geteuid() }, fd);
}

/* ---- who asks ---- */

static void
done(struct chan *c, uint32_t req, const char *error, const char *text)
{
	(void)send_admin_done(c, &(struct msg_admin_done){ req, slice_str(error), slice_str(text) });
}

/* Its control, or NULL: nobody waits for number, or it is another control by now. */
static struct proc *
asker(uint32_t number)
{
	struct proc *p = proc_find(ROLE_CONTROL, NULL, 0);

	return number != 0 && p != NULL && proc_running(p) && p->pid == v.asker ? p : NULL;
}

/* Another control has other numbers: what the one before asked is forgotten. */
static void
asked_by(struct chan *c)
{
	const struct proc *p = chan_ctx(c);

	if (v.asker != p->pid)
		v.req = v.change = 0;
	v.asker = p->pid;
}

static void
change_done(const char *error, const char *text)
{
	struct proc *p = asker(v.change);

	if (p != NULL)
		done(p->chan, v.change, error, text);
	v.change = 0;
}

/* ---- its state ---- */

void
vault_tell_public(struct proc *p)
{
	if ((p->role == ROLE_ATS || p->role == ROLE_CONTROL) && proc_running(p))
		(void)send_vault_public(p->chan, &(struct msg_vault_public){ slice_mem(master.public_key, 32) });
}

int
vault_on_state(struct chan *c, const union msg *m, int *fd)
{
	const struct msg_vault_state *s = &m->vault_state;
	bool was = master.vault == VAULT_LOCKED;
	struct proc *p = chan_ctx(c);

	(void)fd;
	if (p->state != PROC_RUNNING || s->public_key.n != sizeof(master.public_key))
		return -1;
	v.wrapped = s->wrapped;
	v.rotating = s->rotating;
	master.vault = s->locked ? VAULT_LOCKED : VAULT_OPEN;
	if (memcmp(master.public_key, s->public_key.p, sizeof(master.public_key)) != 0) {
		memcpy(master.public_key, s->public_key.p, sizeof(master.public_key));
		TAILQ_FOREACH(p, &procs, entry)
			vault_tell_public(p);
	}
	if (s->locked && !was)
		logger_line(LOG_LVL_WARN, "the vault is locked: logins wait for posternctl vault unlock code=vault.locked");
	else if (!s->locked && was)
		logger_line(LOG_LVL_INFO, "the vault is unlocked: logins go on");
	change_done("", "");
	stream_retry();
	return 0;
}

/* The state in words, for posternctl vault status; its fingerprint is what an
 * ATS may pin. */
void
vault_status(struct chan *c, uint32_t req, struct slice ats)
{
	char text[LIM_DETAIL], hex[65], name[LIM_ATS_NAME + 1];
	const struct conf_ats *a = NULL;

	if (slice_copy(ats, name, sizeof(name)) == 0)
		a = conf_ats(master.conf, name);
	for (size_t i = 0; i < sizeof(master.public_key); i++)
		snprintf(hex + 2 * i, 3, "%02x", master.public_key[i]);
	snprintf(text, sizeof(text), "%s%s%s%s public-key=%s source=%s",
	    running() == NULL || master.vault == VAULT_AWAY ? "not running" : master.vault == VAULT_OPEN ? "unlocked" : "locked",
	    v.wrapped ? " passphrase" : "", v.rotating ? " rotating" : "",
	    a != NULL && a->sealed_only ? " sealed-only" : "", hex, master.conf->vault_key);
	done(c, req, "", text);
}

/* NULL when the vault cannot be told now to change; that is answered. */
static struct proc *
change_begin(struct chan *c, uint32_t req)
{
	struct proc *p = running();

	asked_by(c);
	if (p == NULL)
		done(c, req, "vault.away", "the vault does not run");
	else if (v.change != 0)
		done(c, req, "api.busy", "another admin changes the vault; try again");
	else
		return p;
	return NULL;
}

void
vault_lock(struct chan *c, uint32_t req)
{
	struct proc *p = change_begin(c, req);

	if (p == NULL)
		return;
	if (!v.wrapped)
		done(c, req, "api.invalid", "the key has no passphrase, so it cannot be locked: see posternctl vault passwd");
	else if (send_vault_lock(p->chan, &(struct msg_vault_lock){ 0 }) == 0)
		v.change = req;
	else
		done(c, req, "vault.away", "the vault is ending");
}

void
vault_reread(struct chan *c, uint32_t req)
{
	struct proc *p = change_begin(c, req);

	if (p == NULL)
		return;
	if (hand_key(p) == 0)
		v.change = req;
	else
		done(c, req, "store.key_missing", "the key cannot be read, see the log; the vault keeps what it has");
}

/* ---- counting ---- */

static void
send_count(struct proc *p, const struct rec_vault_count *r)
{
	struct wbuf w = { .max = 4096 };

	rec_vault_count_encode(&w, r);
	if (!w.failed)
		(void)send_admin_row(p->chan, &(struct msg_admin_row){ v.req, wbuf_slice(&w) });
	wbuf_free(&w);
}

void
vault_count(struct chan *c, uint32_t req)
{
	struct proc *p = running();
	struct tenant *t;

	asked_by(c);
	if (p == NULL) {
		done(c, req, "vault.away", "the vault does not run");
		return;
	}
	v.req = req;
	TAILQ_FOREACH(t, &master.tenants, entry)
		t->counted = false;
	(void)send_vault_count(p->chan, &(struct msg_vault_count){ req });
}

/* ATS blocks whose store was not there are told as not counted. */
static void
count_end(struct proc *p, const char *error)
{
	struct tenant *t;

	TAILQ_FOREACH(t, &master.tenants, entry)
		if (!t->counted)
			send_count(p, &(struct rec_vault_count){ .ats = slice_str(t->name) });
	done(p->chan, v.req, error, "");
	v.req = 0;
}

int
vault_on_counted(struct chan *c, const union msg *m, int *fd)
{
	const struct msg_vault_counted *n = &m->vault_counted;
	char name[LIM_ATS_NAME + 1];
	struct proc *p = asker(v.req);
	struct tenant *t;

	(void)c;
	(void)fd;
	if (p == NULL || n->req != v.req || slice_copy(n->ats, name, sizeof(name)) == -1)
		return 0;
	if (n->ats.n == 0) {
		count_end(p, "");
		return 0;
	}
	if ((t = tenant_find(name)) != NULL)
		t->counted = true;
	send_count(p, &(struct rec_vault_count){ n->ats, n->fresh, n->moved, n->old, n->bad, n->whole });
	return 0;
}

void
vault_gone(void)
{
	struct proc *p = asker(v.req);

	master.vault = VAULT_AWAY;
	change_done("vault.away", "the vault ended");
	if (p != NULL)
		count_end(p, "vault.away");
}
