/*
 * server.h - an IMAP server on OpenSSL in a child process, as far as a login
 * and an echo need it.
 */
#ifndef TESTS_TLS_WORKER_SERVER_H
#define TESTS_TLS_WORKER_SERVER_H

#include <stdlib.h>
#include <unistd.h>

#include "certs.h"
#include "played.h"

struct server {
	const struct cert *cert;	/* NULL: no TLS at all */
	const char *clear;		/* said before TLS; then one line is read and after_clear said */
	const char *after_clear;
	const char *refusal;		/* instead of OK */
	bool echo;			/* after the login: send everything back */
};

static void
server_line(SSL *ssl, const char *want)
{
	char line[512];
	size_t n = 0;

	while (n < sizeof(line) - 1 && SSL_read(ssl, line + n, 1) == 1 && line[n++] != '\n')
		;
	line[n] = '\0';
	if (strcmp(line, want) != 0)
		_exit(2);
}

static void
server_say(SSL *ssl, const char *text)
{
	if (SSL_write(ssl, text, (int)strlen(text)) <= 0)
		_exit(3);
}

static void
server_echo(SSL *ssl)
{
	char buf[4096];
	int n;

	while ((n = SSL_read(ssl, buf, sizeof(buf))) > 0)
		if (SSL_write(ssl, buf, n) <= 0)
			_exit(4);
	_exit((SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN) != 0 ? 0 : 5);
}

static void
server_imap(SSL *ssl, const struct server *s)
{
	if (s->clear == NULL)
		server_say(ssl, "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hi\r\n");
	else {
		server_line(ssl, "P3 CAPABILITY\r\n");
		server_say(ssl, "* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN\r\nP3 OK\r\n");
	}
	server_line(ssl, "P4 AUTHENTICATE PLAIN AHVzZXIAaHVudGVyMjI=\r\n");
	server_say(ssl, s->refusal != NULL ? s->refusal : "* CAPABILITY X\r\nP4 OK in\r\n* 7 EXISTS\r\n");
	if (s->echo)
		server_echo(ssl);
	SSL_shutdown(ssl);
	_exit(0);
}

static void
server_clear(const struct server *s, int fd)
{
	char line[256];

	if (s->clear != NULL && write(fd, s->clear, strlen(s->clear)) == -1)
		_exit(6);
	if (s->after_clear == NULL)
		return;
	if (read(fd, line, sizeof(line)) <= 0 || write(fd, s->after_clear, strlen(s->after_clear)) == -1)
		_exit(7);
}

static pid_t
serve(const struct server *s)
{
	int fds[2];
	pid_t pid;
	SSL_CTX *ctx;
	SSL *ssl;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	seen.server = fds[0];
	if ((pid = fork()) != 0) {
		close(fds[1]);
		return pid;
	}
	close(fds[0]);
	alarm(20);
	server_clear(s, fds[1]);
	if (s->cert == NULL)
		_exit(0);
	ctx = SSL_CTX_new(TLS_server_method());
	SSL_CTX_use_certificate(ctx, s->cert->x509);
	SSL_CTX_use_PrivateKey(ctx, s->cert->key);
	ssl = SSL_new(ctx);
	SSL_set_fd(ssl, fds[1]);
	if (SSL_accept(ssl) != 1)
		_exit(1);
	server_imap(ssl, s);
	return 0;
}

#endif
