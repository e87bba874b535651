/*
 * The arguments of an event stream, and the header values that a download's
 * words go into: nothing in them may end a line.
 */
#include <stdlib.h>
#include <string.h>

#include "download.h"
#include "sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
one_line(const char *s)
{
	if (strpbrk(s, "\r\n") != NULL)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char type[129], disposition[4096], name[1024];
	struct http_target t;
	struct sse_args a;

	if (http_target_parse(&t, slice_mem(data, size)) == -1)
		return 0;
	if (sse_args_read(&t, &a) == 0 && a.ping > LIM_PING_MAX_SECONDS)
		abort();
	if (download_type(http_target_query(&t, "accept"), type, sizeof(type)) == 0)
		one_line(type);
	if (size < sizeof(name)) {
		memcpy(name, data, size);
		name[size] = '\0';
		download_disposition(name, disposition, sizeof(disposition));
		one_line(disposition);
		if (download_type(name, type, sizeof(type)) == 0)
			one_line(type);
	}
	return 0;
}
