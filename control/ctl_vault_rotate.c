/*
 * posternctl vault rotate: a new key pair under all records, while everything
 * runs. The new key file stands beside the old one until the vault has counted
 * every record under the new key and none under the old one; then it takes its
 * place. Cut off anywhere it goes on when it is run again.
 */
#include "ctl_vault.h"

#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "messages.h"

struct count {
	uint32_t fresh, moved, old, bad, away;
};

/* What one round found; false: there was none. rows: as JSON, replaced. */
static bool
count_all(struct count *sum, json_t **rows)
{
	struct rec_vault_count r;
	struct ctl f;

	*sum = (struct count){ 0 };
	json_decref(*rows);
	*rows = json_array();
	conn_ask(CTL_vault_count, &(struct ctl_vault_count){ 0 });
	while (conn_next(&f)) {
		if (f.type != CTL_vault_counted || rec_vault_count_decode(f.vault_counted.record, &r) == -1)
			continue;
		sum->fresh += r.fresh;
		sum->moved += r.moved;
		sum->old += r.old;
		sum->bad += r.bad;
		sum->away += !r.whole;
		(void)json_array_append_new(*rows, json_pack("{so si si si sb}", "ats", text_json(r.ats), "newKey",
		    (int)r.fresh, "oldKey", (int)(r.old + r.moved), "broken", (int)r.bad, "counted", r.whole));
	}
	if (slice_eq_str(f.done.error, "vault.away"))
		return false;	/* it died: it is being started again */
	conn_check(&f);
	return true;
}

/* A count proves nothing unless the new key is what the vault counts by. */
static bool
has_key(const struct vault_said *said, const struct key_pair *p)
{
	return said->running && memcmp(said->public, p->public, KEY_PUBLIC_N) == 0;
}

/* A vault that dies while it is asked is asked again; another passphrase never helps. */
static void
unlock_again(const char *socket, const struct key_pair *p)
{
	if (unlock_send(socket, pair_passphrase(p)) == UNLOCK_WRONG)
		ctl_fail(CTL_REFUSED, "vault.locked: the vault has keys with another passphrase");
}

/* Round after round until one finds nothing but records under the new key. */
static void
count_until_done(const struct vault_args *a, const struct key_pair *p, struct count *sum, json_t **rows)
{
	struct vault_said said;

	for (unsigned int i = 0; i < LIM_ROTATE_ROUNDS; i++) {
		vault_ask("", &said);
		/* One that was started again in the middle is locked again. */
		if (said.running && said.locked && p->wrapped)
			unlock_again(a->socket, p);
		if (said.running && !has_key(&said, p))
			ctl_fail(CTL_REFUSED, "the vault has not taken the new key, see the log; the old one stays in use");
		if (count_all(sum, rows) && sum->moved == 0 && sum->old == 0 && sum->away == 0) {
			vault_ask("", &said);
			if (has_key(&said, p))
				return;
		}
		if (!ctl_options.json && sum->moved > 0)
			printf("moved       %u records\n", sum->moved);
		(void)poll(NULL, 0, LIM_ROTATE_PAUSE_MS);
	}
	ctl_fail(CTL_REFUSED, "not finished: %u records under the old key, %u ATS blocks not counted; both keys stay in"
	    " use. Run it again: it goes on", sum->old, sum->away);
}

/* The next key: what an earlier run has left, or a new one. */
static void
next_key(const struct vault_args *a, const struct key_pair *now, struct key_pair *next, const char *path)
{
	memcpy(next->passphrase, now->passphrase, sizeof(next->passphrase));
	next->passphrase_n = now->passphrase_n;
	if (access(path, F_OK) == 0) {
		pair_read(next, path, a->from_stdin);
		if (!ctl_options.json)
			printf("going on with the key in %s\n", path);
		return;
	}
	next->wrapped = now->wrapped;
	next->work = now->work;
	crypto_box_keypair(next->public, next->secret);
	pair_write(next, path, false);
}

static void
reread(void)
{
	struct ctl f;

	conn_ask(CTL_vault_reread, &(struct ctl_vault_reread){ 0 });
	while (conn_next(&f))
		;
	if (!slice_eq_str(f.done.error, "vault.away"))	/* then it reads it anyway */
		conn_check(&f);
}

static void
check_place(const struct vault_args *a)
{
	struct vault_said said;

	vault_ask("", &said);
	if (strncmp(said.source, "credential:", strlen("credential:")) == 0)
		ctl_fail(CTL_REFUSED, "the key is a credential of systemd, which nobody can write from here:"
		    " see ROTATION in posternctl(8)");
	if (strcmp(said.source, a->key) != 0)
		ctl_fail(CTL_REFUSED, "posternd has its key from %s: name it with -k", safe_text(slice_str(said.source)));
	if (said.running && said.locked)
		ctl_fail(CTL_REFUSED, "vault.locked: unlock it first (posternctl vault unlock)");
}

static int
report(const struct vault_args *a, const struct key_pair *next, const struct count *sum, json_t *rows)
{
	char text[PUBLIC_KEY_TEXT];

	vault_key_text(next->public, text);
	if (ctl_options.json)
		json_show(json_pack("{ss si si si so}", "publicKey", text, "newKey", (int)sum->fresh, "oldKey",
		    (int)sum->old, "broken", (int)sum->bad, "ats", rows));
	else {
		printf("%u records under the new key, %u under the old one, which is gone\npublic key  %s\n            %s\n",
		    sum->fresh, sum->old, a->pub, text);
		json_decref(rows);
	}
	if (sum->bad > 0)
		fprintf(stderr, "posternctl: %u records open with neither key, see the log; enter those credentials anew\n",
		    sum->bad);
	return 0;
}

int
cmd_vault_rotate(int argc, char **argv)
{
	struct key_pair *now, *next;
	json_t *rows = NULL;
	struct vault_args a;
	struct count sum;
	char path[LIM_PATH + 8];

	vault_args_parse(&a, argc, argv, VOPT_KEY | VOPT_PUB | VOPT_SOCKET | VOPT_STDIN);
	snprintf(path, sizeof(path), "%s.new", a.key);
	check_place(&a);
	now = pair_new();
	next = pair_new();
	pair_read(now, a.key, a.from_stdin);
	next_key(&a, now, next, path);
	reread();
	count_until_done(&a, next, &sum, &rows);
	/* In this order: cut off in between, the newest key is the pinned one. */
	pair_write_public(next, a.pub);
	file_move(path, a.key);
	reread();
	count_until_done(&a, next, &sum, &rows);
	pair_free(now);
	return report(&a, next, &sum, rows);
}
