#include "ctl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>
#include <wctype.h>

/* ---- text from anywhere, made harmless for a terminal ---- */

/* One character of s into out; returns the bytes taken. */
static size_t
safe_char(struct slice s, char out[8])
{
	mbstate_t mb = { 0 };
	wchar_t wc;
	size_t n = mbrtowc(&wc, (const char *)s.p, s.n, &mb);

	if (n == 0 || n > 4 || !iswprint((wint_t)wc)) {
		snprintf(out, 8, "\\x%02x", s.p[0]);
		return 1;
	}
	memcpy(out, s.p, n);
	out[n] = '\0';
	return n;
}

const char *
safe_text(struct slice s)
{
	static char buf[4 * 1024 + 8];
	size_t n = 0, len, took;
	char one[8];

	while (s.n > 0 && n + sizeof(one) < sizeof(buf)) {
		took = safe_char(s, one);
		len = strlen(one);
		memcpy(buf + n, one, len);
		n += len;
		s.p += took;
		s.n -= took;
	}
	buf[n] = '\0';
	return buf;
}

const char *
time_text(uint64_t t)
{
	static char buf[32];
	time_t seconds = (time_t)t;
	struct tm tm;

	if (t == 0 || gmtime_r(&seconds, &tm) == NULL || strftime(buf, sizeof(buf), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return "-";
	return buf;
}

/* ---- tables ---- */

static void
put(struct table *t, const char *text)
{
	char **p = realloc(t->cells, (t->rows + 1) * sizeof(*p));

	if (p == NULL || (p[t->rows] = strdup(*text != '\0' ? text : "-")) == NULL)
		ctl_fail(CTL_REFUSED, "out of memory");
	t->cells = p;
	t->rows++;	/* cells until table_print */
}

void
table_begin(struct table *t, const char *heading)
{
	*t = (struct table){ 0 };
	while (*heading != '\0') {
		char word[32];
		size_t n = strcspn(heading, " ");

		snprintf(word, sizeof(word), "%.*s", (int)n, heading);
		put(t, word);
		heading += n;
		heading += *heading == ' ' ? 1 : 0;
	}
	t->columns = t->rows;
}

void
table_text(struct table *t, struct slice s)
{
	put(t, safe_text(s));
}

void
table_add(struct table *t, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	put(t, text);
}

/* Columns on the screen; bytes where the locale does not know. */
static size_t
width(const char *s)
{
	wchar_t wide[1024];
	size_t n = mbstowcs(wide, s, 1024);
	int w = n == (size_t)-1 || n >= 1024 ? -1 : wcswidth(wide, n);

	return w < 0 ? strlen(s) : (size_t)w;
}

void
table_print(struct table *t)
{
	size_t widest[TABLE_COLUMNS] = { 0 };

	for (size_t i = 0; i < t->rows; i++) {
		size_t w = width(t->cells[i]), *max = &widest[i % t->columns];

		*max = w > *max ? w : *max;
	}
	for (size_t i = 0; i < t->rows; i++) {
		bool last = i % t->columns == t->columns - 1;
		size_t pad = last ? 0 : widest[i % t->columns] - width(t->cells[i]) + 2;

		printf("%s%*s%s", t->cells[i], (int)pad, "", last ? "\n" : "");
		free(t->cells[i]);
	}
	free(t->cells);
	*t = (struct table){ 0 };
}

/* ---- JSON ---- */

const char *
word_text(word_table w, unsigned int number)
{
	const char *word = word_of(w, number);

	return word != NULL ? word : "?";
}

json_t *
text_json(struct slice s)
{
	json_t *j;

	if (s.n == 0)
		return json_null();
	if ((j = json_stringn((const char *)s.p, s.n)) == NULL)	/* not UTF-8 */
		j = json_string(safe_text(s));
	return j;
}

json_t *
time_json(uint64_t t)
{
	return t != 0 ? json_string(time_text(t)) : json_null();
}

void
json_show(json_t *j)
{
	if (j == NULL || json_dumpf(j, stdout, JSON_INDENT(1) | JSON_ENCODE_ANY) == -1)
		ctl_fail(CTL_REFUSED, "out of memory");
	putchar('\n');
	json_decref(j);
}
