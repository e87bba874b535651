/*
 * vault.h - what the master does for the vault: it reads the key where the
 * configuration says, hands it over on a pipe and keeps nothing; it knows
 * whether the vault is locked, and passes on what an admin asks of it.
 */
#ifndef MASTER_VAULT_H
#define MASTER_VAULT_H

#include "proc.h"

/* A bad or missing key must stop the start, not loop in restarts: ends posternd
 * with the reason. Makes the socket for passphrases. */
void vault_prepare(void);
/* cfg_vault and cfg_unlock of a vault that starts. 0 or -1 (logged). */
int vault_setup(struct proc *);
/* It ended: what it was counting is lost. */
void vault_gone(void);

/* ---- for the admin (control's channel and request number) ---- */
void vault_status(struct chan *, uint32_t req, struct slice ats);
void vault_lock(struct chan *, uint32_t req);
void vault_reread(struct chan *, uint32_t req);
void vault_count(struct chan *, uint32_t req);

/* ---- from the vault ---- */
int vault_on_state(struct chan *, const union msg *, int *fd);
int vault_on_counted(struct chan *, const union msg *, int *fd);
/* An ats-worker or control runs: the key may be another than at its setup. */
void vault_tell_public(struct proc *);

#endif
