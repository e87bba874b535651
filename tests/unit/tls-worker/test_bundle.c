/* The CA bundle: what a chain asks for is trusted, and nothing else is parsed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "certs.h"
#include "context.h"
#include "limits.h"

static char path[] = "/tmp/postern-bundle-XXXXXX";
static struct cert a, b, twin;	/* twin: another key under b's name */

static size_t
parsed(SSL_CTX *ctx)
{
	return (size_t)sk_X509_OBJECT_num(X509_STORE_get0_objects(SSL_CTX_get_cert_store(ctx)));
}

static void
add(FILE *f, const struct cert *c)
{
	assert_int_equal(PEM_write_X509(f, c->x509), 1);
}

static SSL_CTX *
opened(struct slice extra)
{
	return context_new(path, extra);
}

/* What verification says of a server's certificate. */
static int
verdict(SSL_CTX *ctx, const struct cert *leaf)
{
	X509_STORE_CTX *v = X509_STORE_CTX_new();
	int error;

	assert_int_equal(X509_STORE_CTX_init(v, SSL_CTX_get_cert_store(ctx), leaf->x509, NULL), 1);
	(void)X509_verify_cert(v);
	error = X509_STORE_CTX_get_error(v);
	X509_STORE_CTX_free(v);
	return error;
}

static void
asked_for(void **state)
{
	struct cert leaf = cert_make("mail.example", "DNS:mail.example", &b, -1, 10);
	struct cert other = cert_make("Another CA", NULL, NULL, -1, 10);
	struct cert alien = cert_make("mail.example", "DNS:mail.example", &other, -1, 10);
	FILE *f = fopen(path, "w");
	SSL_CTX *ctx;

	(void)state;
	fputs("# words before, as in Debian's file of 2012\n", f);
	add(f, &a);
	fputs("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n", f);
	add(f, &b);
	fclose(f);
	ctx = opened(SLICE_NONE);
	assert_int_equal(parsed(ctx), 0);
	assert_int_equal(verdict(ctx, &alien), X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
	assert_int_equal(parsed(ctx), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(verdict(ctx, &leaf), X509_V_OK);
		assert_int_equal(parsed(ctx), 1);
	}
	assert_int_equal(verdict(ctx, &a), X509_V_OK);
	assert_int_equal(parsed(ctx), 2);
	SSL_CTX_free(ctx);
	cert_free(&leaf);
	cert_free(&alien);
	cert_free(&other);
}

/* Old and new key of one authority: each is found, in the bundle and beside it. */
static void
one_name_two_keys(void **state)
{
	struct cert by_b = cert_make("mail.example", "DNS:mail.example", &b, -1, 10);
	struct cert by_twin = cert_make("mail.example", "DNS:mail.example", &twin, -1, 10);
	BIO *extra = cert_pem(&twin);
	char *pem;
	long n = BIO_get_mem_data(extra, &pem);
	FILE *f = fopen(path, "w");
	SSL_CTX *ctx;

	(void)state;
	add(f, &b);
	add(f, &twin);
	fclose(f);
	ctx = opened(SLICE_NONE);
	assert_int_equal(verdict(ctx, &by_b), X509_V_OK);
	assert_int_equal(verdict(ctx, &by_twin), X509_V_OK);
	SSL_CTX_free(ctx);
	f = fopen(path, "w");
	add(f, &b);
	fclose(f);
	ctx = opened(slice_mem(pem, (size_t)n));
	assert_int_equal(verdict(ctx, &by_twin), X509_V_OK);
	assert_int_equal(verdict(ctx, &by_b), X509_V_OK);
	SSL_CTX_free(ctx);
	BIO_free(extra);
	cert_free(&by_b);
	cert_free(&by_twin);
}

/* The same name in other letters, with other blanks, as another type of string. */
static void
one_name_two_spellings(void **state)
{
	struct cert ca = cert_make("Spelled  CA", NULL, NULL, -1, 10);
	struct cert issuer = { ca.key, X509_dup(ca.x509) };
	X509_NAME *name = X509_NAME_new();
	struct cert leaf;
	FILE *f = fopen(path, "w");
	SSL_CTX *ctx;

	(void)state;
	X509_NAME_add_entry_by_txt(name, "CN", V_ASN1_PRINTABLESTRING, (const unsigned char *)"spelled ca", -1, -1, 0);
	X509_set_subject_name(issuer.x509, name);
	X509_NAME_free(name);
	leaf = cert_make("mail.example", "DNS:mail.example", &issuer, -1, 10);
	add(f, &ca);
	fclose(f);
	ctx = opened(SLICE_NONE);
	assert_int_equal(verdict(ctx, &leaf), X509_V_OK);
	SSL_CTX_free(ctx);
	cert_free(&ca);
	X509_free(issuer.x509);
	cert_free(&leaf);
}

/* Without a file, without a certificate in it, with damaged ones: nothing is trusted by it. */
static void
nothing_in_it(void **state)
{
	static const uint8_t cut[][12] = { { 0 }, { 0x30, 0x80 }, { 0x30, 0x0a, 0x30, 0x08, 0xa0, 0x7f }, { 0x30, 0x02, 0x30, 0x00 },
		{ 0x30, 0x0a, 0x30, 0x08, 0x02, 0x01, 0x01, 0x30, 0x00, 0x30, 0x00, 0x30 } };
	SSL_CTX *ctx;
	FILE *f = fopen(path, "w");

	(void)state;
	for (size_t i = 0; i < sizeof(cut) / sizeof(cut[0]); i++)
		PEM_write(f, PEM_STRING_X509, "", cut[i], sizeof(cut[i]));
	fclose(f);
	ctx = opened(SLICE_NONE);
	assert_int_equal(verdict(ctx, &a), X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
	SSL_CTX_free(ctx);
	ctx = context_new("/nonexistent/bundle.pem", SLICE_NONE);
	assert_int_equal(verdict(ctx, &a), X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
	SSL_CTX_free(ctx);
}

/* What stands before the damage is trusted still. */
static void
damaged(void **state)
{
	FILE *f = fopen(path, "w");
	SSL_CTX *ctx;

	(void)state;
	add(f, &a);
	fputs("-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n", f);
	add(f, &b);
	fclose(f);
	ctx = opened(SLICE_NONE);
	assert_int_equal(verdict(ctx, &a), X509_V_OK);
	assert_int_equal(verdict(ctx, &b), X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
	SSL_CTX_free(ctx);
}

/* limit: LIM_BUNDLE_CAS: what stands behind is not read, and the log says so. */
static void
too_many(void **state)
{
	(void)state;
	for (int more = 0; more < 2; more++) {
		FILE *f = fopen(path, "w");
		SSL_CTX *ctx;

		for (int i = 0; i < LIM_BUNDLE_CAS - 1 + more; i++)
			add(f, &a);
		add(f, &b);
		fclose(f);
		ctx = opened(SLICE_NONE);
		assert_int_equal(verdict(ctx, &b), more ? X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT : X509_V_OK);
		SSL_CTX_free(ctx);
	}
}

static int
end(void **state)
{
	(void)state;
	cert_free(&a);
	cert_free(&b);
	cert_free(&twin);
	return unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asked_for),
		cmocka_unit_test(one_name_two_keys),
		cmocka_unit_test(one_name_two_spellings),
		cmocka_unit_test(nothing_in_it),
		cmocka_unit_test(damaged),
		cmocka_unit_test(too_many),
	};

	context_early();
	a = cert_make("First CA", NULL, NULL, -1, 10);
	b = cert_make("Second CA", NULL, NULL, -1, 10);
	twin = cert_make("Second CA", NULL, NULL, -1, 10);
	close(mkstemp(path));
	return cmocka_run_group_tests(tests, NULL, end);
}
