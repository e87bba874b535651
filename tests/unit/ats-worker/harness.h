/*
 * harness.h - a whole ats-worker in a test: its routes and methods in this
 * process, a fake store at the other end of a real channel, and a client on a
 * socketpair.
 */
#ifndef TEST_ATS_HARNESS_H
#define TEST_ATS_HARNESS_H

#include <event2/event.h>
#include <jansson.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "accounts.h"
#include "ats.h"
#include "child.h"
#include "eventsource.h"
#include "http_server.h"
#include "loop.h"
#include "peer_cred.h"
#include "routes.h"
#include "store_client.h"

#define FAKE_EPOCH 0xabcu

/* What the fake store saw last, and what it shall answer. */
static struct {
	struct chan *chan;
	enum msg_type last;
	struct msg_link_set link_set;
	struct rec_link link;
	uint8_t seal[8192];
	size_t seal_n;
	struct msg_email_update update;
	char add[256], del[256], keywords[256];
	struct wbuf draft;
	struct msg_submission_set submission_set;
	struct wbuf submission;
	struct msg_query query;
	struct wbuf filter;
	struct msg_review_set review_set;
	struct wbuf blob;
	uint64_t destroyed;
	const char *error;	/* of the next set_done */
	const char *blob_error;
	bool silent;		/* do not answer */
	unsigned int gets;
	uint64_t state;
} fake = { .state = 7 };

static uint8_t key_public[32], key_secret[32];

/* ---- records ---- */

static inline struct slice
encoded(struct wbuf *w)
{
	assert_false(w->failed);
	return wbuf_slice(w);
}

static inline void
list_address(struct wbuf *list, const char *name, const char *email)
{
	struct wbuf one = { .max = 600 };

	rec_address_encode(&one, &(struct rec_address){ slice_str(name), slice_str(email) });
	list_add(list, encoded(&one));
	wbuf_free(&one);
}

static inline void
list_part(struct wbuf *list, struct rec_part p)
{
	struct wbuf one = { .max = 4096 };

	rec_part_encode(&one, &p);
	list_add(list, encoded(&one));
	wbuf_free(&one);
}

static inline void
make_link(struct wbuf *w, uint64_t id)
{
	struct rec_link r = { .address = slice_str(id == 1 ? "anna@example.org" : "desk@example.org"),
		.name = slice_str("Anna"), .mode = id == 1 ? MODE_TWO_WAY : MODE_RECEIVE_ONLY,
		.imap_host = slice_str("imap.example.org"), .imap_port = 993, .imap_security = SECURITY_TLS,
		.imap_user = slice_str("anna"), .smtp_host = slice_str("smtp.example.org"), .smtp_port = 465,
		.smtp_security = SECURITY_TLS, .smtp_user = slice_str("anna"), .state = LINK_OFFLINE,
		.error_code = slice_str("net.refused"), .error_detail = slice_str("refused"), .error_since = 1000,
		.linked_at = 500 };

	rec_link_encode(w, &r);
}

static inline void
make_email(struct wbuf *w, uint64_t id, bool parts)
{
	struct wbuf from = { .max = 0 }, to = { .max = 0 }, list = { .max = 0 }, header = { .max = 0 }, ids = { .max = 0 };
	struct wbuf mids = { .max = 0 };
	struct rec_header h = { .subject = slice_str("Hello \xc3\xa4"), .sent_at = 1414649520, .sent_zone = 720 + 480 };
	struct rec_email e = { .thread = 3, .blob = id == 1 ? 11 : 0, .size = 4321, .received_at = 1414649530,
		.keywords = slice_str("$seen work"), .has_attachment = true, .preview = slice_str("Hello"),
		.content_state = id == 1 ? CONTENT_STATE_FULL : CONTENT_STATE_HEADER };

	list_address(&from, "Anna", "anna@example.org");
	list_address(&to, "", "carl@example.com");
	list_address(&to, "", "CARL@example.com");
	list_add(&mids, slice_str("abc@example.org"));
	h.from = encoded(&from);
	h.to = encoded(&to);
	h.message_id = encoded(&mids);
	rec_header_encode(&header, &h);
	e.header = encoded(&header);
	ids_add(&ids, 1);
	e.mailboxes = encoded(&ids);
	if (parts && id == 1) {
		list_part(&list, (struct rec_part){ .multipart = true, .type = slice_str("multipart/mixed") });
		list_part(&list, (struct rec_part){ .depth = 1, .multipart = true, .type = slice_str("multipart/alternative") });
		list_part(&list, (struct rec_part){ .part_id = slice_str("1"), .depth = 2, .type = slice_str("text/plain"),
		    .size = 20, .flags = PART_TEXT_BODY });
		list_part(&list, (struct rec_part){ .part_id = slice_str("2"), .depth = 2, .type = slice_str("text/html"),
		    .charset = slice_str("utf-8"), .size = 40, .flags = PART_HTML_BODY });
		list_part(&list, (struct rec_part){ .part_id = slice_str("3"), .depth = 1, .type = slice_str("application/pdf"),
		    .name = slice_str("cv.pdf"), .disposition = slice_str("attachment"), .size = 99,
		    .flags = PART_ATTACHMENT | PART_DOCUMENT });
	}
	e.parts = wbuf_slice(&list);
	rec_email_encode(w, &e);
	wbuf_free(&from);
	wbuf_free(&to);
	wbuf_free(&list);
	wbuf_free(&header);
	wbuf_free(&ids);
	wbuf_free(&mids);
}

static inline void
make_submission(struct wbuf *w)
{
	struct wbuf list = { .max = 0 }, one = { .max = 0 };
	struct rec_rcpt to = { .email = slice_str("carl@example.com"), .state = RCPT_PENDING };
	struct rec_submission r = { .email = 1, .thread = 3, .identity = 1, .from = slice_str("anna@example.org"),
		.state = SUB_QUEUED, .undo = UNDO_PENDING, .send_at = 2000, .sequence_id = slice_str("q") };

	rec_rcpt_encode(&one, &to);
	list_add(&list, wbuf_slice(&one));
	r.rcpts = wbuf_slice(&list);
	rec_submission_encode(w, &r);
	wbuf_free(&list);
	wbuf_free(&one);
}

/* False: no such object. */
static inline bool
make_row(struct wbuf *w, const struct msg_get *m, uint64_t id)
{
	if (id == 0 || id > 2)
		return false;
	switch ((enum obj_type)m->type) {
	case OBJ_LINK:
		make_link(w, id);
		return true;
	case OBJ_EMAIL:
		make_email(w, id, m->parts != 0);
		return true;
	case OBJ_MAILBOX:
		rec_mailbox_encode(w, &(struct rec_mailbox){ .name = slice_str(id == 1 ? "Inbox" : "Alpha"),
		    .role = id == 1 ? MBOX_INBOX : MBOX_NONE, .selectable = true, .total = 4, .unread = 1 });
		return true;
	case OBJ_IDENTITY:
		rec_identity_encode(w, &(struct rec_identity){ slice_str("Anna"), slice_str("anna@example.org"),
		    SLICE_NONE, SLICE_NONE });
		return true;
	case OBJ_SUBMISSION:
		make_submission(w);
		return true;
	case OBJ_CORRESPONDENT:
		rec_correspondent_encode(w, &(struct rec_correspondent){ .kind = PERSON_CANDIDATE,
		    .name = slice_str("Carl") });
		return true;
	case OBJ_REVIEW:
		rec_review_encode(w, &(struct rec_review){ .reason = id == 1 ? REVIEW_UNCERTAIN_SEND
									   : REVIEW_AMBIGUOUS_ADDRESS });
		return true;
	case OBJ_NOTE:
	case OBJ_THREAD:
	case OBJ__COUNT:
		break;
	}
	return false;
}

/* ---- the fake store's handlers ---- */

static inline int
fake_get(struct chan *c, const union msg *m, int *fd)
{
	struct wbuf missing = { .max = 0 }, all = { .max = 0 }, row = { .max = 0 };
	struct slice ids = m->get.ids;

	(void)fd;
	fake.gets++;
	if (fake.silent)
		return 0;
	ids_add(&all, 1);
	ids_add(&all, 2);
	if (m->get.all)
		ids = wbuf_slice(&all);
	for (size_t i = 0; i < ids_count(ids); i++) {
		wbuf_reset(&row);
		if (!make_row(&row, &m->get, ids_at(ids, i))) {
			if (!m->get.all)
				ids_add(&missing, ids_at(ids, i));
			continue;
		}
		assert_int_equal(send_row(c, &(struct msg_row){ .req = m->get.req, .type = m->get.type,
		    .id = ids_at(ids, i), .data = wbuf_slice(&row) }, -1), 0);
	}
	assert_int_equal(send_get_done(c, &(struct msg_get_done){ .req = m->get.req, .epoch = FAKE_EPOCH,
	    .state = fake.state, .not_found = wbuf_slice(&missing) }), 0);
	wbuf_free(&missing);
	wbuf_free(&all);
	wbuf_free(&row);
	return 0;
}

static inline int
fake_changes(struct chan *c, const union msg *m, int *fd)
{
	struct wbuf ids = { .max = 0 };

	(void)fd;
	ids_add(&ids, 5);
	assert_int_equal(send_changes_done(c, &(struct msg_changes_done){ .req = m->changes.req, .epoch = FAKE_EPOCH,
	    .error = slice_str(m->changes.epoch == FAKE_EPOCH ? "" : "cannotCalculateChanges"),
	    .old_state = m->changes.since, .new_state = fake.state, .created = wbuf_slice(&ids) }), 0);
	wbuf_free(&ids);
	return 0;
}

static inline int
fake_query(struct chan *c, const union msg *m, int *fd)
{
	struct wbuf ids = { .max = 0 };
	uint32_t position = m->query.anchor != 0 ? 4 : m->query.position;

	(void)fd;
	fake.query = m->query;
	wbuf_reset(&fake.filter);
	w_raw(&fake.filter, m->query.filter.p, m->query.filter.n);
	for (uint32_t i = 0; i < m->query.limit && position + i < 10; i++)
		ids_add(&ids, position + i + 1);
	assert_int_equal(send_query_done(c, &(struct msg_query_done){ .req = m->query.req, .epoch = FAKE_EPOCH,
	    .state = fake.state, .position = position, .total = 10, .ids = wbuf_slice(&ids) }), 0);
	wbuf_free(&ids);
	return 0;
}

static inline void
fake_done(struct chan *c, enum msg_type type, uint32_t req, uint64_t id)
{
	const char *error = fake.error != NULL ? fake.error : "";
	struct msg_set_done m = { .req = req, .error = slice_str(error), .id = id != 0 ? id : 1, .epoch = FAKE_EPOCH,
		.old_state = fake.state, .blob = 77, .thread = 3, .size = 55 };

	fake.last = type;
	if (fake.silent)
		return;
	m.new_state = fake.error == NULL ? ++fake.state : fake.state;
	assert_int_equal(send_set_done(c, &m), 0);
}

static inline int
fake_link_set(struct chan *c, const union msg *m, int *fd)
{
	static uint8_t record[16384];

	(void)fd;
	fake.link_set = m->link_set;
	assert_true(m->link_set.record.n <= sizeof(record));
	memcpy(record, m->link_set.record.p, m->link_set.record.n);
	if (m->link_set.record.n > 0)
		assert_int_equal(rec_link_decode(slice_mem(record, m->link_set.record.n), &fake.link), 0);
	fake.seal_n = m->link_set.seal.n;
	memcpy(fake.seal, m->link_set.seal.p, m->link_set.seal.n);
	if (m->link_set.verify)
		assert_int_equal(send_probe_step(c, &(struct msg_probe_step){ .req = m->link_set.req,
		    .service = SERVICE_IMAP, .step = STEP_AUTH, .ok = fake.error == NULL,
		    .code = slice_str(fake.error != NULL ? "auth.rejected" : ""), .ms = 12 }), 0);
	fake_done(c, MSG_link_set, m->link_set.req, m->link_set.id);
	return 0;
}

static inline int
fake_email_create(struct chan *c, const union msg *m, int *fd)
{
	struct body b;

	assert_int_equal(body_open(&b, m->email_create.draft, fd), 0);
	wbuf_reset(&fake.draft);
	w_raw(&fake.draft, b.data.p, b.data.n);
	body_close(&b);
	(void)slice_copy(m->email_create.keywords, fake.keywords, sizeof(fake.keywords));
	fake_done(c, MSG_email_create, m->email_create.req, 1);
	return 0;
}

static inline int
fake_email_update(struct chan *c, const union msg *m, int *fd)
{
	(void)fd;
	fake.update = m->email_update;
	(void)slice_copy(m->email_update.keywords_add, fake.add, sizeof(fake.add));
	(void)slice_copy(m->email_update.keywords_del, fake.del, sizeof(fake.del));
	(void)slice_copy(m->email_update.keywords, fake.keywords, sizeof(fake.keywords));
	fake_done(c, MSG_email_update, m->email_update.req, m->email_update.id);
	return 0;
}

static inline int
fake_email_destroy(struct chan *c, const union msg *m, int *fd)
{
	(void)fd;
	fake.destroyed = m->email_destroy.id;
	fake_done(c, MSG_email_destroy, m->email_destroy.req, m->email_destroy.id);
	return 0;
}

static inline int
fake_email_content(struct chan *c, const union msg *m, int *fd)
{
	(void)fd;
	fake_done(c, MSG_email_content, m->email_content.req, m->email_content.id);
	return 0;
}

static inline int
fake_submission_set(struct chan *c, const union msg *m, int *fd)
{
	(void)fd;
	fake.submission_set = m->submission_set;
	wbuf_reset(&fake.submission);
	w_raw(&fake.submission, m->submission_set.record.p, m->submission_set.record.n);
	fake_done(c, MSG_submission_set, m->submission_set.req, m->submission_set.id);
	return 0;
}

static inline int
fake_correspondent_set(struct chan *c, const union msg *m, int *fd)
{
	(void)fd;
	fake_done(c, MSG_correspondent_set, m->correspondent_set.req, m->correspondent_set.id);
	return 0;
}

static inline int
fake_review_set(struct chan *c, const union msg *m, int *fd)
{
	(void)fd;
	fake.review_set = m->review_set;
	fake_done(c, MSG_review_set, m->review_set.req, m->review_set.id);
	return 0;
}

static inline int
fake_note_destroy(struct chan *c, const union msg *m, int *fd)
{
	(void)fd;
	fake_done(c, MSG_note_destroy, m->note_destroy.req, m->note_destroy.id);
	return 0;
}

static inline int
fake_blob_put(struct chan *c, const union msg *m, int *fd)
{
	struct body b;

	assert_int_equal(body_open(&b, m->blob_put.data, fd), 0);
	wbuf_reset(&fake.blob);
	w_raw(&fake.blob, b.data.p, b.data.n);
	body_close(&b);
	fake_done(c, MSG_blob_put, m->blob_put.req, 0);
	return 0;
}

static inline int
fake_blob_get(struct chan *c, const union msg *m, int *fd)
{
	struct msg_blob_data d = { .req = m->blob_get.req };
	struct slice text = slice_str("line one\r\n<b>line</b> \xc3\xa4 two");
	int out = -1;

	(void)fd;
	if (fake.blob_error != NULL)
		d.error = slice_str(fake.blob_error);
	else if (m->blob_get.kind == BLOB_TEXT)
		d.data = text;
	else
		out = body_put(wbuf_slice(&fake.blob), &d.data);
	assert_int_equal(send_blob_data(c, &d, out), 0);
	return 0;
}

static const chan_handler fake_handlers[MSG__COUNT] = { [MSG_get] = fake_get, [MSG_changes] = fake_changes,
	[MSG_query] = fake_query, [MSG_link_set] = fake_link_set, [MSG_email_create] = fake_email_create,
	[MSG_email_update] = fake_email_update, [MSG_email_destroy] = fake_email_destroy,
	[MSG_email_content] = fake_email_content, [MSG_submission_set] = fake_submission_set,
	[MSG_correspondent_set] = fake_correspondent_set, [MSG_review_set] = fake_review_set,
	[MSG_note_destroy] = fake_note_destroy, [MSG_blob_put] = fake_blob_put, [MSG_blob_get] = fake_blob_get };

static inline void
fake_gone(struct chan *c)
{
	chan_free(c);
	fake.chan = NULL;
}

static inline void
fake_broken(struct chan *c, const char *reason)
{
	fprintf(stderr, "the ats-worker broke the channel: %s\n", reason);
	fake_gone(c);
	abort();
}

static const struct chan_ops fake_ops = { .handlers = fake_handlers, .on_eof = fake_gone, .on_broken = fake_broken };

/* ---- the worker ---- */

static inline void
worker_change(const struct msg_state_change *m)
{
	if (m->account == ACCOUNT_ATS && m->type == OBJ_LINK)
		accounts_dirty();
	eventsource_change(m);
}

static inline void
worker_store(bool up)
{
	(void)up;
	accounts_dirty();
}

static inline void
store_connect(void)
{
	static const struct chan_peer to_store = { .role = ROLE_STORE }, to_ats = { .role = ROLE_ATS };
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	store_client_attach(loop_chan(fds[0], &to_store, &store_client_ops, NULL));
	fake.chan = chan_new(fds[1], ROLE_STORE, &to_ats, &fake_ops, NULL);
	chan_run(fake.chan);
	loop_add(fake.chan);
}

static inline void
worker_start(void)
{
	struct wbuf uid = { .max = 0 }, provider = { .max = 0 }, domains = { .max = 0 };

	child.role = ROLE_ATS;
	assert_true(sodium_init() != -1);
	(void)crypto_box_keypair(key_public, key_secret);
	memcpy(ats_config.public_key, key_public, 32);
	(void)snprintf(ats_config.name, sizeof(ats_config.name), "main");
	w_u32(&uid, getuid());
	peer_cred_init(wbuf_slice(&uid), SLICE_NONE);
	list_add(&domains, slice_str("Example.NET"));
	rec_provider_encode(&provider, &(struct rec_provider){ .id = slice_str("acme"), .label = slice_str("Acme"),
	    .domains = wbuf_slice(&domains), .imap_host = slice_str("IMAP.acme.example"), .imap_port = 993,
	    .imap_security = SECURITY_TLS, .smtp_host = slice_str("smtp.acme.example"), .smtp_port = 587,
	    .smtp_security = SECURITY_STARTTLS });
	assert_int_equal(ats_config_provider(wbuf_slice(&provider)), 0);
	wbuf_free(&uid);
	wbuf_free(&provider);
	wbuf_free(&domains);
	eventsource_init();
	store_client_init(worker_change, worker_store);
	assert_int_equal(http_server_start(-1, &http_server_defaults, route_request), 0);
	store_connect();
}

static inline void
turn(int n)
{
	for (int i = 0; i < n; i++)
		event_base_loop(loop_base(), EVLOOP_NONBLOCK);
}

/* ---- the client ---- */

static inline int
client_connect(void)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	http_server_adopt(fds[0]);
	return fds[1];
}

static inline void
client_write(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t w = send(fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (w > 0) {
			p += w;
			n -= (size_t)w;
		}
		turn(1);
		if (w == -1 && errno != EAGAIN)
			return;
	}
}

/* Everything until the server closes or falls silent; malloc'd, NUL-terminated. */
static inline char *
client_read(int fd, size_t *len)
{
	size_t n = 0, cap = 1 << 16;
	char *text = malloc(cap);
	int idle = 0;

	while (idle < 30) {
		ssize_t r;

		turn(2);
		if (n + 4096 > cap)
			text = realloc(text, cap *= 2);
		assert_non_null(text);
		r = recv(fd, text + n, cap - n - 1, MSG_DONTWAIT);
		if (r == 0 || (r == -1 && errno != EAGAIN))
			break;
		idle = r == -1 ? idle + 1 : 0;
		n += r > 0 ? (size_t)r : 0;
	}
	text[n] = '\0';
	if (len != NULL)
		*len = n;
	return text;
}

static inline char *
http(const char *request)
{
	int fd = client_connect();
	char *answer;

	client_write(fd, request, strlen(request));
	answer = client_read(fd, NULL);
	close(fd);
	turn(2);
	return answer;
}

static inline int
status_of(const char *answer)
{
	return strncmp(answer, "HTTP/1.1 ", 9) == 0 ? atoi(answer + 9) : 0;
}

/* POST to the API; the whole HTTP answer. */
static inline char *
api_raw(const char *body)
{
	size_t n = strlen(body) + 256;
	char *request = malloc(n), *answer;

	assert_non_null(request);
	(void)snprintf(request, n,
	    "POST /jmap/api HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
	    "Connection: close\r\n\r\n%s", strlen(body), body);
	answer = http(request);
	free(request);
	return answer;
}

static inline json_t *
body_json(const char *answer)
{
	const char *body = strstr(answer, "\r\n\r\n");
	json_t *v = body != NULL ? json_loads(body + 4, 0, NULL) : NULL;

	if (v == NULL)
		fprintf(stderr, "no JSON in: %s\n", answer);
	assert_non_null(v);
	return v;
}

#define USING "[\"urn:ietf:params:jmap:core\",\"urn:ietf:params:jmap:mail\",\"urn:ietf:params:jmap:submission\"," \
	      "\"urn:postern:params:jmap:ats\"]"

/* Run method calls; the methodResponses. */
static inline json_t *
api(const char *calls)
{
	size_t n = strlen(calls) + 512;
	char *body = malloc(n), *answer;
	json_t *v, *responses;

	assert_non_null(body);
	(void)snprintf(body, n, "{\"using\":" USING ",\"methodCalls\":%s}", calls);
	answer = api_raw(body);
	assert_int_equal(status_of(answer), 200);
	v = body_json(answer);
	responses = json_incref(json_object_get(v, "methodResponses"));
	assert_non_null(responses);
	json_decref(v);
	free(answer);
	free(body);
	return responses;
}

/* One call: its arguments as a response (borrowed from *keep). */
static inline json_t *
call1(const char *method, const char *args, json_t **keep)
{
	size_t n = strlen(args) + 256;
	char *calls = malloc(n);

	assert_non_null(calls);
	(void)snprintf(calls, n, "[[\"%s\",%s,\"c\"]]", method, args);
	*keep = api(calls);
	free(calls);
	return json_array_get(json_array_get(*keep, 0), 1);
}

static inline void
expect_error(const char *method, const char *args, const char *type)
{
	json_t *keep, *r = call1(method, args, &keep);
	const char *got = json_string_value(json_object_get(r, "type"));

	assert_string_equal(json_string_value(json_array_get(json_array_get(keep, 0), 0)), "error");
	assert_string_equal(got, type);
	json_decref(keep);
}

/* The value at a path of keys and indexes, "/" between them, as JSON text. */
static inline void
expect(json_t *root, const char *path, const char *wanted)
{
	char *copy = strdup(path), *save = NULL, *got;
	json_t *at = root;

	for (char *t = strtok_r(copy, "/", &save); t != NULL; t = strtok_r(NULL, "/", &save))
		at = json_is_array(at) ? json_array_get(at, (size_t)atoi(t)) : json_object_get(at, t);
	got = at != NULL ? json_dumps(at, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS) : strdup("(absent)");
	if (strcmp(got, wanted) != 0) {
		char *whole = json_dumps(root, JSON_INDENT(1) | JSON_ENCODE_ANY);

		fprintf(stderr, "at %s of %s\n", path, whole);
		free(whole);
	}
	assert_string_equal(got, wanted);
	free(got);
	free(copy);
}

#endif
