/*
 * client.h - the connections of posternctl. A client that breaks the protocol
 * loses its connection and nothing else.
 */
#ifndef CONTROL_CLIENT_H
#define CONTROL_CLIENT_H

#include <sys/queue.h>
#include <sys/types.h>

#include "limits.h"
#include "protocol.h"
#include "request.h"

struct event;

struct client {
	TAILQ_ENTRY(client) entry;
	int fd;
	uid_t uid;
	pid_t pid;
	bool greeted;
	bool lost;		/* an answer found no room: the client goes */
	struct event *read, *write, *timer;
	uint8_t *in;		/* LIM_CTL_FRAME bytes */
	size_t in_n;
	struct wbuf out;
	struct request request;
};
TAILQ_HEAD(clients, client);
extern struct clients clients;

/* The inherited listening socket and who may connect: packed u32 uids, root,
 * and own (the uid of this process before the sandbox). Called before the
 * sandbox; exits when that fails. */
void client_listen(int fd, struct slice uids, uid_t own);

/* Queue one answer; a client that does not read is closed at the loop's next
 * turn. done also ends the request. */
void client_put(struct client *, enum ctl_type, const void *fields);
/* The request has no end: it lasts as long as the connection. */
void client_follow(struct client *);
void client_done(struct client *, const char *error, const char *text, uint64_t id);
void client_done_slices(struct client *, struct slice error, struct slice text, uint64_t id);
/* Too much waits for this client: its request pauses and is told by
 * request_go_on when that has left. */
bool client_is_full(const struct client *);

/* For tests: a client on a connected socket. NULL without memory. */
struct client *client_new(int fd, uid_t uid, pid_t pid);
void client_free(struct client *);

#endif
