/*
 * libConfuse takes the end of the file for the end of an open block. A file
 * that was cut short would so lose its last settings in silence; this finds it.
 */
#include <stdio.h>

#include "config.h"
#include "logger.h"

struct scan {
	int line, depth;
	int opened[LIM_CONF_DEPTH];	/* line of each open brace */
	int too_deep;		/* line of the first brace beyond them, or 0 */
	int quote;		/* the quote we are in, '#' in a line comment, '*' in a block comment */
	int last;
};

static void
scan_outside(struct scan *s, int c)
{
	if (c == '"' || c == '\'' || c == '#')
		s->quote = c;
	else if (s->last == '/' && c == '/')
		s->quote = '#';
	else if (s->last == '/' && c == '*')
		s->quote = '*';
	else if (c == '{' && s->depth == LIM_CONF_DEPTH)
		s->too_deep = s->too_deep == 0 ? s->line : s->too_deep;
	else if (c == '{')
		s->opened[s->depth++] = s->line;
	else if (c == '}' && s->depth > 0)
		s->depth--;
}

static void
scan_byte(struct scan *s, int c)
{
	bool escaped = s->last == '\\' && (s->quote == '"' || s->quote == '\'');

	if (s->quote == 0)
		scan_outside(s, c);
	else if ((s->quote == '#' && c == '\n') || (s->quote == '*' && s->last == '*' && c == '/') ||
	    (!escaped && c == s->quote && c != '*' && c != '#'))
		s->quote = 0;
	s->last = escaped ? 0 : c;
	if (c == '\n')
		s->line++;
}

int
braces_check(const char *path)
{
	struct scan s = { .line = 1 };
	FILE *f = fopen(path, "re");
	int c;

	if (f == NULL)
		return 0;	/* the parser says why it cannot be read */
	while ((c = getc(f)) != EOF)
		scan_byte(&s, c);
	fclose(f);
	if (s.too_deep != 0) {
		logger_line(LOG_LVL_ERROR, "%s:%d: more than %d blocks within each other", path, s.too_deep,
		    LIM_CONF_DEPTH);
		return -1;
	}
	if (s.depth == 0)
		return 0;
	logger_line(LOG_LVL_ERROR, "%s:%d: this block is not closed: the file may be cut short", path,
	    s.opened[s.depth - 1]);
	return -1;
}
