#include "bundle.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "limits.h"
#include "log.h"

struct unparsed {
	unsigned char *der;
	long n;
	X509_NAME *subject;
	bool there;	/* in the store */
};

struct bundle {
	size_t n;
	struct unparsed cert[LIM_BUNDLE_CAS];
};

/* ---- reading ---- */

/* Enters or steps over one value of DER. false: it is damaged. */
static bool
step(const unsigned char **p, const unsigned char *end, bool into, int *tag)
{
	long n;
	int cls;

	if (*p >= end || (ASN1_get_object(p, &n, tag, &cls, end - *p) & 0x81) != 0)
		return false;
	*tag |= cls;
	if (!into)
		*p += n;
	return true;
}

/*
 * TBSCertificate (RFC 5280 s. 4.1): the version, if there is one, then serial
 * number, signature, issuer and validity stand before the subject.
 */
static X509_NAME *
subject_of(const unsigned char *der, long n)
{
	const unsigned char *p = der, *end = der + n;
	int tag;

	if (!step(&p, end, true, &tag) || !step(&p, end, true, &tag) || !step(&p, end, false, &tag) ||
	    (tag == V_ASN1_CONTEXT_SPECIFIC && !step(&p, end, false, &tag)))
		return NULL;
	for (int i = 0; i < 3; i++)
		if (!step(&p, end, false, &tag))
			return NULL;
	return d2i_X509_NAME(NULL, &p, end - p);
}

static bool
is_cert(const char *name)
{
	return strcmp(name, PEM_STRING_X509) == 0 || strcmp(name, PEM_STRING_X509_OLD) == 0 ||
	    strcmp(name, PEM_STRING_X509_TRUSTED) == 0;
}

static void
keep(struct bundle *b, const char *name, unsigned char *der, long n)
{
	X509_NAME *subject = is_cert(name) ? subject_of(der, n) : NULL;

	if (subject == NULL && is_cert(name))
		log_warn("a certificate of the CA bundle cannot be read behind=%zu", b->n);
	if (subject == NULL) {
		OPENSSL_free(der);
		return;
	}
	b->cert[b->n++] = (struct unparsed){ .der = der, .n = n, .subject = subject };
}

static void
read_all(struct bundle *b, BIO *bio)
{
	char *name, *header;
	unsigned char *der;
	long n;

	while (PEM_read_bio(bio, &name, &header, &der, &n) == 1) {
		OPENSSL_free(header);
		if (b->n < LIM_BUNDLE_CAS) {
			keep(b, name, der, n);
			OPENSSL_free(name);
			continue;
		}
		OPENSSL_free(name);
		OPENSSL_free(der);
		log_error("the CA bundle holds too many certificates read=%zu", b->n);
		return;
	}
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		log_error("the CA bundle is damaged, what follows is not read certificates=%zu", b->n);
}

/* ---- what the store asks ---- */

static int
by_subject(X509_LOOKUP *lookup, X509_LOOKUP_TYPE type, const X509_NAME *subject, X509_OBJECT *out)
{
	X509_STORE *store = X509_LOOKUP_get_store(lookup);
	X509_OBJECT *found;
	X509 *cert;

	if (type != X509_LU_X509)
		return 0;
	bundle_bring(X509_LOOKUP_get_method_data(lookup), store, subject);
	found = X509_OBJECT_retrieve_by_subject(X509_STORE_get0_objects(store), type, subject);
	if (found == NULL)
		return 0;
	/* Who asked counts a reference of its own; this one is the store's. */
	cert = X509_OBJECT_get0_X509(found);
	X509_OBJECT_set1_X509(out, cert);
	X509_free(cert);
	return 1;
}

static void
bundle_free(X509_LOOKUP *lookup)
{
	struct bundle *b = X509_LOOKUP_get_method_data(lookup);

	for (size_t i = 0; b != NULL && i < b->n; i++) {
		OPENSSL_free(b->cert[i].der);
		X509_NAME_free(b->cert[i].subject);
	}
	free(b);
}

static X509_LOOKUP_METHOD *
method(void)
{
	static X509_LOOKUP_METHOD *m;

	if (m == NULL && ((m = X509_LOOKUP_meth_new("bundle")) == NULL ||
			     X509_LOOKUP_meth_set_get_by_subject(m, by_subject) != 1 ||
			     X509_LOOKUP_meth_set_free(m, bundle_free) != 1))
		fatal("out of memory");
	return m;
}

void
bundle_bring(struct bundle *b, X509_STORE *store, const X509_NAME *subject)
{
	const unsigned char *p;
	struct unparsed *c;
	X509 *cert;

	for (size_t i = 0; b != NULL && i < b->n; i++) {
		c = &b->cert[i];
		if (c->there || X509_NAME_cmp(c->subject, subject) != 0)
			continue;
		c->there = true;
		p = c->der;
		if ((cert = d2i_X509_AUX(NULL, &p, c->n)) == NULL || X509_STORE_add_cert(store, cert) != 1)
			log_warn("a certificate of the CA bundle cannot be used place=%zu", i + 1);
		X509_free(cert);
	}
	ERR_clear_error();
}

struct bundle *
bundle_open(X509_STORE *store, const char *file)
{
	struct bundle *b = calloc(1, sizeof(*b));
	BIO *bio = BIO_new_file(file, "r");
	X509_LOOKUP *lookup;

	if (b == NULL || (lookup = X509_STORE_add_lookup(store, method())) == NULL ||
	    X509_LOOKUP_set_method_data(lookup, b) != 1)
		fatal("out of memory");
	if (bio != NULL)
		read_all(b, bio);
	BIO_free(bio);
	ERR_clear_error();
	if (b->n > 0)
		return b;
	log_error("the CA bundle cannot be read");
	return NULL;
}
