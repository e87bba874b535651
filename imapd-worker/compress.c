/*
 * compress.c - COMPRESS=DEFLATE (RFC 4978), decided by what was measured.
 *
 * Deflating a mailbox costs the server several times the processor time of
 * sending it plain, so a fast line is slower with it. It is asked for when the
 * server is far away, contents came slowly for a while, although this side
 * took all that came, and much is still to come. It cannot be switched off
 * again, and does not need to: news are small.
 */
#include "clock.h"
#include "engine.h"
#include "log.h"

/* What is still to come is guessed by these where nobody says it. */
#define HEADER_BYTES 2048u
#define BODY_BYTES 20480u

bool
compress_possible(const struct engine *e)
{
	return (e->caps & CAP_COMPRESS) != 0 && e->compress == COMPRESS_OFF && e->rtt_ms >= LIM_COMPRESS_RTT_MS;
}

static bool
bulk(const struct engine *e)
{
	const struct imap_writer *w = &e->writer;

	return imap_in_flight(w, CMD_NEW) + imap_in_flight(w, CMD_BACKFILL) + imap_in_flight(w, CMD_BODY) > 0;
}

static uint64_t
rest(const struct engine *e)
{
	const struct folder *f = e->sel.folder;
	uint64_t mean = BODY_BYTES, headers = 0;

	if (f != NULL && f->status.has_size && f->status.messages > 0)
		mean = f->status.size / f->status.messages;
	if (e->progress_total > e->progress_done)
		headers = e->progress_total - e->progress_done;
	return headers * HEADER_BYTES + e->nwants * (mean < LIM_BODY ? mean : LIM_BODY);
}

/* Only time in which the server was asked and we were ready counts. */
void
compress_look(struct engine *e)
{
	uint64_t now = clock_ms();

	if (!compress_possible(e) || e->line.slow || !bulk(e) || engine_blocked(e)) {
		e->line.since = 0;
		return;
	}
	if (e->line.since == 0) {
		e->line.since = now;
		e->line.bytes = e->stream.moved;
	}
	if (now - e->line.since < LIM_COMPRESS_LOOK_MS)
		return;
	if ((e->stream.moved - e->line.bytes) * 1000 / (now - e->line.since) < LIM_COMPRESS_RATE)
		e->line.slow = true;
	e->line.since = 0;
}

bool
compress_due(const struct engine *e)
{
	return e->line.slow && compress_possible(e) && rest(e) >= LIM_COMPRESS_REST;
}

/* Nothing may be written behind it until it is answered. */
void
compress_begin(struct engine *e)
{
	e->compress = COMPRESS_ASKED;
	(void)imap_begin(&e->writer, CMD_COMPRESS);
	imap_text(&e->writer, "COMPRESS DEFLATE");
	(void)imap_end(&e->writer);
}

void
compress_tagged(struct engine *e, const struct imap_response *r)
{
	e->compress = COMPRESS_SETTLED;
	e->line.slow = false;
	if (r->status != IMAP_OK)
		return;
	log_info("the line is slow: compressed from here on");
	stream_compress(&e->stream);
}
