#include "charset.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "utf8.h"

/* MIME names and what senders really use; several names share a converter. */
static const struct {
	const char *name, *iconv;
} charset_names[] = {
	{ "windows-1252", "WINDOWS-1252" },	/* first: the fallback */
	{ "", "ISO-8859-1" },			/* never asked for: GMime falls back to it */
	{ "iso-8859-1", "WINDOWS-1252" },
	{ "iso8859-1", "WINDOWS-1252" },
	{ "iso_8859-1", "WINDOWS-1252" },
	{ "latin1", "WINDOWS-1252" },
	{ "cp1252", "WINDOWS-1252" },
	{ "ansi", "WINDOWS-1252" },
	{ "x-unknown", "WINDOWS-1252" },
	{ "iso-8859-2", "ISO-8859-2" },
	{ "latin2", "ISO-8859-2" },
	{ "iso-8859-3", "ISO-8859-3" },
	{ "iso-8859-4", "ISO-8859-4" },
	{ "iso-8859-5", "ISO-8859-5" },
	{ "iso-8859-6", "ISO-8859-6" },
	{ "iso-8859-7", "ISO-8859-7" },
	{ "iso-8859-8", "ISO-8859-8" },
	{ "iso-8859-8-i", "ISO-8859-8" },
	{ "iso-8859-9", "WINDOWS-1254" },
	{ "iso-8859-10", "ISO-8859-10" },
	{ "iso-8859-11", "WINDOWS-874" },
	{ "iso-8859-13", "ISO-8859-13" },
	{ "iso-8859-14", "ISO-8859-14" },
	{ "iso-8859-15", "ISO-8859-15" },
	{ "latin-9", "ISO-8859-15" },
	{ "iso-8859-16", "ISO-8859-16" },
	{ "windows-1250", "WINDOWS-1250" },
	{ "cp1250", "WINDOWS-1250" },
	{ "windows-1251", "WINDOWS-1251" },
	{ "cp1251", "WINDOWS-1251" },
	{ "windows-1253", "WINDOWS-1253" },
	{ "windows-1254", "WINDOWS-1254" },
	{ "windows-1255", "WINDOWS-1255" },
	{ "windows-1256", "WINDOWS-1256" },
	{ "windows-1257", "WINDOWS-1257" },
	{ "windows-1258", "WINDOWS-1258" },
	{ "windows-874", "WINDOWS-874" },
	{ "tis-620", "WINDOWS-874" },
	{ "koi8-r", "KOI8-R" },
	{ "koi8-u", "KOI8-U" },
	{ "ibm437", "CP437" },
	{ "cp437", "CP437" },
	{ "ibm850", "CP850" },
	{ "cp850", "CP850" },
	{ "ibm852", "CP852" },
	{ "ibm866", "CP866" },
	{ "cp866", "CP866" },
	{ "macintosh", "MACINTOSH" },
	{ "x-mac-roman", "MACINTOSH" },
	{ "gb2312", "GB18030" },
	{ "gb_2312-80", "GB18030" },
	{ "gbk", "GB18030" },
	{ "x-gbk", "GB18030" },
	{ "cp936", "GB18030" },
	{ "gb18030", "GB18030" },
	{ "hz-gb-2312", "HZ" },
	{ "big5", "BIG5-HKSCS" },
	{ "big5-hkscs", "BIG5-HKSCS" },
	{ "cp950", "BIG5-HKSCS" },
	{ "euc-jp", "EUC-JP" },
	{ "x-euc-jp", "EUC-JP" },
	{ "shift_jis", "CP932" },
	{ "shift-jis", "CP932" },
	{ "sjis", "CP932" },
	{ "x-sjis", "CP932" },
	{ "windows-31j", "CP932" },
	{ "cp932", "CP932" },
	{ "iso-2022-jp", "ISO-2022-JP" },
	{ "iso-2022-jp-1", "ISO-2022-JP" },
	{ "euc-kr", "CP949" },
	{ "ks_c_5601-1987", "CP949" },
	{ "ks_c_5601", "CP949" },
	{ "cp949", "CP949" },
	{ "iso-2022-kr", "ISO-2022-KR" },
	{ "utf-16", "UTF-16" },
	{ "utf-16le", "UTF-16LE" },
	{ "utf-16be", "UTF-16BE" },
	{ "utf-32", "UTF-32" },
	{ "utf-32le", "UTF-32LE" },
	{ "utf-32be", "UTF-32BE" },
};
#define NAMES (sizeof(charset_names) / sizeof(charset_names[0]))

#define PIECE 1024	/* bytes given to iconv at once; longer than any character */

static iconv_t opened[NAMES];
static bool warm;

static iconv_t
open_once(size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(charset_names[k].iconv, charset_names[i].iconv) == 0)
			return opened[k];
	return iconv_open("UTF-8", charset_names[i].iconv);
}

void
charset_warm(void)
{
	if (warm)
		return;
	warm = true;
	for (size_t i = 0; i < NAMES; i++)
		opened[i] = open_once(i);
}

static bool
is_utf8(struct slice name)
{
	return slice_case_eq_str(name, "utf-8") || slice_case_eq_str(name, "utf8") ||
	    slice_case_eq_str(name, "unicode-1-1-utf-8");
}

static bool
is_ascii(struct slice name)
{
	return name.n == 0 || slice_case_eq_str(name, "us-ascii") || slice_case_eq_str(name, "ascii") ||
	    slice_case_eq_str(name, "ansi_x3.4-1968") || slice_case_eq_str(name, "default");
}

/* The row of a name whose converter is there, or -1. */
static int
find(struct slice name)
{
	for (size_t i = 0; i < NAMES; i++)
		if (slice_case_eq_str(name, charset_names[i].name))
			return opened[i] != (iconv_t)-1 ? (int)i : -1;
	return -1;
}

static unsigned int
decode_utf8(struct wbuf *out, struct slice in, size_t max)
{
	unsigned int flags = utf8_clean(out, &in, max) > 0 ? CHARSET_PROBLEM : 0;

	return flags | (in.n > 0 ? CHARSET_CUT : 0);
}

/* One call of iconv on a piece of the input. Returns the bytes made. *error:
 * EILSEQ broken here, EINVAL the input ends inside a character, else 0. */
static size_t
step(iconv_t cd, struct slice *in, char *buf, size_t size, int *error)
{
	char *ip = (char *)(uintptr_t)in->p, *op = buf;
	size_t piece = in->n < PIECE ? in->n : PIECE, left = piece, room = size;
	size_t r = iconv(cd, &ip, &left, &op, &room);

	*error = r == (size_t)-1 && errno != E2BIG ? errno : 0;
	if (*error == EINVAL && left < piece && piece < in->n)
		*error = 0;	/* the rest of the character is in the next piece */
	in->p += piece - left;
	in->n -= piece - left;
	return size - room;
}

/* Bytes to step over where a character cannot be read. */
static size_t
unit(int row)
{
	if (strncmp(charset_names[row].iconv, "UTF-16", 6) == 0)
		return 2;
	return strncmp(charset_names[row].iconv, "UTF-32", 6) == 0 ? 4 : 1;
}

/* EINVAL: the last character is cut off. */
static void
skip_broken(struct slice *in, int error, size_t width)
{
	size_t n = error == EINVAL || width > in->n ? in->n : width;

	in->p += n;
	in->n -= n;
}

/* Some converters hold a character back: an accent might follow. */
static unsigned int
flush(iconv_t cd, struct wbuf *out, size_t max)
{
	char buf[64], *op = buf;
	size_t room = sizeof(buf);
	struct slice made;

	(void)iconv(cd, NULL, NULL, &op, &room);
	made = slice_mem(buf, sizeof(buf) - room);
	(void)utf8_clean(out, &made, max);
	return made.n > 0 ? CHARSET_CUT : 0;
}

static unsigned int
decode_iconv(int row, struct wbuf *out, struct slice in, size_t max)
{
	struct slice mark = slice_str("\xef\xbf\xbd");
	unsigned int flags = 0;
	char buf[4096];
	int error;

	(void)iconv(opened[row], NULL, NULL, NULL, NULL);
	while (in.n > 0) {
		struct slice made = { (uint8_t *)buf, step(opened[row], &in, buf, sizeof(buf), &error) };

		if (utf8_clean(out, &made, max) > 0)
			flags |= CHARSET_PROBLEM;
		if (made.n > 0)
			return flags | CHARSET_CUT;
		if (error == 0)
			continue;
		flags |= CHARSET_PROBLEM;
		skip_broken(&in, error, unit(row));
		(void)utf8_clean(out, &mark, max);
		mark = slice_str("\xef\xbf\xbd");
	}
	return flags | flush(opened[row], out, max);
}

/* Without a charset that can be used: UTF-8 if it is, else windows-1252. */
static unsigned int
decode_guess(struct wbuf *out, struct slice in, size_t max)
{
	if (utf8_valid(in) || opened[0] == (iconv_t)-1)
		return decode_utf8(out, in, max);
	return decode_iconv(0, out, in, max);
}

static bool
has_8bit(struct slice in)
{
	for (size_t i = 0; i < in.n; i++)
		if (in.p[i] >= 0x80)
			return true;
	return false;
}

unsigned int
charset_decode(struct wbuf *out, struct slice name, struct slice in, size_t max)
{
	int row;

	charset_warm();
	if (is_utf8(name) || (is_ascii(name) && !has_8bit(in)))
		return decode_utf8(out, in, max);
	if (is_ascii(name) || (row = find(name)) == -1)
		return CHARSET_PROBLEM | decode_guess(out, in, max);
	return decode_iconv(row, out, in, max);
}
