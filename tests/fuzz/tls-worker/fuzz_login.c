/*
 * A hostile server before the login. The first byte: bit 0 IMAP or SMTP, bit 1
 * STARTTLS, the rest which of the offered mechanisms the vault takes; the
 * second the size of the pieces.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../feed.h"
#include "login.h"
#include "secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct feed f = feed_start(p, n);
	struct slice in;
	struct login *l;
	enum login_want want = LOGIN_READ;
	unsigned int rounds = 0;
	size_t step, which;

	if (n < 2 || (l = secret_malloc(sizeof(*l))) == NULL)
		return 0;
	login_init(l, (p[0] & 1) != 0 ? SERVICE_IMAP : SERVICE_SMTP, (p[0] & 2) != 0);
	which = p[0] >> 2;
	step = p[1] % 32 + 1u;
	in = feed_expand(f.p + 2, f.n - 2);
	p = in.p;
	n = in.n;
	while (want != LOGIN_DONE && want != LOGIN_FAILED && rounds++ < 100000) {
		login_sent(l);
		switch (want) {
		case LOGIN_READ:
			if (n == 0)
				goto out;
			step = step > n ? n : step;
			step = step > login_room(l) ? login_room(l) : step;
			want = login_input(l, p, step);
			p += step;
			n -= step;
			break;
		case LOGIN_HANDSHAKE:
			want = login_secured(l);
			break;
		default:
			(void)login_respond(l, slice_str(l->mechanisms[l->n_mechanisms > 0 ? which % l->n_mechanisms : 0]), slice_str("\1secret"), &want);
			if (want == LOGIN_READ)
				want = login_input(l, NULL, 0);
			break;
		}
	}
	if (want == LOGIN_FAILED && (l->code == NULL || strlen(l->detail) > LIM_DETAIL))
		abort();
out:
	secret_free(l);
	return 0;
}
