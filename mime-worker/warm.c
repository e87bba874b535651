#include "warm.h"

#include <gmime/gmime.h>
#include <sodium.h>

#include "charset.h"
#include "log.h"
#include "parse_body.h"
#include "wire.h"

/* Parsing this once registers GMime's types and fills its tables. */
static const char sample[] =
    "From: =?iso-8859-2?Q?A?= <a@example.org>\r\nSubject: =?utf-8?B?w6Q=?=\r\n"
    "Date: Mon, 5 Jan 2026 10:00:00 +0100\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    "--b\r\nContent-Type: text/plain; charset=iso-8859-15; name*=iso-8859-15''%A4\r\n"
    "Content-Transfer-Encoding: quoted-printable\r\n\r\n=A4\r\n"
    "--b\r\nContent-Disposition: attachment; filename=\"=?koi8-r?Q?=C1?=\"\r\n"
    "Content-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--b--\r\n";

/* GMime and GLib warn about mail, which is none of the administrator's
 * business; their default writer would look at what stderr is. */
static GLogWriterOutput
no_log(GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
	(void)level;
	(void)fields;
	(void)n;
	(void)data;
	return G_LOG_WRITER_HANDLED;
}

static void
run_sample(void)
{
	struct slice message = slice_str(sample);
	struct mime_tree *t = parse_tree(message);
	struct wbuf out;

	wbuf_init(&out, 0);
	(void)parse_record(&out, message, t);
	wbuf_free(&out);
	structure_free(t);
}

void
warm_libraries(void)
{
	static bool done;

	if (done)
		return;
	done = true;
	if (sodium_init() == -1)
		fatal("libsodium does not start");
	g_log_set_writer_func(no_log, NULL, NULL);
	g_mime_init();
	charset_warm();
	run_sample();
}
