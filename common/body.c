#include "body.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "limits.h"

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

/* Its size, or -1. Only memory has seals: of a file, pipe or socket there are none. */
static off_t
sealed_size(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS), flags = fcntl(fd, F_GETFL);
	off_t size = lseek(fd, 0, SEEK_END);

	if (seals == -1 || (seals & SEALS) != SEALS || flags == -1 || (flags & O_ACCMODE) == O_WRONLY)
		return -1;
	return size <= 0 || size > LIM_BODY ? -1 : size;
}

bool
body_sound(struct slice field, int fd)
{
	return fd == -1 || (field.n == 0 && sealed_size(fd) != -1);
}

static int
body_map(struct body *b, int fd)
{
	off_t size = sealed_size(fd);

	if (size == -1)
		return -1;
	b->map = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (b->map == MAP_FAILED) {
		b->map = NULL;
		return -1;
	}
	b->map_len = (size_t)size;
	b->data = slice_mem(b->map, (size_t)size);
	return 0;
}

int
body_open(struct body *b, struct slice field, int *fd)
{
	int r = 0;

	*b = (struct body){ .data = field };
	if (*fd == -1)
		return 0;
	r = field.n == 0 ? body_map(b, *fd) : -1;
	close(*fd);
	*fd = -1;
	return r;
}

int
body_keep(struct body *b, struct slice field, int *fd)
{
	if (body_open(b, field, fd) == -1)
		return -1;
	if (b->map != NULL || b->data.n == 0)
		return 0;
	if ((b->map = malloc(b->data.n)) == NULL)
		return -1;
	memcpy(b->map, b->data.p, b->data.n);
	b->copied = true;
	b->data.p = b->map;
	return 0;
}

void
body_close(struct body *b)
{
	if (b->copied)
		free(b->map);
	else if (b->map != NULL)
		munmap(b->map, b->map_len);
	*b = (struct body){ 0 };
}

static int
write_all(int fd, struct slice s)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		s.p += n;
		s.n -= (size_t)n;
	}
	return 0;
}

int
body_put(struct slice data, struct slice *field)
{
	int fd, saved;

	if (data.n <= LIM_INLINE) {
		*field = data;
		errno = 0;
		return -1;
	}
	*field = SLICE_NONE;
	if (data.n > LIM_BODY) {
		errno = EFBIG;
		return -2;
	}
	if ((fd = memfd_create("body", MFD_CLOEXEC | MFD_ALLOW_SEALING)) == -1)
		return -2;
	if (write_all(fd, data) == 0 && fcntl(fd, F_ADD_SEALS, SEALS) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -2;
}
