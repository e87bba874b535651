/*
 * The main of a fuzz target without libFuzzer: each file given is one input,
 * in memory of exactly its size. The name is said before the input runs, so
 * that a crash is the last one named.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define INPUT_SECONDS 20	/* sanitizers and a busy machine included */

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static int
replay(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t *data = NULL;
	struct stat st;

	if (fd == -1 || fstat(fd, &st) == -1 || (data = malloc((size_t)st.st_size)) == NULL ||
	    read(fd, data, (size_t)st.st_size) != st.st_size) {
		perror(path);
		free(data);
		return -1;
	}
	close(fd);
	(void)alarm(INPUT_SECONDS);
	(void)LLVMFuzzerTestOneInput(data, (size_t)st.st_size);
	(void)alarm(0);
	free(data);
	return 0;
}

int
main(int argc, char **argv)
{
	int rc = 0;

	for (int i = 1; i < argc; i++) {
		fprintf(stderr, "input %s\n", argv[i]);
		rc |= replay(argv[i]);
	}
	return rc == 0 ? 0 : 1;
}
