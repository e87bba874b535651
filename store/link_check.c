/*
 * link_check.c - is this a link that can be? And what its seals bind to.
 */
#include <arpa/inet.h>
#include <string.h>

#include "link_unit.h"
#include "seal_format.h"
#include "table_index.h"

static bool
is_loopback(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (strcmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static bool
printable(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return s.n > 0;
}

/* NULL, or what is wrong with the endpoint. The record must have the canonical
 * spelling, for tickets, labels and seals compare it byte by byte. */
static const char *
check_endpoint(struct slice host, uint16_t port, uint8_t security, struct slice user)
{
	char canonical[LIM_HOST + 1];

	if (seal_host_canonical(host, canonical) == -1 || !slice_eq_str(host, canonical))
		return "host is not a canonical host name";
	if (port == 0)
		return "port is missing";
	if (!printable(user))
		return "user is missing or not printable";
	if (security < SECURITY_TLS || security > SECURITY_NONE)
		return "unknown security";
	if (security == SECURITY_NONE && (!store.allow_none || !is_loopback(canonical)))
		return "security none is not allowed here";
	return NULL;
}

const char *
link_check(const struct rec_link *r, const char **description)
{
	char canonical[LIM_ADDRESS + 1];

	*description = "";
	if (address_canonical(r->address, canonical) == 0 || !printable(r->address))
		return "address";
	if (r->mode < MODE_TWO_WAY || r->mode > MODE_SEND_ONLY)
		return "mode";
	if (r->content > CONTENT_MATCHED)
		return "policy";
	if ((link_has_imap(r) || r->imap_host.n > 0) &&
	    (*description = check_endpoint(r->imap_host, r->imap_port, r->imap_security, r->imap_user)) != NULL)
		return "imap";
	if ((link_has_smtp(r) || r->smtp_host.n > 0) &&
	    (*description = check_endpoint(r->smtp_host, r->smtp_port, r->smtp_security, r->smtp_user)) != NULL)
		return "smtp";
	*description = "";
	return NULL;
}

static void
add_endpoint(struct wbuf *w, enum service service, struct slice host, uint16_t port, uint8_t security)
{
	char canonical[LIM_HOST + 1], text[SEAL_ENDPOINT_MAX];

	if (host.n > 0 && slice_copy(host, canonical, sizeof(canonical)) == 0 &&
	    seal_endpoint(text, service, security, canonical, port) == 0)
		list_add(w, slice_str(text));
}

void
link_seal_endpoints(const struct rec_link *r, bool smtp_apart, struct wbuf *imap, struct wbuf *smtp)
{
	add_endpoint(imap, SERVICE_IMAP, r->imap_host, r->imap_port, r->imap_security);
	add_endpoint(smtp_apart ? smtp : imap, SERVICE_SMTP, r->smtp_host, r->smtp_port, r->smtp_security);
}
