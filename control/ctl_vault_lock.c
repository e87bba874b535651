/*
 * posternctl vault unlock, lock, passwd. A passphrase goes to the vault's own
 * socket and to nobody else: control never sees it.
 */
#include "ctl_vault.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl.h"

/* The one who listens must be who started posternd: root, or ourselves. */
static int
connect_vault(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct ucred who = { .uid = (uid_t)-1 };
	socklen_t n = sizeof(who);
	int fd;

	if (slice_copy(slice_str(path), sun.sun_path, sizeof(sun.sun_path)) == -1)
		ctl_fail(CTL_USAGE, "%s: the socket's name is too long", path);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1 ||
	    connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) == -1)
		ctl_fail(CTL_UNREACHABLE, "%s: %s", path, strerror(errno));
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) == -1 || (who.uid != 0 && who.uid != geteuid()))
		ctl_fail(CTL_REFUSED, "%s: uid %u listens there: nothing was sent", path, who.uid);
	return fd;
}

enum unlock_answer
unlock_send(const char *path, struct slice passphrase)
{
	uint8_t *frame = sodium_malloc(UNLOCK_FRAME_N), answer[UNLOCK_ANSWER_N];
	struct wbuf w = { .p = frame, .cap = UNLOCK_FRAME_N, .max = UNLOCK_FRAME_N };
	int fd = connect_vault(path);
	bool answered;

	if (frame == NULL)
		ctl_fail(CTL_REFUSED, "out of memory");
	memset(frame, 0, UNLOCK_FRAME_N);
	w_raw(&w, UNLOCK_MAGIC, UNLOCK_MAGIC_N);
	w_u16(&w, (uint16_t)passphrase.n);
	w_raw(&w, passphrase.p, passphrase.n);
	answered = !w.failed && send(fd, frame, UNLOCK_FRAME_N, MSG_NOSIGNAL) == UNLOCK_FRAME_N &&
	    recv(fd, answer, sizeof(answer), MSG_WAITALL) == sizeof(answer) &&
	    memcmp(answer, UNLOCK_MAGIC, UNLOCK_MAGIC_N) == 0;
	sodium_free(frame);	/* wipes */
	close(fd);
	return answered ? answer[UNLOCK_MAGIC_N] : UNLOCK_NONE;
}

void
unlock_or_fail(const char *path, struct slice passphrase)
{
	switch (unlock_send(path, passphrase)) {
	case UNLOCK_OPEN:
		return;
	case UNLOCK_WRONG:
		ctl_fail(CTL_REFUSED, "vault.locked: this is not the passphrase of the vault's key");
	case UNLOCK_RATE:
		ctl_fail(CTL_REFUSED, "api.rate: too many tries, wait a minute");
	case UNLOCK_MEMORY:
		ctl_fail(CTL_REFUSED, "vault.locked: the vault has not the memory that its key asks for");
	case UNLOCK_NONE:
		ctl_fail(CTL_UNREACHABLE, "%s: the vault did not answer", path);
	default:
		ctl_fail(CTL_REFUSED, "vault.locked: the vault did not understand");
	}
}

static void
say(const char *state, const char *text)
{
	if (ctl_options.json)
		json_show(json_pack("{ss}", "state", state));
	else
		printf("%s\n", text);
}

int
cmd_vault_unlock(int argc, char **argv)
{
	struct key_pair *p;
	struct vault_args a;

	vault_args_parse(&a, argc, argv, VOPT_SOCKET | VOPT_STDIN);
	p = pair_new();
	p->passphrase_n = password_read(a.from_stdin, "Passphrase of the key: ", p->passphrase, sizeof(p->passphrase)).n;
	unlock_or_fail(a.socket, pair_passphrase(p));
	pair_free(p);
	say("unlocked", "the vault is unlocked; logins that waited go on");
	return 0;
}

static void
ask_plain(enum ctl_type type, const void *fields)
{
	struct ctl f;

	conn_open();
	conn_ask(type, fields);
	while (conn_next(&f))
		;
	conn_check(&f);
}

int
cmd_vault_lock(int argc, char **argv)
{
	struct vault_args a;

	vault_args_parse(&a, argc, argv, 0);
	ask_plain(CTL_vault_lock, &(struct ctl_vault_lock){ 0 });
	say("locked", "the vault is locked; connections that are logged in go on, new logins wait");
	return 0;
}

/* Put a passphrase on the key file, change it, or take it away. */
int
cmd_vault_passwd(int argc, char **argv)
{
	struct key_pair *p;
	struct vault_args a;
	char next[LIM_PATH + 8];

	vault_args_parse(&a, argc, argv, VOPT_KEY | VOPT_PLAIN | VOPT_WORK | VOPT_STDIN);
	snprintf(next, sizeof(next), "%s.new", a.key);
	if (access(next, F_OK) == 0)
		ctl_fail(CTL_REFUSED, "%s: the key is being renewed: end that first (posternctl vault rotate)", next);
	p = pair_new();
	pair_read(p, a.key, a.from_stdin);
	if (a.plain)
		p->wrapped = false;
	else
		pair_new_passphrase(p, a.from_stdin);
	p->work = a.work;
	pair_write(p, a.key, true);
	pair_free(p);
	/* Else the vault would still ask for the old one when it is locked. */
	if (conn_reachable())
		ask_plain(CTL_vault_reread, &(struct ctl_vault_reread){ 0 });
	say(a.plain ? "plain" : "wrapped", a.plain ? "the key has no passphrase any more" :
	    "the key has a new passphrase; copies of the old file still open with the old one");
	return 0;
}
