/*
 * The provider file. What is read must decode as records, and every endpoint
 * in it is a host, a port and a mode.
 */
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "messages.h"
#include "scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(struct slice s)
{
	struct rec_provider p;
	struct rbuf r;

	rbuf_init(&r, s);
	while (r.n > 0)
		if (rec_provider_decode(r_bytes(&r, 4096), &p) == -1 || r.failed || p.imap_port == 0 || p.smtp_port == 0 ||
		    p.imap_security == 0 || p.smtp_host.n == 0)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf *c = calloc(1, sizeof(*c));
	char path[128];

	scratch_put("providers", data, size, NULL, 0, path, sizeof(path));
	if (c == NULL)
		abort();
	if (providers_read(c, path) == 0)
		check(wbuf_slice(&c->providers));
	conf_free(c);
	return 0;
}
