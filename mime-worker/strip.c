#include "strip.h"

#include "header.h"

static bool
is_bcc(struct slice line)
{
	size_t n = 0, colon;

	while (n < line.n && line.p[n] != ':' && line.p[n] > ' ')
		n++;
	for (colon = n; colon < line.n && (line.p[colon] == ' ' || line.p[colon] == '\t'); colon++)
		;
	if (colon == line.n || line.p[colon] != ':')
		return false;
	line.n = n;
	return slice_case_eq_str(line, "bcc") || slice_case_eq_str(line, "resent-bcc");
}

void
strip_bcc(struct wbuf *out, struct slice message)
{
	bool dropping = false;

	while (message.n > 0) {
		struct slice line = { message.p, header_line(message) };

		if (header_line_empty(line))
			break;
		if (line.p[0] != ' ' && line.p[0] != '\t')
			dropping = is_bcc(line);
		if (!dropping)
			w_raw(out, line.p, line.n);
		message.p += line.n;
		message.n -= line.n;
	}
	w_raw(out, message.p, message.n);
}
