/*
 * postern.conf, as conf_read takes it; the provider file is a good one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config.h"
#include "scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(const struct conf *c)
{
	if (c->n_ats == 0 || c->n_ats > LIM_CONF_ATS || c->n_hosts > LIM_CONF_HOSTS || c->pool < 1)
		abort();
	for (size_t i = 0; i < c->n_ats; i++)
		if (c->ats[i].name == NULL || c->ats[i].socket == NULL || c->ats[i].mode > 0777 ||
		    c->ats[i].n_uids > LIM_CONF_IDS || conf_ats(c, c->ats[i].name) == NULL)
			abort();
	for (size_t i = 0; i < c->n_hosts; i++)
		if (conf_host(c, c->hosts[i].name) == NULL)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char provider[] = "provider \"x\" { imap = \"i.example:993:tls\" smtp = \"s.example:465:tls\" }\n";
	char head[256], path[128];
	struct conf *c;
	int n;

	scratch_put("providers", provider, sizeof(provider) - 1, NULL, 0, path, sizeof(path));
	n = snprintf(head, sizeof(head), "providers = \"%s\"\n", path);
	scratch_put("conf", head, (size_t)n, data, size, path, sizeof(path));
	if ((c = conf_read(path)) != NULL)
		check(c);
	conf_free(c);
	return 0;
}
