/*
 * ctl_link.h - the arguments of posternctl link add, as a link.
 */
#ifndef CONTROL_CTL_LINK_H
#define CONTROL_CTL_LINK_H

#include "messages.h"

struct link_args {
	struct rec_link link;		/* slices into argv and the buffers below */
	const char *ats, *pub, *provider;
	bool verify, from_stdin;
	char imap_host[LIM_HOST + 1], smtp_host[LIM_HOST + 1];
	char provider_buf[4096];	/* the record of the provider used */
};

/* Exits with the reason when the arguments are no link. Asks posternd for its
 * providers when no server is named. */
void link_args_parse(struct link_args *, int argc, char **argv);

/* "host:port:mode" into canonical host, port and security; 0 or -1. */
int link_endpoint_parse(const char *text, char host[LIM_HOST + 1], uint16_t *port, uint8_t *security);

#endif
