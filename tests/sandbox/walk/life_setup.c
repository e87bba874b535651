/* As master/setup.c, for a process that has the walk as its master. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "key_file.h"
#include "life.h"

#define UID_BASE 61300	/* as root: numeric users, one a role */

/* The key pair of RFC 7748 s. 6.1: a key that protects nothing. */
static const uint8_t secret_key[KEY_SECRET_N] = { 0x77, 0x07, 0x6d, 0x0a, 0x73, 0x18, 0xa5, 0x7d, 0x3c, 0x16, 0xc1, 0x72,
	0x51, 0xb2, 0x66, 0x45, 0xdf, 0x4c, 0x2f, 0x87, 0xeb, 0xc0, 0x99, 0x2a, 0xb1, 0x77, 0xfb, 0xa5, 0x1d, 0xb9, 0x2c,
	0x2a };
static const uint8_t public_key[KEY_PUBLIC_N] = { 0x85, 0x20, 0xf0, 0x09, 0x89, 0x30, 0xa7, 0x54, 0x74, 0x8b, 0x7d,
	0xdc, 0xb4, 0x3e, 0xf7, 0x5a, 0x0d, 0xbf, 0x3a, 0x0d, 0x26, 0x38, 0x1a, 0xf4, 0xeb, 0xa4, 0xa9, 0x8e, 0xaa, 0x9b,
	0x4e, 0x6a };

static void
setup_vault(struct life *l)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) == -1 || write(p[1], KEY_FILE_MAGIC, KEY_FILE_MAGIC_N) != KEY_FILE_MAGIC_N ||
	    write(p[1], secret_key, sizeof(secret_key)) != (ssize_t)sizeof(secret_key) ||
	    write(p[1], public_key, sizeof(public_key)) != (ssize_t)sizeof(public_key))
		walk_die("the key's pipe");
	close(p[1]);
	life_send(l, MSG_cfg_vault, &(struct msg_cfg_vault){ 0 }, p[0]);
}

static int
listening(struct life *l)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/sock", l->dir);
	l->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (bind(l->listener, (struct sockaddr *)&sun, sizeof(sun)) == -1 || listen(l->listener, 16) == -1)
		walk_die("a socket for %s", role_name(l->role));
	return fcntl(l->listener, F_DUPFD_CLOEXEC, 0);
}

static void
setup_role(struct life *l)
{
	static const uint8_t hash_key[32];
	uint8_t uid[4];
	uint32_t me = getuid();
	struct slice uids = slice_mem(uid, sizeof(uid));

	for (int i = 0; i < 4; i++)
		uid[i] = (uint8_t)(me >> (8 * i));
	switch (l->role) {
	case ROLE_VAULT:
		setup_vault(l);
		break;
	case ROLE_TLS:
		life_send(l, MSG_cfg_tls, &(struct msg_cfg_tls){ .host = slice_str(WALK_HOST), .allow_none = true }, -1);
		break;
	case ROLE_STORE:
		life_send(l, MSG_cfg_store, &(struct msg_cfg_store){ .dir = slice_str(me == 0 ? "/" : l->dir),
		    .content = CONTENT_ALL, .first = 10, .max_links = 10, .hash_key = slice_mem(hash_key, 32) }, -1);
		break;
	case ROLE_ATS:
		life_send(l, MSG_cfg_ats, &(struct msg_cfg_ats){ .public_key = slice_mem(public_key, 32), .uids = uids },
		    listening(l));
		break;
	case ROLE_CONTROL:
		life_send(l, MSG_cfg_control, &(struct msg_cfg_control){ .public_key = slice_mem(public_key, 32),
		    .uids = uids }, listening(l));
		break;
	default:
		break;
	}
}

void
life_setup(struct life *l)
{
	struct msg_hello hello = { .role = l->role, .table_hash = msg_table_hash(), .version = slice_str("walk") };
	struct msg_cfg_child m = { .uid = getuid(), .gid = getgid(), .log_level = LOG_LVL_ERROR };
	char root[80];

	if (role_table[l->role].scope != SCOPE_HOST)
		m.ats = slice_str("agency");
	snprintf(root, sizeof(root), "%s/root", l->dir);
	if (role_table[l->role].root == ROOT_STATE)
		root[strlen(l->dir)] = '\0';
	else if (mkdir(root, 0555) == -1)
		walk_die("%s", root);
	m.root = slice_str(root);
	if (getuid() == 0) {
		m.uid = m.gid = UID_BASE + (uint32_t)l->role;
		m.sandbox_flags = SANDBOX_CHROOT;
		if (chmod(l->dir, 0711) == -1 ||
		    (role_table[l->role].root == ROOT_STATE && chown(l->dir, m.uid, m.gid) == -1))
			walk_die("%s", l->dir);
	}
	life_send(l, MSG_hello, &hello, -1);
	life_send(l, MSG_cfg_child, &m, -1);
	setup_role(l);
	life_send(l, MSG_cfg_end, &(struct msg_cfg_end){ 0 }, -1);
}
