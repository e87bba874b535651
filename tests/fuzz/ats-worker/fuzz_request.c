/*
 * A Request from JSON to method dispatch and back, with a fake store behind a
 * real channel. The input is the whole request, or with a first byte of 1 to 9
 * the arguments of one method.
 */
#include "worker.h"
#include "jmap_request.h"

#define USING_ALL "{\"using\":" USING ",\"createdIds\":{\"d\":\"E1\"},\"methodCalls\":[[\"%s\","

static const char *const methods[] = { "Core/echo", "Email/set", "Email/get", "Email/query", "Link/set", "Link/test",
	"EmailSubmission/set", "Correspondent/set", "Mailbox/query", "Review/set" };

static bool done;

static void
on_done(void *ctx, json_t *response)
{
	(void)ctx;
	json_decref(response);
	done = true;
}

static struct slice
wrap(struct wbuf *w, const uint8_t *data, size_t size)
{
	char head[512];
	int n;

	if (size == 0 || data[0] == 0 || data[0] >= sizeof(methods) / sizeof(methods[0]))
		return slice_mem(data, size);
	n = snprintf(head, sizeof(head), USING_ALL, methods[data[0]]);
	w_raw(w, head, (size_t)n);
	w_raw(w, data + 1, size - 1);
	w_raw(w, ",\"c\"]]}", 7);
	return wbuf_slice(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wbuf w = { .max = 0 };
	struct jmap_problem p;
	struct jmap_request *req;

	fuzz_start();
	done = false;
	req = jmap_request_new(wrap(&w, data, size), &p, on_done, NULL);
	if (req != NULL) {
		jmap_request_run(req);
		for (int i = 0; i < 20000 && !done; i++)
			turn(1);
		check(done);
	} else
		json_decref(jmap_problem_json(&p));
	wbuf_free(&w);
	return 0;
}
