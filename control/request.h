/*
 * request.h - one request of posternctl on its way: asked of the master or, one
 * store after the other, of the stores.
 *
 *	show links		get links             of each store
 *	show queue		get links, then per link and state: query, get
 *	link test, pause...	get links, then link_set of the one that is meant
 *	monitor			get links, then what each store tells, without an end
 */
#ifndef CONTROL_REQUEST_H
#define CONTROL_REQUEST_H

#include "channel.h"
#include "protocol.h"

struct client;
struct tenant;

struct request {
	enum ctl_type type;	/* CTL_none: no request */
	uint32_t req;		/* the number whose answer is waited for; 0: none */
	struct tenant *tenant;	/* the store that is asked */
	char ats[LIM_ATS_NAME + 1];
	char link[LIM_ADDRESS + 1];	/* or what else was named, for the audit log */
	bool flag;		/* paused, keep_notes or send_test */
	bool one;		/* only the named ATS */
	bool waits;		/* for the client to read */
	bool monitor;		/* has all links and follows what happens */
	uint32_t missed;	/* events that found the client's output full */
	uint64_t found;		/* the link meant */
	struct wbuf record;	/* its record, encoded */
	struct wbuf links;	/* show queue: list of u64 id + address */
	struct slice links_left;
	struct { uint64_t id; struct slice address; } at;	/* into links */
	unsigned int state;	/* show queue: row of queue_states */
	uint32_t position;
	uint32_t page;		/* ids of the last query */
};

/* A decoded frame of a greeted client whose request is CTL_none. 0; -1 when
 * this frame is no request. */
int request_begin(struct client *, const struct ctl *);
/* Ended, answered or abandoned: late answers find nobody. */
void request_free(struct request *);
void request_go_on(struct client *);	/* after waits */

/* ---- the stores (tenant.c) ---- */
struct tenant *tenant_first(void);
struct tenant *tenant_next(struct tenant *);
struct tenant *tenant_find(const char *ats);
const char *tenant_name(const struct tenant *);
struct chan *tenant_chan(const struct tenant *);
void tenant_peer(const struct chan_peer *, int fd);	/* a child_peer_fn */

/* ---- posternctl monitor (monitor.c) ---- */
/* Stores tell what happens from now on. */
void monitor_start(struct client *);
/* All links are told: the request has no end of its own any more. */
void monitor_follow(struct client *);
/* A client has left: stores stop telling when it was the last. */
void monitor_left(void);
void monitor_tenant(struct tenant *);	/* a store came */
/* A link in the list that begins it. */
void monitor_put_link(struct client *, uint32_t id, struct slice record);
int monitor_on_watched(struct chan *, const union msg *, int *fd);

/* ---- answers: of the master, of a store (request_answer.c) ---- */
extern const chan_handler request_master[MSG__COUNT];
extern const chan_handler request_store[MSG__COUNT];
void request_tenant_gone(struct tenant *);
/* The next message of a request (request.c). */
uint32_t request_number(void);
bool request_asked(uint32_t number);	/* was it ever given out? */
void request_first_tenant(struct client *);
void request_next_tenant(struct client *);
void request_next_query(struct client *);
void request_link_set(struct client *);
bool request_means(const struct request *, uint64_t id, struct slice address);

#endif
