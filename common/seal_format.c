#include "seal_format.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "secret.h"

int
seal_wbuf_init(struct wbuf *w)
{
	*w = (struct wbuf){ .p = malloc(LIM_SEAL_PLAIN), .cap = LIM_SEAL_PLAIN, .max = LIM_SEAL_PLAIN };
	return w->p != NULL ? 0 : -1;
}

void
seal_wbuf_wipe(struct wbuf *w)
{
	secret_wipe(w->p, w->cap);
	wbuf_free(w);
}

static void
seal_field(struct wbuf *w, struct slice s)
{
	if (s.n == 0 || s.n > UINT16_MAX) {
		w->failed = true;
		return;
	}
	w_u16(w, (uint16_t)s.n);
	w_raw(w, s.p, s.n);
}

int
seal_plain_encode(struct wbuf *w, const struct seal_plain *p)
{
	struct slice list = p->endpoints, item;
	size_t n = list_count(list);

	if (n == 0 || n > 4 || (p->kind != SEAL_KIND_PASSWORD && p->kind != SEAL_KIND_OAUTH2))
		return -1;
	w_u8(w, SEAL_VERSION);
	w_u8(w, p->kind);
	seal_field(w, p->ats);
	seal_field(w, p->address);
	seal_field(w, p->user);
	seal_field(w, p->secret);
	w_u8(w, (uint8_t)n);
	while (list_next(&list, &item))
		seal_field(w, item);
	return w->failed ? -1 : 0;
}

static bool
label_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* LDH labels of 1 to 63, in lower case already. The last one is no number:
 * "127.1" must not reach a resolver that takes it for an address. */
static bool
name_valid(const char *s)
{
	size_t n = 0;
	bool digits = true;

	for (; *s != '\0'; s++) {
		if (*s == '.') {
			if (n == 0)
				return false;
			n = 0;
			digits = true;
		} else if (!label_char(*s) || ++n > 63)
			return false;
		else if (*s < '0' || *s > '9')
			digits = false;
	}
	return n > 0 && !digits;
}

static int
ip_canonical(const char *in, char out[LIM_HOST + 1])
{
	uint8_t addr[16];

	if (inet_pton(AF_INET, in, addr) == 1)
		return inet_ntop(AF_INET, addr, out, LIM_HOST + 1) != NULL ? 0 : -1;
	if (inet_pton(AF_INET6, in, addr) == 1)
		return inet_ntop(AF_INET6, addr, out, LIM_HOST + 1) != NULL ? 0 : -1;
	return -1;
}

int
seal_host_canonical(struct slice in, char out[LIM_HOST + 1])
{
	char name[LIM_HOST + 1];

	if (in.n > 1 && in.p[in.n - 1] == '.')
		in.n--;
	if (in.n == 0 || memchr(in.p, '\0', in.n) != NULL || slice_copy(in, name, sizeof(name)) == -1)
		return -1;
	if (ip_canonical(name, out) == 0)
		return 0;
	for (char *c = name; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c + 32);
	if (!name_valid(name))
		return -1;
	memcpy(out, name, strlen(name) + 1);
	return 0;
}

int
seal_endpoint(char out[SEAL_ENDPOINT_MAX], enum service service, enum security security, const char *host,
    uint16_t port)
{
	static const char *const modes[] = { [SECURITY_TLS] = "tls", [SECURITY_STARTTLS] = "starttls",
		[SECURITY_NONE] = "none" };
	int n;

	if (security < SECURITY_TLS || security > SECURITY_NONE || host[0] == '\0' || port == 0)
		return -1;
	n = snprintf(out, SEAL_ENDPOINT_MAX, "%s:%s:%s:%u", service == SERVICE_IMAP ? "imap" : "smtp",
	    modes[security], host, port);
	return n > 0 && n < SEAL_ENDPOINT_MAX ? 0 : -1;
}
