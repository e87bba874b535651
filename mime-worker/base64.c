#include "base64.h"

/* One more than the value of each character of the alphabet; 0: none. */
static const uint8_t values[256] = { ['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6, ['G'] = 7,
	['H'] = 8, ['I'] = 9, ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
	['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25,
	['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34,
	['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42, ['q'] = 43,
	['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52,
	['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56, ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61,
	['9'] = 62, ['+'] = 63, ['/'] = 64 };

/* Whole groups of four, as long as nothing else comes; how many bytes of in they were. */
static size_t
groups(const uint8_t *in, size_t n, uint8_t *out)
{
	size_t i = 0;

	for (; n - i >= 4; i += 4, out += 3) {
		uint8_t a = values[in[i]], b = values[in[i + 1]], c = values[in[i + 2]], d = values[in[i + 3]];
		uint32_t v;

		if (a == 0 || b == 0 || c == 0 || d == 0)
			break;
		v = (uint32_t)(a - 1) << 18 | (uint32_t)(b - 1) << 12 | (uint32_t)(c - 1) << 6 | (uint32_t)(d - 1);
		out[0] = (uint8_t)(v >> 16);
		out[1] = (uint8_t)(v >> 8);
		out[2] = (uint8_t)v;
	}
	return i;
}

size_t
base64_decode(struct base64 *b, const uint8_t *in, size_t n, uint8_t *out)
{
	size_t made = 0, whole;

	for (size_t i = 0; i < n; i++) {
		if (b->count == 0 && (whole = groups(in + i, n - i, out + made)) > 0) {
			made += whole / 4 * 3;
			if ((i += whole) == n)
				break;
		}
		if (in[i] == '=')
			b->count = 0;	/* an end; encoders are sometimes joined */
		if (values[in[i]] == 0)
			continue;
		b->bits = b->bits << 6 | (uint32_t)(values[in[i]] - 1);
		if ((b->count += 6) >= 8) {
			b->count -= 8;
			out[made++] = (uint8_t)(b->bits >> b->count);
		}
	}
	return made;
}
