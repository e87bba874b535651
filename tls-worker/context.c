#include "context.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <time.h>

#include "bundle.h"
#include "limits.h"
#include "log.h"
#include "secret.h"

static void *
crypto_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return n > 0 ? secret_malloc(n) : NULL;
}

static void *
crypto_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	if (n > 0)
		return secret_realloc(p, n);
	secret_free(p);
	return NULL;
}

static void
crypto_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	secret_free(p);
}

void
context_early(void)
{
	if (CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free) != 1)
		fatal("OpenSSL refuses the wiping allocator");
}

static void
add_extra(X509_STORE *store, struct bundle *bundle, struct slice pem)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	unsigned int count = 0;
	X509 *cert;

	if (bio == NULL)
		fatal("out of memory");
	while (count < LIM_EXTRA_CAS && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		bundle_bring(bundle, store, X509_get_subject_name(cert));
		if (X509_STORE_add_cert(store, cert) == 1)
			count++;
		X509_free(cert);
	}
	if (count == LIM_EXTRA_CAS && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		X509_free(cert);
		log_error("the extra CA file holds too many certificates read=%u", count);
	}
	BIO_free(bio);
	ERR_clear_error();
	if (count == 0)
		log_error("the extra CA file holds no certificate");
	else
		log_debug("extra CA file read count=%u", count);
}

/* Buffers of random bytes, algorithms and time zone: nothing may be lazy. */
static void
warm(void)
{
	uint8_t byte;
	time_t now = time(NULL);
	struct tm tm;

	tzset();
	(void)gmtime_r(&now, &tm);
	if (RAND_bytes(&byte, 1) != 1)
		fatal("no random bytes");
}

SSL_CTX *
context_new(const char *ca_file, struct slice extra_ca)
{
	struct bundle *bundle = NULL;
	SSL_CTX *ctx;

	if (OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_LOAD_SSL_STRINGS |
		    OPENSSL_INIT_LOAD_CRYPTO_STRINGS | OPENSSL_INIT_NO_ATEXIT, NULL) != 1 ||
	    (ctx = SSL_CTX_new(TLS_client_method())) == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1)
		fatal("OpenSSL does not start");
	SSL_CTX_set_security_level(ctx, 2);
	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
	    SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	/* A certificate the admin put into the extra file is an anchor by itself. */
	X509_STORE_set_flags(SSL_CTX_get_cert_store(ctx), X509_V_FLAG_PARTIAL_CHAIN);
	if (ca_file[0] != '\0')
		bundle = bundle_open(SSL_CTX_get_cert_store(ctx), ca_file);
	if (extra_ca.n > 0)
		add_extra(SSL_CTX_get_cert_store(ctx), bundle, extra_ca);
	warm();
	return ctx;
}

SSL *
context_connection(SSL_CTX *ctx, const char *host)
{
	ASN1_OCTET_STRING *ip = a2i_IPADDRESS(host);
	SSL *ssl = SSL_new(ctx);
	X509_VERIFY_PARAM *param;
	int ok = 0;

	if (ssl != NULL) {
		param = SSL_get0_param(ssl);
		X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
		/* An empty host would match anything: it is refused. */
		if (host[0] == '\0')
			ok = 0;
		else if (ip != NULL)
			ok = X509_VERIFY_PARAM_set1_ip_asc(param, host);
		else
			ok = X509_VERIFY_PARAM_set1_host(param, host, 0) == 1 &&
			    SSL_set_tlsext_host_name(ssl, host) == 1;
	}
	ASN1_OCTET_STRING_free(ip);
	ERR_clear_error();
	if (ok == 1)
		return ssl;
	SSL_free(ssl);
	return NULL;
}
