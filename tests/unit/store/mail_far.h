/*
 * mail_far.h - the far ends of a store's channels: what each was told, in order.
 */
#ifndef TEST_STORE_MAIL_FAR_H
#define TEST_STORE_MAIL_FAR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <event2/event.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bind.h"
#include "blob.h"
#include "blob_pack.h"
#include "body.h"
#include "changes.h"
#include "check.h"
#include "child.h"
#include "db.h"
#include "email.h"
#include "imap_session.h"
#include "journal.h"
#include "link.h"
#include "link_unit.h"
#include "loop.h"
#include "mailbox.h"
#include "mime_pool.h"
#include "push.h"
#include "seam.h"
#include "submit.h"
#include "submit_copy.h"
#include "table_index.h"

#define LINK 1u
#define OWN "recruiter@agency.example"

struct told {
	enum msg_type type;
	struct wbuf bytes;
	struct body body;
	bool seen;
};

struct far {
	struct chan *c;
	struct told told[4096];
	size_t n;
	bool gone;
};

static struct far far_master, far_imap, far_smtp, far_ats;

static __attribute__((unused)) void
far_clear(struct far *f)
{
	for (size_t i = 0; i < f->n; i++) {
		wbuf_free(&f->told[i].bytes);
		body_close(&f->told[i].body);
	}
	f->n = 0;
}

static __attribute__((unused)) int
hear(struct chan *c, enum msg_type type, const void *m, struct slice field, int *fd)
{
	struct far *f = chan_ctx(c);
	struct told *t = &f->told[f->n];

	assert_true(f->n < 4096);
	*t = (struct told){ .type = type };
	wbuf_init(&t->bytes, 0);
	msg_encode(&t->bytes, type, m);
	assert_int_equal(body_keep(&t->body, field, fd), 0);
	f->n++;
	return 0;
}

#define HEAR(name)                                                                                                     \
	static int hear_##name(struct chan *c, const union msg *m, int *fd)                                            \
	{                                                                                                              \
		return hear(c, MSG_##name, &m->name, SLICE_NONE, fd);                                                  \
	}
#define HEAR_BODY(name)                                                                                                \
	static int hear_##name(struct chan *c, const union msg *m, int *fd)                                            \
	{                                                                                                              \
		return hear(c, MSG_##name, &m->name, m->name.data, fd);                                                \
	}
HEAR(sync_config)
HEAR(mailbox_bound)
HEAR(body_want)
HEAR_BODY(op)
HEAR(send_config)
HEAR_BODY(send_item)
HEAR(data_go)
HEAR(send_quit)
HEAR(set_done)
HEAR(state_change)
HEAR(worker_start)
HEAR(worker_stop)
HEAR(unit_run)
HEAR(unit_stop)
HEAR(stuck)
HEAR(broken)

static __attribute__((unused)) int
hear_nothing(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)m;
	(void)fd;
	return 0;
}

static const chan_handler far_handlers[MSG__COUNT] = { [MSG_audit] = hear_nothing, [MSG_sync_config] = hear_sync_config,
	[MSG_mailbox_bound] = hear_mailbox_bound, [MSG_body_want] = hear_body_want, [MSG_op] = hear_op,
	[MSG_send_config] = hear_send_config, [MSG_send_item] = hear_send_item, [MSG_data_go] = hear_data_go,
	[MSG_send_quit] = hear_send_quit, [MSG_set_done] = hear_set_done, [MSG_state_change] = hear_state_change,
	[MSG_worker_start] = hear_worker_start, [MSG_worker_stop] = hear_worker_stop,
	[MSG_unit_run] = hear_unit_run, [MSG_unit_stop] = hear_unit_stop, [MSG_stuck] = hear_stuck,
	[MSG_broken] = hear_broken };

static __attribute__((unused)) void
far_eof(struct chan *c)
{
	struct far *f = chan_ctx(c);

	f->gone = true;
}

static __attribute__((unused)) void
far_broke(struct chan *c, const char *reason)
{
	(void)c;
	fail_msg("the store broke the rules: %s", reason);
}

static const struct chan_ops far_ops = { .handlers = far_handlers, .on_eof = far_eof, .on_broken = far_broke };

/* A pair; the near end's descriptor is returned. */
static __attribute__((unused)) int
far_open(struct far *f, enum role role)
{
	struct chan_peer store_peer = { .role = ROLE_STORE, .unit = LINK };
	int sv[2];

	far_clear(f);
	chan_free(f->c);	/* of a pair whose near end is gone */
	f->c = NULL;
	f->gone = false;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	f->c = chan_new(sv[1], role, &store_peer, &far_ops, f);
	assert_non_null(f->c);
	chan_run(f->c);
	return sv[0];
}

static __attribute__((unused)) void
far_close(struct far *f)
{
	chan_free(f->c);
	f->c = NULL;
}

#endif
