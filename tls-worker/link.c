#include "link.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "codes.h"
#include "log.h"

void
link_init(struct link *l, int fd)
{
	int flags = fcntl(fd, F_GETFL);

	*l = (struct link){ .fd = fd };
	/* One blocking socket would stop all sessions: not the dialer's to decide. */
	if (flags != -1)
		(void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

void
link_close(struct link *l)
{
	if (l->ssl != NULL) {
		if (SSL_is_init_finished(l->ssl))
			(void)SSL_shutdown(l->ssl);
		SSL_free(l->ssl);
		ERR_clear_error();
	}
	X509_free(l->refused);
	if (l->fd != -1)
		close(l->fd);
	*l = (struct link){ .fd = -1 };
}

/* ---- a BIO on the socket that remembers how the server began ---- */

static int
bio_read(BIO *bio, char *p, int n)
{
	struct link *l = BIO_get_data(bio);
	ssize_t r;
	size_t keep;

	BIO_clear_retry_flags(bio);
	do
		r = read(l->fd, p, (size_t)n);
	while (r == -1 && errno == EINTR);
	if (r == -1 && errno == EAGAIN)
		BIO_set_retry_read(bio);
	if (r > 0) {
		l->heard = true;
		keep = l->handshaking ? sizeof(l->first) - l->first_n : 0;
		if (keep > (size_t)r)
			keep = (size_t)r;
		memcpy(l->first + l->first_n, p, keep);
		l->first_n += keep;
	}
	return (int)r;
}

static int
bio_write(BIO *bio, const char *p, int n)
{
	struct link *l = BIO_get_data(bio);
	ssize_t r;

	BIO_clear_retry_flags(bio);
	do
		r = write(l->fd, p, (size_t)n);
	while (r == -1 && errno == EINTR);
	if (r == -1 && errno == EAGAIN)
		BIO_set_retry_write(bio);
	return (int)r;
}

static long
bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
	(void)bio;
	(void)num;
	(void)ptr;
	return cmd == BIO_CTRL_FLUSH || cmd == BIO_CTRL_DUP ? 1 : 0;
}

static BIO *
bio_new(struct link *l)
{
	static BIO_METHOD *method;
	BIO *bio;

	if (method == NULL) {
		if ((method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "link")) == NULL)
			fatal("out of memory");
		BIO_meth_set_read(method, bio_read);
		BIO_meth_set_write(method, bio_write);
		BIO_meth_set_ctrl(method, bio_ctrl);
	}
	if ((bio = BIO_new(method)) != NULL) {
		BIO_set_data(bio, l);
		BIO_set_init(bio, 1);
	}
	return bio;
}

/* The verdict stays OpenSSL's; this only keeps the certificate to name it. */
static int
on_verify(int ok, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct link *l = ssl != NULL ? SSL_get_app_data(ssl) : NULL;
	X509 *cert = X509_STORE_CTX_get0_cert(store);

	if (!ok && l != NULL && cert != NULL && l->refused == NULL && X509_up_ref(cert) == 1)
		l->refused = cert;
	return ok;
}

int
link_tls_start(struct link *l, SSL *ssl)
{
	BIO *bio = bio_new(l);

	if (bio == NULL) {
		SSL_free(ssl);
		return -1;
	}
	SSL_set_bio(ssl, bio, bio);
	SSL_set_connect_state(ssl);
	SSL_set_app_data(ssl, l);
	SSL_set_verify(ssl, SSL_VERIFY_PEER, on_verify);
	l->ssl = ssl;
	l->handshaking = true;
	l->first_n = 0;
	return 0;
}

/* ---- why a handshake failed ---- */

static void
add_name(char *detail, size_t *at, const ASN1_STRING *name)
{
	int n = ASN1_STRING_length(name);
	const uint8_t *p = ASN1_STRING_get0_data(name);

	if (n <= 0 || n > 100 || *at + (size_t)n + 3 > LIM_DETAIL)
		return;
	*at += (size_t)snprintf(detail + *at, LIM_DETAIL - *at, " ");
	for (int i = 0; i < n; i++)
		detail[(*at)++] = (char)(p[i] > ' ' && p[i] <= '~' ? p[i] : '?');
	detail[*at] = '\0';
}

static void
subject_name(X509 *cert, char *detail, size_t *at)
{
	const X509_NAME *subject = X509_get_subject_name(cert);
	int i = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);

	if (i >= 0)
		add_name(detail, at, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i)));
}

static void
name_detail(X509 *cert, char *detail)
{
	GENERAL_NAMES *names;
	size_t at = (size_t)snprintf(detail, LIM_DETAIL, "the certificate is for");
	int shown = 0;

	if (cert == NULL)
		return;
	names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; names != NULL && i < sk_GENERAL_NAME_num(names) && shown < LIM_CERT_NAMES; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type != GEN_DNS)
			continue;
		add_name(detail, &at, name->d.dNSName);
		shown++;
	}
	if (shown == 0)
		subject_name(cert, detail, &at);
	GENERAL_NAMES_free(names);
}

static void
text_detail(const uint8_t *p, size_t n, char *detail)
{
	size_t i;

	for (i = 0; i < n && p[i] != '\r' && p[i] != '\n'; i++)
		detail[i] = (char)(p[i] >= ' ' && p[i] <= '~' ? p[i] : '?');
	detail[i] = '\0';
}

/* A TLS server never speaks first, and its records start with 20 to 24. */
static bool
first_is_text(const struct link *l)
{
	return l->first_n > 0 && (l->first[0] < 20 || l->first[0] > 24);
}

/* OpenSSL stopped at five bytes; the rest of the line helps to see what it is. */
static void
read_more_text(struct link *l)
{
	ssize_t r = read(l->fd, l->first + l->first_n, sizeof(l->first) - l->first_n);

	if (r > 0)
		l->first_n += (size_t)r;
}

static const char *
handshake_code(struct link *l, enum service service, int err, char *detail)
{
	unsigned long e = ERR_peek_error();
	long verify = SSL_get_verify_result(l->ssl);

	if (first_is_text(l)) {
		read_more_text(l);
		text_detail(l->first, l->first_n, detail);
		return codes_plaintext(service, (struct slice){ l->first, l->first_n });
	}
	if (verify != X509_V_OK) {
		const char *code = codes_verify(verify);

		if (strcmp(code, "tls.cert_name") == 0)
			name_detail(l->refused, detail);
		else
			snprintf(detail, LIM_DETAIL, "%s", X509_verify_cert_error_string(verify));
		return code;
	}
	if (err == SSL_ERROR_SYSCALL || ERR_GET_REASON(e) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
		snprintf(detail, LIM_DETAIL, "the server closed the connection");
		return l->heard ? "tls.handshake" : "net.reset";
	}
	snprintf(detail, LIM_DETAIL, "%s", e != 0 ? ERR_reason_error_string(e) : "");
	return codes_handshake(ERR_GET_REASON(e));
}

int
link_handshake(struct link *l, enum service service, const char **code, char *detail)
{
	int r, err;

	ERR_clear_error();
	l->read_wants_write = l->write_wants_read = false;
	if ((r = SSL_do_handshake(l->ssl)) == 1) {
		l->handshaking = false;
		/* SSL_VERIFY_PEER has ended it otherwise; never rely on one lock. */
		if (SSL_get_verify_result(l->ssl) == X509_V_OK && SSL_get0_peer_certificate(l->ssl) != NULL)
			return 1;
		*code = "tls.cert_untrusted";
		detail[0] = '\0';
		return -1;
	}
	err = SSL_get_error(l->ssl, r);
	if (err == SSL_ERROR_WANT_READ)
		return 0;
	if (err == SSL_ERROR_WANT_WRITE) {
		l->read_wants_write = true;
		return 0;
	}
	detail[0] = '\0';
	*code = handshake_code(l, service, err, detail);
	ERR_clear_error();
	return -1;
}

enum channel_binding
link_binding(const struct link *l, uint8_t *data, size_t *n)
{
	static const char label[] = "EXPORTER-Channel-Binding";

	*n = 0;
	if (l->ssl == NULL || !SSL_is_init_finished(l->ssl))
		return BINDING_NONE;
	if (SSL_version(l->ssl) >= TLS1_3_VERSION) {
		*n = 32;
		if (SSL_export_keying_material(l->ssl, data, *n, label, sizeof(label) - 1, NULL, 0, 0) == 1)
			return BINDING_TLS_EXPORTER;
	} else if (!SSL_session_reused(l->ssl)) {
		/* The first Finished of a full handshake is the client's. RFC 7677
		 * s. 4: good without resumption, and we never resume. */
		*n = SSL_get_finished(l->ssl, data, LIM_CHANNEL_BINDING);
		if (*n > 0 && *n <= LIM_CHANNEL_BINDING)
			return BINDING_TLS_UNIQUE;
	}
	*n = 0;
	return BINDING_NONE;
}

/* ---- bytes ---- */

static ssize_t
clear_result(struct link *l, ssize_t r)
{
	if (r > 0)
		l->heard = true;
	if (r >= 0)
		return r;
	return errno == EAGAIN || errno == EINTR ? LINK_AGAIN : LINK_ERROR;
}

ssize_t
link_read(struct link *l, void *p, size_t n)
{
	int r, err;

	l->read_wants_write = false;
	if (l->ssl == NULL)
		return clear_result(l, read(l->fd, p, n));
	ERR_clear_error();
	if ((r = SSL_read(l->ssl, p, (int)n)) > 0)
		return r;
	err = SSL_get_error(l->ssl, r);
	if (err == SSL_ERROR_WANT_WRITE)
		l->read_wants_write = true;
	if (err == SSL_ERROR_WANT_READ || err == SSL_ERROR_WANT_WRITE)
		return LINK_AGAIN;
	return err == SSL_ERROR_ZERO_RETURN || ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING
	    ? LINK_EOF
	    : LINK_ERROR;
}

ssize_t
link_write(struct link *l, const void *p, size_t n)
{
	ssize_t w;
	int r, err;

	l->write_wants_read = false;
	if (l->ssl == NULL) {
		w = clear_result(l, write(l->fd, p, n));
		return w == 0 ? LINK_AGAIN : w;
	}
	ERR_clear_error();
	if ((r = SSL_write(l->ssl, p, (int)n)) > 0)
		return r;
	err = SSL_get_error(l->ssl, r);
	if (err == SSL_ERROR_WANT_READ)
		l->write_wants_read = true;
	return err == SSL_ERROR_WANT_READ || err == SSL_ERROR_WANT_WRITE ? LINK_AGAIN : LINK_ERROR;
}

void
link_read_ahead(struct link *l, size_t n)
{
	if (l->ssl == NULL)
		return;
	SSL_set_default_read_buffer_len(l->ssl, n);
	SSL_set_read_ahead(l->ssl, 1);
}

bool
link_pending(const struct link *l)
{
	return l->ssl != NULL && SSL_has_pending(l->ssl) == 1;
}
