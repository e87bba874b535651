#include "scram.h"

#include <string.h>

#include "sasl.h"

/* RFC 5802 s. 7, server-error-value. Others, and those that hide the reason,
 * count as a rejection: a second try could lock the mailbox. */
static const struct {
	const char *value, *code;
} errors[] = {
	{ "channel-bindings-dont-match", "auth.channel_binding" },
	{ "server-does-support-channel-binding", "auth.channel_binding" },	/* its offer was hidden from us */
	{ "channel-binding-not-supported", "auth.no_mechanism" },
	{ "unsupported-channel-binding-type", "auth.no_mechanism" },
	{ "extensions-not-supported", "auth.no_mechanism" },
	{ "invalid-encoding", "auth.unknown" },
	{ "no-resources", "auth.temp_unavailable" },
};

/* The next "x=value" up to a comma or the end; false: it has another name. */
static bool
take(struct slice *rest, char name, struct slice *value)
{
	const uint8_t *comma = rest->n > 0 ? memchr(rest->p, ',', rest->n) : NULL;
	size_t n = comma != NULL ? (size_t)(comma - rest->p) : rest->n;

	if (n < 2 || rest->p[0] != (uint8_t)name || rest->p[1] != '=')
		return false;
	*value = (struct slice){ rest->p + 2, n - 2 };
	rest->p += n;	/* the comma stays: the next one must be asked for */
	rest->n -= n;
	return true;
}

static bool
comma(struct slice *rest)
{
	if (rest->n == 0 || rest->p[0] != ',')
		return false;
	rest->p++;
	rest->n--;
	return true;
}

/* The decoded length, or -1: not base64, or not the one form of these bytes. */
static int
canonical_base64(struct slice in, uint8_t *out, size_t size)
{
	uint8_t again[(LIM_SCRAM_SALT + 2) / 3 * 4];
	int n = in.n <= sizeof(again) ? sasl_base64_decode(in, out, size) : -1;

	if (n < 1 || sasl_base64_encode((struct slice){ out, (size_t)n }, again, sizeof(again)) != (int)in.n ||
	    memcmp(again, in.p, in.n) != 0)
		return -1;
	return n;
}

/* posit-number: 1*9 digits here, no zero in front. */
static bool
number(struct slice in, uint32_t *out)
{
	*out = 0;
	if (in.n == 0 || in.n > 9 || in.p[0] == '0')
		return false;
	for (size_t i = 0; i < in.n; i++) {
		if (in.p[i] < '0' || in.p[i] > '9')
			return false;
		*out = *out * 10 + (uint32_t)(in.p[i] - '0');
	}
	return true;
}

/* printable: no control, space, comma or byte of another alphabet. */
static bool
printable(struct slice in)
{
	for (size_t i = 0; i < in.n; i++)
		if (in.p[i] < 0x21 || in.p[i] > 0x7e || in.p[i] == ',')
			return false;
	return in.n > 0;
}

const char *
scram_read_first(struct slice message, struct scram_first *f)
{
	struct slice nonce, salt, iterations;
	int n;

	if (!take(&message, 'r', &nonce) || !comma(&message) || !take(&message, 's', &salt) || !comma(&message) ||
	    !take(&message, 'i', &iterations) || message.n > 0 || !printable(nonce) ||
	    slice_copy(nonce, f->nonce, sizeof(f->nonce)) == -1 || !number(iterations, &f->iterations) ||
	    (n = canonical_base64(salt, f->salt, sizeof(f->salt))) == -1)
		return "auth.scram_unsafe";
	f->salt_n = (size_t)n;
	return NULL;
}

static const char *
error_code(struct slice value)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (slice_eq_str(value, errors[i].value))
			return errors[i].code;
	return "auth.rejected";
}

const char *
scram_read_final(struct slice message, uint8_t signature[SCRAM_SIGNATURE])
{
	struct slice value;

	if (take(&message, 'e', &value))
		return error_code(value);
	if (take(&message, 'v', &value) && message.n == 0 &&
	    canonical_base64(value, signature, SCRAM_SIGNATURE) == SCRAM_SIGNATURE)
		return NULL;
	return "auth.server_unproven";
}
