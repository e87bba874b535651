/*
 * submit_msgid.c - Message-IDs that prove to be ours (submit_copy.h).
 *
 *	p1.<12 random bytes>.<16 bytes MAC>@<domain>		in hex
 *
 * The MAC is BLAKE2b, keyed with the ATS's hash_key, over the random part and
 * the domain. So a reply is recognised whoever sends it, and References to
 * messages that were never sent are told from real ones.
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "submit_copy.h"
#include "table_index.h"

#define NONCE 12
#define MAC 16
#define FORM_LEN (3 + 2 * NONCE + 1 + 2 * MAC + 1)	/* up to and with the @ */
_Static_assert(MSGID_SIZE == FORM_LEN + LIM_HOST + 1, "the domain is all that varies");

static void
mac(const uint8_t nonce[NONCE], struct slice domain, uint8_t out[MAC])
{
	static const uint8_t purpose[] = "postern message id";
	crypto_generichash_state st;

	crypto_generichash_init(&st, store.hash_key, sizeof(store.hash_key), MAC);
	crypto_generichash_update(&st, purpose, sizeof(purpose));
	crypto_generichash_update(&st, nonce, NONCE);
	crypto_generichash_update(&st, domain.p, domain.n);
	crypto_generichash_final(&st, out, MAC);
}

int
submit_msgid_make(struct slice address, char out[MSGID_SIZE])
{
	uint8_t nonce[NONCE], tag[MAC];
	char hex[2 * NONCE + 1], taghex[2 * MAC + 1], canonical[LIM_ADDRESS + 1];
	struct slice domain;
	int n;

	if (address_canonical(address, canonical) == 0)
		return -1;
	domain = address_domain(slice_str(canonical));
	if (domain.n == 0 || domain.n > LIM_HOST || getrandom(nonce, NONCE, 0) != NONCE)
		return -1;
	mac(nonce, domain, tag);
	sodium_bin2hex(hex, sizeof(hex), nonce, NONCE);
	sodium_bin2hex(taghex, sizeof(taghex), tag, MAC);
	n = snprintf(out, MSGID_SIZE, "p1.%s.%s@%.*s", hex, taghex, (int)domain.n, (const char *)domain.p);
	return n > 0 && n < MSGID_SIZE ? 0 : -1;
}

static bool
unhex(const uint8_t *hex, uint8_t *out, size_t n)
{
	size_t got;

	return sodium_hex2bin(out, n, (const char *)hex, 2 * n, NULL, &got, NULL) == 0 && got == n;
}

enum msgid
submit_msgid_check(struct slice id)
{
	uint8_t nonce[NONCE], tag[MAC], right[MAC];

	if (id.n <= FORM_LEN || memcmp(id.p, "p1.", 3) != 0 || id.p[3 + 2 * NONCE] != '.' || id.p[FORM_LEN - 1] != '@' ||
	    !unhex(id.p + 3, nonce, NONCE) || !unhex(id.p + 3 + 2 * NONCE + 1, tag, MAC))
		return MSGID_FOREIGN;
	mac(nonce, slice_mem(id.p + FORM_LEN, id.n - FORM_LEN), right);
	return sodium_memcmp(tag, right, MAC) == 0 ? MSGID_OURS : MSGID_FORGED;
}

static void
check_list(struct slice ids, enum msgid *best)
{
	struct slice id;

	while (list_next(&ids, &id)) {
		enum msgid v = submit_msgid_check(id);

		if (v == MSGID_OURS || (v == MSGID_FORGED && *best == MSGID_FOREIGN))
			*best = v;
	}
}

enum msgid
submit_msgid_refs(const struct rec_header *h)
{
	enum msgid best = MSGID_FOREIGN;

	check_list(h->in_reply_to, &best);
	check_list(h->references, &best);
	return best;
}
