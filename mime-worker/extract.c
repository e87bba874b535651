#include "extract.h"

#include "content.h"
#include "log.h"
#include "structure.h"

const char *
extract_part(struct wbuf *out, struct slice message, struct slice part_id)
{
	struct mime_tree *t = structure_parse(message);
	const struct mime_part *p;
	const char *error = NULL;

	if (t == NULL)
		fatal("out of memory");
	if ((p = structure_find(t, part_id)) == NULL)
		error = "blobNotFound";
	else if (!content_decode(out, p, SIZE_MAX) || out->n > LIM_BODY)
		error = "tooLarge";
	structure_free(t);
	return error;
}
