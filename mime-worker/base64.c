#include "base64.h"

static int
value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

size_t
base64_decode(struct base64 *b, const uint8_t *in, size_t n, uint8_t *out)
{
	size_t made = 0;

	for (size_t i = 0; i < n; i++) {
		int v = value(in[i]);

		if (in[i] == '=')
			b->count = 0;	/* an end; encoders are sometimes joined */
		if (v < 0)
			continue;
		b->bits = b->bits << 6 | (uint32_t)v;
		if ((b->count += 6) >= 8) {
			b->count -= 8;
			out[made++] = (uint8_t)(b->bits >> b->count);
		}
	}
	return made;
}
