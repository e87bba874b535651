#include "resolve.h"

#include <ares.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "log.h"
#include "loop.h"

struct lookup {
	resolve_fn fn;	/* NULL: forgotten */
	void *arg;
	bool done, starting;
};

struct watch {
	ares_socket_t fd;
	struct event *event;
};

static ares_channel resolver;
static struct event *timer;
static struct watch watches[LIM_DNS_SOCKETS];
static size_t n_watches;
static unsigned int under_way;

static void
timer_arm(void)
{
	struct timeval max = { 1, 0 }, tv, *next = ares_timeout(resolver, &max, &tv);

	if (under_way > 0)
		event_add(timer, next);
	else
		event_del(timer);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	ares_process_fd(resolver, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	timer_arm();
}

static void
on_socket(evutil_socket_t fd, short what, void *arg)
{
	(void)arg;
	ares_process_fd(resolver, (what & EV_READ) != 0 ? fd : ARES_SOCKET_BAD,
	    (what & EV_WRITE) != 0 ? fd : ARES_SOCKET_BAD);
	timer_arm();
}

static void
watch_drop(ares_socket_t fd)
{
	for (size_t i = 0; i < n_watches; i++) {
		if (watches[i].fd != fd)
			continue;
		event_free(watches[i].event);
		watches[i] = watches[--n_watches];
		return;
	}
}

/* c-ares tells which of its sockets wait for what; a socket left out here
 * only times out. */
static void
on_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	short what = (short)(EV_PERSIST | (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));
	struct event *e;

	(void)arg;
	watch_drop(fd);
	if ((!readable && !writable) || n_watches == LIM_DNS_SOCKETS)
		return;
	if ((e = event_new(loop_base(), fd, what, on_socket, NULL)) == NULL)
		return;
	event_add(e, NULL);
	watches[n_watches++] = (struct watch){ fd, e };
}

void
resolve_init(void)
{
	struct ares_options options = {
		.flags = ARES_FLAG_NOSEARCH,
		.timeout = LIM_DNS_QUERY_MS,
		.tries = LIM_DNS_TRIES,
		.sock_state_cb = on_state,
	};
	/* With ARES_OPT_DOMAINS and none given there are no search domains. */
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB | ARES_OPT_DOMAINS;
	int r;

	if ((r = ares_library_init(ARES_LIB_INIT_ALL)) != ARES_SUCCESS ||
	    (r = ares_init_options(&resolver, &options, mask)) != ARES_SUCCESS)
		fatal("no resolver reason=%s", ares_strerror(r));
	if ((timer = evtimer_new(loop_base(), on_timer, NULL)) == NULL)
		fatal("out of memory");
}

static enum resolve_status
status_of(int r)
{
	switch (r) {
	case ARES_SUCCESS:
		return RESOLVE_OK;
	case ARES_ENOTFOUND:
	case ARES_ENODATA:
	case ARES_EBADNAME:
	case ARES_ENONAME:
		return RESOLVE_NOT_FOUND;
	default:
		return RESOLVE_TEMP;
	}
}

static void
on_answer(void *arg, int r, int timeouts, struct ares_addrinfo *ai)
{
	struct address_list list = { 0 };
	struct lookup *l = arg;
	enum resolve_status status = status_of(r);

	(void)timeouts;
	under_way--;
	if (ai != NULL) {
		for (const struct ares_addrinfo_node *n = ai->nodes; n != NULL; n = n->ai_next)
			address_add(&list, n->ai_addr);
		ares_freeaddrinfo(ai);
	}
	if (status == RESOLVE_OK && list.n == 0)
		status = RESOLVE_NOT_FOUND;
	if (l->fn != NULL)
		l->fn(l->arg, status, r == ARES_SUCCESS ? "no address" : ares_strerror(r), &list);
	if (l->starting)
		l->done = true;
	else
		free(l);
}

static bool
is_invalid_name(const char *host)
{
	static const char tail[] = ".invalid";
	size_t n = strlen(host);

	return n >= sizeof(tail) - 1 && strcasecmp(host + n - (sizeof(tail) - 1), tail) == 0;
}

struct lookup *
resolve_start(const char *host, resolve_fn fn, void *arg)
{
	static const struct ares_addrinfo_hints hints = {
		.ai_flags = ARES_AI_NOSORT,
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
	};
	struct address_list none = { 0 };
	struct lookup *l;

	if (is_invalid_name(host)) {
		fn(arg, RESOLVE_NOT_FOUND, "this name never exists", &none);
		return NULL;
	}
	if (under_way >= LIM_DNS_LOOKUPS || (l = calloc(1, sizeof(*l))) == NULL) {
		fn(arg, RESOLVE_TEMP, "too many lookups", &none);
		return NULL;
	}
	*l = (struct lookup){ .fn = fn, .arg = arg, .starting = true };
	under_way++;
	ares_getaddrinfo(resolver, host, NULL, &hints, on_answer, l);
	timer_arm();
	l->starting = false;
	if (l->done) {
		free(l);
		return NULL;
	}
	return l;
}

void
resolve_forget(struct lookup *l)
{
	if (l != NULL)
		l->fn = NULL;
}
