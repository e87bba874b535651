/*
 * upload.c - POST /jmap/upload/{accountId}/: the bytes go as they come into a
 * buffer, from LIM_INLINE on into a memfd, which is sealed and handed to the
 * store.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "jmap.h"
#include "log.h"
#include "reply_json.h"
#include "routes.h"

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

struct upload {
	struct http_conn *conn;
	struct store_scope scope;
	struct accounts_wait wait;
	uint32_t account;
	char type[LIM_TYPE_NAME + 1];
	struct wbuf small;	/* as long as it fits inline */
	int fd;			/* else the memfd */
	uint64_t size;
	bool failed;
};

static unsigned int running;

static void
upload_free(struct upload *u)
{
	store_scope_cancel(&u->scope);
	wbuf_free(&u->small);
	if (u->fd != -1)
		close(u->fd);
	free(u);
	running--;
}

static int
write_all(int fd, struct slice s)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		s = slice_mem(s.p + n, s.n - (size_t)n);
	}
	return 0;
}

static int
spill(struct upload *u)
{
	u->fd = memfd_create("upload", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (u->fd == -1 || write_all(u->fd, wbuf_slice(&u->small)) == -1)
		return -1;
	wbuf_free(&u->small);
	return 0;
}

static void
on_body(void *ctx, struct slice piece)
{
	struct upload *u = ctx;

	u->size += piece.n;
	if (u->failed)
		return;
	if (u->fd == -1 && u->size <= LIM_INLINE) {
		w_raw(&u->small, piece.p, piece.n);
		u->failed = u->small.failed;
	} else if ((u->fd == -1 && spill(u) == -1) || write_all(u->fd, piece) == -1)
		u->failed = true;
}

static void
fail(struct upload *u, int status, const char *detail)
{
	struct http_conn *c = u->conn;

	upload_free(u);
	reply_problem(c, status, "about:blank", detail);
}

static void
on_stored(void *ctx, const struct store_answer *a)
{
	struct upload *u = ctx;
	struct http_conn *c = u->conn;
	json_t *o;

	if (a->error != NULL) {
		bool unknown = strcmp(a->error, "accountNotFound") == 0;

		fail(u, unknown ? 404 : strcmp(a->error, "overQuota") == 0 ? 507 : 503,
		    unknown ? "No such account." : "The upload could not be stored.");
		return;
	}
	o = json_object();
	ju_set(o, "accountId", account_id_json(u->account));
	ju_set(o, "blobId", ju_blob_raw(a->m->set_done.blob));
	ju_set(o, "type", json_string(u->type));
	ju_set(o, "size", ju_uint(u->size));
	if (ju_failed_take()) {
		json_decref(o);
		o = NULL;
	}
	upload_free(u);
	reply_json(c, 201, o);
}

static void
put(struct upload *u)
{
	struct msg_blob_put m = { .account = u->account, .type = slice_str(u->type), .data = wbuf_slice(&u->small) };
	int fd = u->fd;

	u->fd = -1;
	if (u->failed || (fd != -1 && fcntl(fd, F_ADD_SEALS, SEALS) == -1)) {
		if (fd != -1)
			close(fd);
		fail(u, 503, "The upload could not be kept.");
	} else if (store_ask(&u->scope, MSG_blob_put, &m, fd, on_stored, u) == -1)
		fail(u, 503, "The store is not available now.");
}

static void
on_fresh(void *ctx, bool ok)
{
	struct upload *u = ctx;

	if (!ok)
		fail(u, 503, "The store is not available now.");
	else if (u->account == ACCOUNT_ATS || accounts_find(u->account) == NULL)
		fail(u, 404, "No such account.");
	else
		put(u);
}

static void
on_end(void *ctx)
{
	struct upload *u = ctx;

	u->wait = (struct accounts_wait){ .cb = on_fresh, .ctx = u };
	if (accounts_fresh())
		on_fresh(u, true);
	else if (accounts_refresh(&u->scope, &u->wait) == -1)
		on_fresh(u, false);
}

static void
on_gone(void *ctx)
{
	upload_free(ctx);
}

static const struct http_taker taker = { .body = on_body, .end = on_end, .gone = on_gone };

/* The type is given back as it came, so only what a type can be is kept. */
static void
copy_type(const struct http_head *h, char out[LIM_TYPE_NAME + 1])
{
	const struct http_header *type = http_header_find(h, "content-type");
	bool ok = type != NULL && type->value.n > 0 && slice_copy(type->value, out, LIM_TYPE_NAME + 1) == 0;

	for (size_t i = 0; ok && i < type->value.n; i++)
		ok = type->value.p[i] >= ' ' && type->value.p[i] < 0x7f;
	if (!ok)
		(void)slice_copy(slice_str("application/octet-stream"), out, LIM_TYPE_NAME + 1);
}

void
upload_route(struct http_conn *c)
{
	const struct http_head *h = http_conn_head(c);
	const struct http_target *t = http_conn_target(c);
	struct upload *u;
	uint32_t account;

	if (account_id_parse(t->segments[2], &account) == -1 || account == ACCOUNT_ATS ||
	    (accounts_fresh() && accounts_find(account) == NULL))
		reply_problem(c, 404, "about:blank", "No such account.");
	else if (h->has_length && h->length > LIM_JMAP_UPLOAD)
		reply_problem_json(c, 413,
		    json_pack("{s:s, s:i, s:s, s:s}", "type", "urn:ietf:params:jmap:error:limit", "status", 413, "limit",
			"maxSizeUpload", "detail", "The upload is larger than maxSizeUpload."));
	else if (running >= LIM_JMAP_UPLOADS)
		reply_problem_json(c, 429,
		    json_pack("{s:s, s:i, s:s, s:s}", "type", "urn:ietf:params:jmap:error:limit", "status", 429, "limit",
			"maxConcurrentUpload", "detail", "Too many uploads at once."));
	else if ((u = calloc(1, sizeof(*u))) == NULL)
		reply_problem(c, 503, "about:blank", "Out of memory.");
	else {
		*u = (struct upload){ .conn = c, .account = account, .small = { .max = LIM_INLINE }, .fd = -1 };
		copy_type(h, u->type);
		running++;
		http_take(c, &taker, u, LIM_JMAP_UPLOAD);
	}
}
