/*
 * The command line of posternctl: options, the table of commands, the way out.
 */
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

struct ctl_options ctl_options = { .socket = "/run/postern/control.sock" };

static const struct command {
	const char *group, *verb;	/* verb NULL: the group is the command */
	int (*run)(int argc, char **argv);
	const char *usage;
} commands[] = {
	{ "show", "processes", cmd_show_processes, "" },
	{ "show", "links", cmd_show_links, "[ats]" },
	{ "show", "queue", cmd_show_queue, "[ats [link]]" },
	{ "show", "providers", cmd_show_providers, "" },
	{ "monitor", NULL, cmd_monitor, "[ats]" },
	{ "link", "add", cmd_link_add,
	    "ats address [-imap host:port:mode] [-smtp host:port:mode] [-user name] [-smtp-user name]\n"
	    "                [-name text] [-provider id] [-mode twoWay|receiveOnly|sendOnly] [-no-verify] [-p pubfile] [-]" },
	{ "link", "test", cmd_link_test, "ats link [-send]" },
	{ "link", "pause", cmd_link_pause, "ats link" },
	{ "link", "resume", cmd_link_resume, "ats link" },
	{ "link", "remove", cmd_link_remove, "ats link [-keep-notes]" },
	{ "vault", "init", cmd_vault_init, "[-k keyfile] [-p pubfile] [-wrapped [-work passes:MiB] [-]]" },
	{ "vault", "status", cmd_vault_status, "[-k keyfile | -p pubfile]" },
	{ "vault", "unlock", cmd_vault_unlock, "[-u socket] [-]" },
	{ "vault", "lock", cmd_vault_lock, "" },
	{ "vault", "passwd", cmd_vault_passwd, "[-k keyfile] [-plain | -work passes:MiB] [-]" },
	{ "vault", "rotate", cmd_vault_rotate, "[-k keyfile] [-p pubfile] [-u socket] [-]" },
	{ "audit", "verify", cmd_audit_verify, "[-head seq:hash] [-d directory | file ...]" },
	{ "audit", "show", cmd_audit_show, "[-f] [-since time] [-link number] [-event name] [-d directory | file ...]" },
	{ "reload", NULL, cmd_reload, "" },
	{ "log", "level", cmd_log_level, "error|warn|info|debug" },
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct command *running;

void
ctl_fail(int status, const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("posternctl: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(status);
}

static void
print_usage(const struct command *c)
{
	fprintf(stderr, "  posternctl %s%s%s %s\n", c->group, c->verb != NULL ? " " : "", c->verb != NULL ? c->verb : "",
	    c->usage);
}

void
ctl_usage(void)
{
	fputs("usage: posternctl [-j] [-s socket] command\n", stderr);
	for (size_t i = 0; i < COMMANDS; i++)
		if (running == NULL || running == &commands[i])
			print_usage(&commands[i]);
	exit(CTL_USAGE);
}

static int
finish(const char *what)
{
	struct ctl f;

	while (conn_next(&f))
		;
	conn_check(&f);
	if (ctl_options.json)
		json_show(json_pack("{sb}", "ok", 1));
	else
		printf("%s\n", what);
	return 0;
}

int
cmd_reload(int argc, char **argv)
{
	(void)argv;
	if (argc != 0)
		ctl_usage();
	conn_open();
	conn_ask(CTL_reload, &(struct ctl_reload){ 0 });
	return finish("configuration read again");
}

int
cmd_log_level(int argc, char **argv)
{
	if (argc != 1)
		ctl_usage();
	conn_open();
	conn_ask(CTL_log_level, &(struct ctl_log_level){ .level = slice_str(argv[0]) });
	return finish("log level set");
}

static const struct command *
find(int argc, char **argv, int *words)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		const struct command *c = &commands[i];

		*words = c->verb != NULL ? 2 : 1;
		if (argc >= *words && strcmp(argv[0], c->group) == 0 && (c->verb == NULL || strcmp(argv[1], c->verb) == 0))
			return c;
	}
	return NULL;
}

int
ctl_main(int argc, char **argv)
{
	int ch, words, status;

	setlocale(LC_CTYPE, "");
	while ((ch = getopt(argc, argv, "+js:")) != -1) {
		if (ch == 'j')
			ctl_options.json = true;
		else if (ch == 's')
			ctl_options.socket = optarg;
		else
			ctl_usage();
	}
	argc -= optind;
	argv += optind;
	if ((running = find(argc, argv, &words)) == NULL)
		ctl_usage();
	status = running->run(argc - words, argv + words);
	if (fflush(stdout) == EOF || ferror(stdout))
		return CTL_REFUSED;
	return status;
}
