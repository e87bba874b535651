/* Orders at one place: waiting for READY, on their way, answered by a report or a death. */
#include "harness_place.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct harness_settings harness_settings;

struct harness_place {
	char label[LIM_NAME + 1];	/* of one that was spawned by order, else empty */
	uint32_t told;			/* who wants its pid when it is READY, 0 = nobody */
	uint32_t req;			/* the order, 0 = none */
	bool sent, died;
	char kind[64], argument[LIM_DETAIL + 1];
	uint8_t *data;
	size_t n;
	int fd;
};

static struct harness_place *
place(struct proc *p)
{
	if (p->harness == NULL) {
		if ((p->harness = calloc(1, sizeof(*p->harness))) == NULL)
			logger_fatal("out of memory");
		p->harness->fd = -1;
	}
	return p->harness;
}

const char *
harness_label(const struct proc *p)
{
	return harness_apart(p) ? p->harness->label : proc_label(p);
}

bool
harness_apart(const struct proc *p)
{
	return p->harness != NULL && p->harness->label[0] != '\0';
}

void
harness_forget(struct proc *p)
{
	struct harness_place *h = p->harness;

	if (h == NULL)
		return;
	if (h->req != 0)
		harness_answer(h->req, "error its place was given up");
	if (h->fd != -1)
		close(h->fd);
	free(h->data);
	free(h);
	p->harness = NULL;
}

/* The name must be known before proc_new starts the process. */
void
harness_spawn(uint32_t req, const char *label, enum role role, struct tenant *t, uint32_t unit, const char *host)
{
	struct harness_place *h = calloc(1, sizeof(*h));

	if (h == NULL || slice_copy(slice_str(label), h->label, sizeof(h->label)) == -1)
		logger_fatal("out of memory");
	h->fd = -1;
	h->told = req;
	proc_new_apart(role, t, unit, host, h);
}

void
harness_pid(struct proc *p, uint32_t req)
{
	if (proc_running(p))
		harness_answer(req, "ok %d", (int)p->pid);
	else
		place(p)->told = req;
}

static void
send_order(struct proc *p)
{
	struct harness_place *h = p->harness;
	struct msg_attack m = { .req = h->req, .name = slice_str(h->kind), .argument = slice_str(h->argument),
		.data = slice_mem(h->data, h->n) };

	h->sent = true;
	if (h->fd == -1)
		h->fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (send_attack(p->chan, &m, h->fd) == -1) {
		harness_answer(h->req, "error the order cannot be sent");
		h->req = 0;
	}
	h->fd = -1;
	free(h->data);
	h->data = NULL;
}

void
harness_attack(struct proc *p, uint32_t req, const char *kind, const char *argument, struct slice data, int *fd)
{
	struct harness_place *h = place(p);

	if (h->req != 0 || slice_copy(slice_str(kind), h->kind, sizeof(h->kind)) == -1 ||
	    slice_copy(slice_str(argument), h->argument, sizeof(h->argument)) == -1) {
		harness_answer(req, "error it has an order, or this one is too long");
		return;
	}
	h->req = req;
	h->sent = false;
	h->n = data.n;
	if (data.n > 0 && (h->data = malloc(data.n)) == NULL)
		logger_fatal("out of memory");
	if (data.n > 0)
		memcpy(h->data, data.p, data.n);
	h->fd = *fd;
	*fd = -1;
	if (proc_running(p))
		send_order(p);
}

int
harness_setup(struct proc *p)
{
	static const char *const profiles[] = { "MASTER", "VAULT", "DIALER", "TLS", "WORKER", "MIME", "STORE", "LISTENER" };
	const char *line = harness_settings.left_out, *profile = profiles[role_table[p->role].profile];
	struct msg_attack_setup m = { .without = harness_settings.without };
	size_t n = strlen(profile);

	if (strncmp(line, profile, n) == 0 && line[n] == ':')
		m.left_out = slice_str(line + n + 1);
	return send_attack_setup(p->chan, &m);
}

bool
harness_ready(struct proc *p)
{
	struct harness_place *h = p->harness;

	if (h == NULL)
		return false;
	if (h->told != 0)
		harness_answer(h->told, "ok %d", (int)p->pid);
	h->told = 0;
	if (h->req != 0 && !h->sent)
		send_order(p);
	return harness_apart(p);
}

bool
harness_gone(struct proc *p, int status)
{
	struct harness_place *h = p->harness;

	if (h == NULL)
		return false;
	if (h->req != 0 && h->sent) {
		if (WIFSIGNALED(status))
			harness_answer(h->req, "died signal %d%s", WTERMSIG(status), WCOREDUMP(status) ? " core" : "");
		else
			harness_answer(h->req, "died exit %d", WEXITSTATUS(status));
		h->req = 0;
		h->died = true;
	}
	return harness_apart(p);
}

bool
harness_ordered(struct proc *p)
{
	bool died = p->harness != NULL && p->harness->died;

	if (died)
		p->harness->died = false;
	return died;
}

int
harness_on_report(struct chan *c, const union msg *m, int *fd)
{
	struct proc *p = chan_ctx(c);
	char text[LIM_DETAIL + 1];

	(void)fd;
	if (p->harness == NULL || m->attack_report.req != p->harness->req ||
	    slice_copy(m->attack_report.result, text, sizeof(text)) == -1)
		return -1;
	p->harness->req = 0;
	harness_answer(m->attack_report.req, "report %s", text);
	return 0;
}
