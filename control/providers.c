#include "providers.h"

#include "client.h"

static struct wbuf all = { .max = LIM_CTL_PROVIDERS };

int
providers_add(struct slice record)
{
	if (!all.failed)
		w_bytes(&all, record, 4096);
	return all.failed ? -1 : 0;
}

void
providers_put(struct client *c)
{
	struct rbuf r;

	rbuf_init(&r, wbuf_slice(&all));
	while (r.n > 0)
		client_put(c, CTL_provider, &(struct ctl_provider){ .record = r_bytes(&r, 4096) });
	client_done(c, "", "", 0);
}
