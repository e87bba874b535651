/* Any bytes as a message: parsed both ways, every text, extracted, stripped.
 * What comes out must decode as its record and be clean UTF-8. */
#include <stdlib.h>

#include "extract.h"
#include "limits.h"
#include "messages.h"
#include "parse_body.h"
#include "strip.h"
#include "text.h"
#include "utf8.h"
#include "warm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool ok)
{
	if (!ok)
		abort();
}

/* Each text stands in the record as it should, and nothing is left over. */
static void
check_texts(struct slice texts)
{
	struct rec_text t;
	struct rbuf r;

	rbuf_init(&r, texts);
	while (r.n > 0) {
		check(rec_text_decode(r_bytes(&r, LIM_MIME_TEXT), &t) == 0 && !r.failed);
		check(utf8_valid(t.data) && t.data.n <= LIM_TEXT_PART);
	}
}

static void
check_record(struct slice message, const struct mime_tree *tree)
{
	struct rec_parsed rec;
	struct rec_header header;
	struct wbuf out;

	wbuf_init(&out, 0);
	check(parse_record(&out, message, tree) == 0);
	check(rec_parsed_decode(wbuf_slice(&out), &rec) == 0);
	check(rec_header_decode(rec.header, &header) == 0);
	check(utf8_valid(header.subject) && utf8_valid(rec.preview) && utf8_valid(rec.note_text));
	check_texts(rec.texts);
	wbuf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice message = { data, size };
	struct mime_tree *tree;
	struct wbuf out;

	warm_libraries();
	tree = parse_tree(message);
	check_record(message, NULL);
	check_record(message, tree);
	structure_free(tree);
	wbuf_init(&out, 0);
	(void)extract_part(&out, message, slice_str("2"));
	wbuf_reset(&out);
	strip_bcc(&out, message);
	check(out.n <= size);
	wbuf_free(&out);
	return 0;
}
