/*
 * posternctl show: what runs, what is linked, what waits to be sent.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "messages.h"

static struct table table;
static json_t *rows;

static void
begin(const char *heading)
{
	conn_open();
	rows = json_array();
	table_begin(&table, heading);
}

/* All answers of a request; each type that comes has one function. */
static int
collect(void (*row)(const struct ctl *))
{
	struct ctl answer;

	while (conn_next(&answer))
		row(&answer);
	conn_check(&answer);
	if (ctl_options.json)
		json_show(rows);
	else
		table_print(&table);
	return 0;
}

static void
add(json_t *object)
{
	if (object == NULL || json_array_append_new(rows, object) == -1)
		ctl_fail(CTL_REFUSED, "out of memory");
}

/* The master's rows come with its own table hash checked by control only. */
static void
strange(int decoded)
{
	if (decoded == -1)
		ctl_fail(CTL_UNREACHABLE, "posternd sent what this posternctl does not understand");
}

/* ---- processes ---- */

/* Anonymous memory in KiB, 0 where it cannot be read. */
static uint64_t
memory_of(uint32_t pid)
{
	char path[64], line[256];
	uint64_t kb = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/status", pid);
	if (pid == 0 || (f = fopen(path, "re")) == NULL)
		return 0;
	while (kb == 0 && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "RssAnon:", 8) == 0)
			kb = strtoull(line + 8, NULL, 10);
	fclose(f);
	return kb;
}

static void
process_table(const struct rec_process *p, uint64_t kb)
{
	table_add(&table, "%s", role_name(p->role));
	table_text(&table, p->ats);
	if (p->unit == 0)
		table_text(&table, p->host);
	else
		table_add(&table, "%s%u", (p->unit & UNIT_PROBE) != 0 ? "probe " : "L", p->unit & ~UNIT_PROBE);
	table_add(&table, "%u", p->pid);
	table_add(&table, "%u", p->uid);
	table_add(&table, "%s", p->chrooted ? "own" : "/");
	table_add(&table, "%s%s%s", p->seccomp ? "seccomp" : "", p->landlock_abi != 0 ? " landlock" : "",
	    p->mdwe ? " mdwe" : "");
	table_add(&table, "%s", word_text(words_process, p->state));
	table_add(&table, "%u", p->restarts);
	table_add(&table, "%" PRIu64 " KiB", kb);
	table_text(&table, p->last_exit);
}

static void
process_row(const struct ctl *f)
{
	struct rec_process p;
	uint64_t kb;

	strange(f->type == CTL_process ? rec_process_decode(f->process.record, &p) : -1);
	kb = memory_of(p.pid);
	if (!ctl_options.json) {
		process_table(&p, kb);
		return;
	}
	add(json_pack("{ss so so so si si sb si sb sb ss so si sI so}", "role", role_name(p.role), "ats",
	    text_json(p.ats), "unit", p.unit != 0 ? json_integer(p.unit) : json_null(), "host", text_json(p.host),
	    "pid", (int)p.pid, "uid", (int)p.uid, "chrooted", p.chrooted, "landlockAbi", p.landlock_abi, "mdwe",
	    p.mdwe, "seccomp", p.seccomp, "state", word_text(words_process, p.state), "startedAt",
	    time_json(p.started_at), "restarts", (int)p.restarts, "memoryKiB", (json_int_t)kb, "lastExit", text_json(p.last_exit)));
}

int
cmd_show_processes(int argc, char **argv)
{
	(void)argv;
	if (argc != 0)
		ctl_usage();
	begin("process ats unit/host pid uid root sandbox state restarts memory last-exit");
	conn_ask(CTL_show_processes, &(struct ctl_show_processes){ 0 });
	return collect(process_row);
}

/* ---- the queue ---- */

static void
queue_row(const struct ctl *f)
{
	const struct ctl_queued *q = &f->queued;
	char id[32], link[32], more[32] = "";

	strange(f->type == CTL_queued ? 0 : -1);
	snprintf(id, sizeof(id), "S%" PRIu64, q->id);
	snprintf(link, sizeof(link), "L%" PRIu64, q->link);
	if (ctl_options.json) {
		add(json_pack("{so ss so ss so si ss so so so si so so}", "ats", text_json(q->ats), "link", link,
		    "from", text_json(q->address), "id", id, "to", text_json(q->rcpt), "recipients", (int)q->rcpts,
		    "state", word_text(words_submission_state, q->state), "createdAt", time_json(q->created_at), "sendAt",
		    time_json(q->send_at), "nextTry", time_json(q->next_try), "attempts", (int)q->attempts, "code",
		    text_json(q->code), "text", text_json(q->text)));
		return;
	}
	if (q->rcpts > 1)
		snprintf(more, sizeof(more), " +%u", q->rcpts - 1);
	table_text(&table, q->ats);
	table_text(&table, q->address);
	table_add(&table, "%s", id);
	table_add(&table, "%s%s", safe_text(q->rcpt), more);
	table_add(&table, "%s", word_text(words_submission_state, q->state));
	table_add(&table, "%u", q->attempts);
	table_add(&table, "%s", time_text(q->next_try != 0 ? q->next_try : q->send_at));
	table_text(&table, q->code);
}

int
cmd_show_queue(int argc, char **argv)
{
	struct ctl_show_queue m = { 0 };

	if (argc > 2)
		ctl_usage();
	m.ats = argc > 0 ? slice_str(argv[0]) : SLICE_NONE;
	m.link = argc > 1 ? slice_str(argv[1]) : SLICE_NONE;
	begin("ats from id to state attempts next-try error");
	conn_ask(CTL_show_queue, &m);
	return collect(queue_row);
}

/* ---- links, ctl_links.c ---- */

static void
link_row(const struct ctl *f)
{
	struct rec_link l;

	strange(f->type == CTL_link && f->link.id <= UINT32_MAX ? rec_link_decode(f->link.record, &l) : -1);
	if (ctl_options.json)
		add(link_json(f->link.ats, (uint32_t)f->link.id, &l));
	else
		link_cells(&table, f->link.ats, (uint32_t)f->link.id, &l);
}

int
cmd_show_links(int argc, char **argv)
{
	const struct ctl_show_links m = { .ats = argc == 1 ? slice_str(argv[0]) : SLICE_NONE };
	int status;

	if (argc > 1)
		ctl_usage();
	begin(LINK_HEADING);
	conn_ask(CTL_show_links, &m);
	status = collect(link_row);
	links_print_still();
	return status;
}

/* ---- providers ---- */

static json_t *
list_json(struct slice list)
{
	json_t *a = json_array();
	struct slice item;

	while (list_next(&list, &item))
		(void)json_array_append_new(a, text_json(item));
	return a;
}

static void
provider_row(const struct ctl *f)
{
	struct rec_provider p;

	strange(f->type == CTL_provider ? rec_provider_decode(f->provider.record, &p) : -1);
	if (ctl_options.json) {
		add(json_pack("{so so so so so so so}", "id", text_json(p.id), "label", text_json(p.label), "domains",
		    list_json(p.domains), "imap", endpoint_json(p.imap_host, p.imap_port, p.imap_security, SLICE_NONE),
		    "smtp", endpoint_json(p.smtp_host, p.smtp_port, p.smtp_security, SLICE_NONE), "auth",
		    list_json(p.auth), "checkedOn", text_json(p.checked_on)));
		return;
	}
	table_text(&table, p.id);
	table_text(&table, p.label);
	table_add(&table, "%s:%u:%s", safe_text(p.imap_host), p.imap_port, word_text(words_security, p.imap_security));
	table_add(&table, "%s:%u:%s", safe_text(p.smtp_host), p.smtp_port, word_text(words_security, p.smtp_security));
	table_text(&table, p.checked_on);
}

int
cmd_show_providers(int argc, char **argv)
{
	(void)argv;
	if (argc != 0)
		ctl_usage();
	begin("id label imap smtp checked-on");
	conn_ask(CTL_show_providers, &(struct ctl_show_providers){ 0 });
	return collect(provider_row);
}
