/* Certificates made for one test run: a CA and leaves of every kind. */
#ifndef TESTS_TLS_WORKER_CERTS_H
#define TESTS_TLS_WORKER_CERTS_H

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

struct cert {
	EVP_PKEY *key;
	X509 *x509;
};

static inline void
cert_extension(X509 *x509, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;

	X509V3_set_ctx(&ctx, issuer, x509, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	X509_add_ext(x509, e, -1);
	X509_EXTENSION_free(e);
}

/* issuer NULL: self-signed. from and to: days from now. san NULL: a CA. */
static inline struct cert
cert_make(const char *cn, const char *san, const struct cert *issuer, int from, int to)
{
	static long serial;
	struct cert c = { EVP_EC_gen("P-256"), X509_new() };
	X509_NAME *name = X509_get_subject_name(c.x509);
	X509 *by = issuer != NULL ? issuer->x509 : c.x509;

	X509_set_version(c.x509, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(c.x509), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(c.x509), (long)from * 86400);
	X509_gmtime_adj(X509_getm_notAfter(c.x509), (long)to * 86400);
	X509_set_pubkey(c.x509, c.key);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0);
	X509_set_issuer_name(c.x509, X509_get_subject_name(by));
	cert_extension(c.x509, by, NID_basic_constraints, san != NULL ? "CA:FALSE" : "critical,CA:TRUE");
	cert_extension(c.x509, by, NID_subject_key_identifier, "hash");
	cert_extension(c.x509, by, NID_authority_key_identifier, "keyid");
	if (san != NULL)
		cert_extension(c.x509, by, NID_subject_alt_name, san);
	X509_sign(c.x509, issuer != NULL ? issuer->key : c.key, EVP_sha256());
	return c;
}

static inline void
cert_free(struct cert *c)
{
	EVP_PKEY_free(c->key);
	X509_free(c->x509);
}

/* The PEM text of a certificate, owned by the caller's BIO. */
static inline BIO *
cert_pem(const struct cert *c)
{
	BIO *bio = BIO_new(BIO_s_mem());

	PEM_write_bio_X509(bio, c->x509);
	return bio;
}

#endif
