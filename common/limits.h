/*
 * limits.h - every bound of Postern in one place, each with its reason.
 * Sizes are bytes unless the name says otherwise; times are seconds.
 */
/* gcc's own limits.h looks for "the next one" and finds this file: hand on. */
#ifdef _GCC_NEXT_LIMITS_H
#include_next <limits.h>
#endif

#ifndef COMMON_LIMITS_H
#define COMMON_LIMITS_H

/* Names and strings */
#define LIM_ATS_NAME 64		/* name of an ATS block in postern.conf */
#define LIM_HOST 255		/* RFC 1035 s. 2.3.4 */
#define LIM_ADDRESS 320		/* local part 64 + @ + domain 255, RFC 5321 s. 4.5.3.1 */
#define LIM_USER 320		/* login name: mostly an address */
#define LIM_SECRET 2048		/* a password or token */
#define LIM_NAME 256		/* display names, labels */
#define LIM_PATH 1024		/* file names in the configuration */
#define LIM_MAILBOX_NAME 1000	/* RFC 9051 has no limit; servers stop near 255 */
#define LIM_CODE 48		/* an error code, e.g. tls.cert_name */
#define LIM_DETAIL 512		/* one redacted line of a server's answer */
#define LIM_REASON 200		/* why a process ended or a peer is broken */
#define LIM_LOG_TEXT 1024	/* one log line before strvis */
#define LIM_MESSAGE_ID 998	/* RFC 5322 s. 2.1.1: it must fit one line */
#define LIM_SUBJECT 2048	/* decoded; longer subjects are cut for display */
#define LIM_KEYWORDS 2048	/* all flags of one message, joined by spaces */
#define LIM_OBJECTID 256	/* RFC 8474: at most 255 */
#define LIM_TYPE_NAME 128	/* media type, charset, disposition */
#define LIM_EXTERNAL_ID 256	/* the ATS's own key of a person */
#define LIM_PREVIEW 1024	/* RFC 8621 s. 4.1.4: 256 characters, UTF-8 */

/* Lists */
#define LIM_OWN_DOMAINS 256
#define LIM_ALSO_FOLDERS 64
#define LIM_ADDRESSES_HEADER 512	/* addresses kept from one header */
#define LIM_REFERENCES 128		/* message ids kept from References */
#define LIM_RCPTS 100			/* recipients of one submission; RFC 5321 s. 4.5.3.1.8, and send_item stays under LIM_CHAN_MSG */
#define LIM_EMAILS_PERSON 64		/* addresses of one correspondent */
#define LIM_PARTS 512			/* body parts kept of one message */
#define LIM_PART_DEPTH 64		/* multipart nesting followed */
#define LIM_HEADER_FIELDS 10000		/* header fields looked at; the rest is ignored */
#define LIM_IDS 1000			/* ids in one request between processes */

/* Mail bodies */
#define LIM_HEADER_VALUE 65536	/* bytes of one header field that are read */
#define LIM_TEXT_PART (1024 * 1024)	/* decoded UTF-8 kept of one text part */
#define LIM_NOTE_TEXT 65536	/* plain text kept with a note */
#define LIM_BOUNDARY 250	/* RFC 2046 s. 5.1.1 says 70; some mailers write more */

/* Channels */
#define LIM_INLINE 65536	/* larger bodies travel as a sealed memfd */
#define LIM_CHAN_MSG 98304	/* one encoded message, header included */
#define LIM_CHAN_QUEUE (4 * 1024 * 1024)	/* bytes waiting for a peer that does not read */
#define LIM_CHAN_CREDITS 32	/* bulk messages in flight, each direction */
#define LIM_CHAN_TURN 64	/* messages handled per readiness event: fairness */
#define LIM_BODY (64 * 1024 * 1024)	/* one raw message or upload */

/* The IMAP engine */
#define LIM_IMAP_LINE (8 * 1024 * 1024)	/* one response without big literals: SEARCH answers of a million UIDs */
#define LIM_IMAP_DEPTH 32		/* nested lists in a response */
#define LIM_IMAP_PENDING 8		/* commands in flight */
#define LIM_IMAP_FOLDERS 10000		/* folders kept from LIST */
#define LIM_IMAP_RANGES 65536		/* UID ranges held while a slice is listed */
#define LIM_IMAP_BATCH 200		/* messages aimed at in one slice of a sync */
#define LIM_IMAP_WANTS 65536		/* bodies asked for and not yet fetched */
#define LIM_IMAP_OPS 4096		/* write-back operations waiting */
#define LIM_IDLE_SECONDS 540		/* IDLE renewed; RFC 2177 says 29 minutes, NATs say less */
#define LIM_PROOF_SECONDS 300		/* the selected folder is looked at although IDLE is silent */
#define LIM_SENT_POLL_SECONDS 30	/* second look at the Sent folder */
#define LIM_FOLDER_POLL_SECONDS 300	/* second look at all other synced folders */
#define LIM_RELIST_SECONDS 3600		/* LIST again: folders made by others */
#define LIM_RECONCILE_SECONDS 86400	/* full UID listing although QRESYNC told everything */
#define LIM_COMMAND_SECONDS 120		/* no byte moved while a command waits: stalled */
#define LIM_BACKOFF_FIRST_MS 1000
#define LIM_BACKOFF_MAX_MS 300000

/* Life of processes */
#define LIM_READY_SECONDS 10	/* exec to READY, else killed */
#define LIM_STARTING 16		/* children between exec and READY at once */
#define LIM_RESTART_FIRST_MS 100
#define LIM_RESTART_MAX_MS 60000
#define LIM_LOG_PER_SECOND 200	/* log lines of one child; the rest is counted */
#define LIM_TLS_LINKS 32	/* links one tls-worker serves */
#define LIM_TICKET_SECONDS 120	/* lookup, connect, handshake and greeting come before the login */
#define LIM_TICKETS_PER_MINUTE 30	/* logins of one link */
#define LIM_TICKETS_PER_MINUTE_ATS 3000	/* logins of one tenant */
#define LIM_SEALS_PER_MINUTE 600	/* credentials one tenant may enter */

#endif
