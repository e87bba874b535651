/*
 * imap_frame.c - response framing with literals.
 */
#include "imap_frame.h"
#include "limits.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

const struct imap_limits imap_limits_default = { LIM_IMAP_LINE, LIM_INLINE, LIM_BODY };

void
imap_frame_init(struct imap_frame *f, const struct imap_limits *limits)
{
	*f = (struct imap_frame){ .limits = limits, .spill_fd = -1 };
	wbuf_init(&f->text, limits->text);
}

void
imap_frame_free(struct imap_frame *f)
{
	wbuf_free(&f->text);
	if (f->spill_fd != -1)
		close(f->spill_fd);
	f->spill_fd = -1;
}

void
imap_frame_next(struct imap_frame *f)
{
	const struct imap_limits *limits = f->limits;

	if (f->spill_fd != -1)
		close(f->spill_fd);
	f->spill_fd = -1;
	f->spill_size = 0;
	if (f->text.cap > LIM_KEEP_TEXT) {
		wbuf_free(&f->text);
		wbuf_init(&f->text, limits->text);
	} else
		wbuf_reset(&f->text);
}

size_t
imap_frame_coming(const struct imap_frame *f)
{
	return f->spill_fd != -1 ? f->spill_size : 0;
}

int
imap_frame_take(struct imap_frame *f)
{
	int fd = f->spill_fd;

	if (fd == -1)
		return -1;
	f->spill_fd = -1;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

static enum imap_frame_status
bad(struct imap_frame *f, const char *why)
{
	f->error = why;
	return IMAP_FRAME_BAD;
}

/*
 * Tagged answers, continuations and status responses end in free text, where
 * "{5}" before the line end is only text and announces nothing.
 */
static bool
ends_in_text(const uint8_t *p, size_t n)
{
	static const char *const words[] = { "OK", "NO", "BAD", "BYE", "PREAUTH" };
	size_t i, len;

	if (n < 2 || p[0] != '*' || p[1] != ' ')
		return true;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		len = strlen(words[i]);
		if (n >= 2 + len && strncasecmp((const char *)p + 2, words[i], len) == 0 &&
		    (n == 2 + len || p[2 + len] == ' '))
			return true;
	}
	return false;
}

/* "{123}" or "{123+}" at the end of the text: 1 and the size, 0 none, -1 bad. */
static int
announced(const uint8_t *p, size_t n, size_t max, size_t *size)
{
	uint64_t v = 0;
	size_t i, end;

	if (n < 3 || p[n - 1] != '}')
		return 0;
	end = p[n - 2] == '+' ? n - 2 : n - 1;
	for (i = end; i > 0 && p[i - 1] >= '0' && p[i - 1] <= '9'; i--)
		;
	if (i == end || i == 0 || p[i - 1] != '{')
		return 0;
	for (; i < end; i++) {
		v = v * 10 + (p[i] - '0');
		if (v > max)
			return -1;
	}
	*size = (size_t)v;
	return 1;
}

static enum imap_frame_status
begin_literal(struct imap_frame *f, size_t size)
{
	f->left = size;
	f->to_spill = size > f->limits->inline_max;
	if (!f->to_spill)
		return IMAP_FRAME_MORE;
	if (f->spill_fd != -1)
		return bad(f, "two big literals in one response");
	if ((f->spill_fd = memfd_create("literal", MFD_CLOEXEC | MFD_ALLOW_SEALING)) == -1)
		return bad(f, "no memory for a literal");
	f->spill_size = size;
	return IMAP_FRAME_MORE;
}

/* The text ends with a line end: is the response complete? */
static enum imap_frame_status
end_of_line(struct imap_frame *f)
{
	size_t n = f->text.n - 1, size = 0;
	int r;

	if (n > 0 && f->text.p[n - 1] == '\r')
		n--;
	r = ends_in_text(f->text.p, n) ? 0 : announced(f->text.p, n, f->limits->literal_max, &size);
	if (r == -1)
		return bad(f, "literal beyond the limit");
	if (r == 1)
		return begin_literal(f, size);
	f->text.n = n;
	return IMAP_FRAME_DONE;
}

static enum imap_frame_status
feed_line(struct imap_frame *f, const uint8_t *p, size_t n, size_t *used)
{
	const uint8_t *lf = memchr(p, '\n', n);
	size_t len = lf != NULL ? (size_t)(lf - p) + 1 : n;

	if (memchr(p, '\0', len) != NULL)
		return bad(f, "NUL in a response");
	w_raw(&f->text, p, len);
	if (f->text.failed)
		return bad(f, "response too long");
	*used += len;
	return lf != NULL ? end_of_line(f) : IMAP_FRAME_MORE;
}

static enum imap_frame_status
feed_literal(struct imap_frame *f, const uint8_t *p, size_t n, size_t *used)
{
	size_t len = n < f->left ? n : f->left;
	ssize_t done;

	if (f->to_spill) {
		if ((done = write(f->spill_fd, p, len)) == -1) {
			if (errno == EINTR)
				return IMAP_FRAME_MORE;
			return bad(f, "no memory for a literal");
		}
		len = (size_t)done;
	} else {
		w_raw(&f->text, p, len);
		if (f->text.failed)
			return bad(f, "response too long");
	}
	*used += len;
	f->left -= len;
	return IMAP_FRAME_MORE;
}

enum imap_frame_status
imap_frame_feed(struct imap_frame *f, const uint8_t *p, size_t n, size_t *used)
{
	enum imap_frame_status status = IMAP_FRAME_MORE;

	*used = 0;
	while (status == IMAP_FRAME_MORE && *used < n) {
		if (f->left > 0)
			status = feed_literal(f, p + *used, n - *used, used);
		else
			status = feed_line(f, p + *used, n - *used, used);
	}
	return status;
}
