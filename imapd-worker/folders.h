/*
 * folders.h - the folders of the mailbox: what LIST said, which of them are
 * inbox, Sent and so on, which to sync, and how far each is synced.
 */
#ifndef IMAPD_FOLDERS_H
#define IMAPD_FOLDERS_H

#include "enums.h"
#include "imap_response.h"

struct msg_sync_config;

/* How far a folder is in the store: mailbox_bound, mailbox_synced. */
struct position {
	uint32_t uidvalidity;	/* 0: never synced */
	uint32_t uidnext;	/* everything below it (down to uid_low) is known */
	uint64_t modseq;
	uint32_t uid_low;
	bool complete;		/* uid_low is the bottom of the window */
};

struct folder {
	char *raw_name;		/* as the server wrote it; owned, NUL-free */
	char *name;		/* last part, UTF-8; owned */
	uint8_t separator, role;
	bool selectable, synced, guessed;	/* guessed: role by name, not by attribute */
	bool foreign;		/* of other users, or shared */
	bool status_known;
	struct imap_mailbox_status status;	/* as it came with LIST; no names in it */
	unsigned int rank;
	char objectid[LIM_OBJECTID + 1];
	uint64_t id;		/* the store's number, 0 until mailbox_bound */
	struct position pos;
	uint32_t messages;	/* EXISTS when it was last synced */
	uint32_t first_low;	/* lowest UID that the policy's first leaves, 0: not counted yet; kept by the store */
	uint32_t window;	/* lowest UID to sync, 0: not found out yet */
	bool dirty;		/* needs a round */
	bool watched;		/* named in the NOTIFY of this connection */
	bool told;		/* its STATUS came with the answer to that */
	bool confirm;		/* tell the position even if a poll finds nothing new */
	unsigned int rebuilt;	/* changes of UIDVALIDITY since rebuilt_since */
	unsigned int failures;	/* SELECT refused in a row */
	bool plateau_told;	/* the server shows no more, and the store knows */
	bool fetched;		/* headers have come from it since the process began */
	/* monotonic ms */
	uint64_t retry_at, poll_at, reconcile_at, looked_at, rebuilt_since;
	uint64_t whole_at;	/* nothing was missing then: a full round, or STATUS as expected */
};

/* A root of folders, RFC 2342. */
struct folder_space {
	enum imap_space kind;
	uint8_t separator;
	char *prefix;		/* owned; "" is the top */
};

struct folders {
	struct folder *v;
	size_t n, cap;
	size_t left_out;	/* beyond LIM_IMAP_FOLDERS */
	struct folder_space spaces[LIM_NAMESPACES];
	size_t nspaces;
	bool labels;		/* All Mail holds what lies nowhere else (Gmail) */
};

void folders_free(struct folders *);
/* Add what LIST said, the name in modified UTF-7; names that cannot be used are
 * left out. */
void folders_add(struct folders *, const struct imap_list *);
/* Another root; the prefix in modified UTF-7. */
void folders_space(struct folders *, enum imap_space, struct slice prefix, uint8_t separator);
/* Is it a root of others, and no folder of it was listed? */
bool folders_space_unlisted(const struct folders *, size_t i);
/* Would folders_add() make another folder of it, one that holds messages? */
bool folders_new(const struct folders *, const struct imap_list *);
/* What an earlier list found out about folders that are still there: how often
 * they were rebuilt, that they can be read. Frees the earlier list. */
void folders_inherit(struct folders *, struct folders *before);
/* All are listed: give roles to unmarked folders, choose what is synced. */
void folders_choose(struct folders *, const struct msg_sync_config *);
struct folder *folders_role(const struct folders *, enum mailbox_role);	/* NULL: none */
struct folder *folders_by_name(const struct folders *, struct slice raw_name);
struct folder *folders_by_id(const struct folders *, uint64_t id);

#endif
