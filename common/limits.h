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
#define LIM_OWN_DOMAINS 256	/* domains of the agency itself in one ATS block */
#define LIM_ALSO_FOLDERS 64	/* further folders one link syncs */
#define LIM_ADDRESSES_HEADER 512	/* addresses kept from one header */
#define LIM_REFERENCES 128		/* message ids kept from References */
#define LIM_RCPTS 100			/* recipients of one submission; RFC 5321 s. 4.5.3.1.8, and send_item stays under LIM_CHAN_MSG */
#define LIM_EMAILS_PERSON 64		/* addresses of one correspondent */
#define LIM_PARTS 512			/* body parts kept of one message; of more the last is all the rest */
#define LIM_PART_DEPTH 64		/* multipart nesting followed */
#define LIM_HEADER_FIELDS 10000		/* header fields looked at; the rest is ignored */
#define LIM_IDS 1000			/* ids in one request between processes */

/* Mail bodies */
#define LIM_HEADER_VALUE (64 * 1024)	/* bytes of one header field that are read */
#define LIM_TEXT_PART (1024 * 1024)	/* decoded UTF-8 kept of one text part */
#define LIM_MIME_TEXT (16 * 1024 * 1024)	/* of all text parts of one message, with what tells them apart; the rest is cut */
#define LIM_NOTE_TEXT (64 * 1024)	/* plain text kept with a note */
#define LIM_BOUNDARY 250	/* RFC 2046 s. 5.1.1 says 70; some mailers write more */

/* Channels */
#define LIM_INLINE (64 * 1024)	/* larger bodies travel as a sealed memfd */
#define LIM_CHAN_MSG (96 * 1024)	/* one encoded message, header included */
#define LIM_CHAN_QUEUE (4 * 1024 * 1024)	/* bytes waiting for a peer that does not read */
#define LIM_CHAN_QUEUE_FDS 64	/* descriptors that wait for such a peer: ours run out before its memory */
#define LIM_CHAN_TOGETHER 8	/* messages in one packet: a sixth of the credits, so that both ends are at work */
#define LIM_CHAN_TOGETHER_BYTES 12000	/* of them, and of each; a larger one goes alone, its copy costs more than its packet */
#define LIM_CHAN_CREDITS 48	/* bulk messages in flight, each direction: of LIM_INLINE they fit LIM_CHAN_QUEUE; with fewer all others wait for each commit */
#define LIM_BODY (64 * 1024 * 1024)	/* one raw message or upload */

/* The IMAP engine */
#define LIM_IMAP_LINE (8 * 1024 * 1024)	/* one response without big literals: SEARCH answers of a million UIDs */
#define LIM_IMAP_DEPTH 32		/* nested lists in a response */
#define LIM_IMAP_PENDING 24		/* commands in flight */
#define LIM_IMAP_FOLDERS 10000		/* folders kept from LIST */
#define LIM_IMAP_RANGES 65536		/* UID ranges held while a slice is listed */
#define LIM_IMAP_WANTS 1024		/* bodies asked for and not yet fetched: the store asks for LIM_BODIES_ASKED */
#define LIM_IMAP_HELD (64 * 1024 * 1024)	/* big literals with the store, if more than one: twice what it asks for, so that only a server that lied about sizes waits */
#define LIM_IMAP_OPS 4096		/* write-back operations waiting */
#define LIM_PROOF_SECONDS 300		/* the inbox is looked at although IDLE is silent, and IDLE renewed: RFC 2177 says 29 minutes, NATs say less */
#define LIM_COMMAND_SECONDS 120		/* no byte moved while a command waits: stalled, found two ticks later at most */
#define LIM_BACKOFF_FIRST_MS 1000	/* before a lost connection is made again, less up to half of it by chance; doubles */
#define LIM_BACKOFF_MAX_MS 300000	/* the longest of these waits */
#define LIM_EXPUNGE_TRIES 4	/* UID EXPUNGE answered with OK for a message that stays: so often it is asked for */
#define LIM_OP_BATCH 500	/* operations done by one command: its line stays under the 8,192 bytes of RFC 7162 s. 4 */
#define LIM_FIND_BATCH 50	/* messages looked for by one SEARCH, whose line stays under 8,192 bytes too, */
#define LIM_FIND_ID 120	/* with Message-IDs up to this; longer ones are looked for alone */
#define LIM_OP_LOST 3	/* connections an EXPUNGE after COPY may cost and is tried again */
#define LIM_LITERAL_MINUS 4096	/* RFC 7888 s. 5: the most that LITERAL- allows */
#define LIM_COMMAND_LITERALS 3	/* literals in one command that the server is waited for */
#define LIM_SLICE_REFUSALS 12	/* connections that refuse a message, where no other could be read, before it is left out */
#define LIM_BODY_TRIES 3	/* connections that may die over one message */
#define LIM_REBUILDS_DAY 3	/* changes of UIDVALIDITY in a day that are believed; then the folder rests for a day */
#define LIM_WINDOW_TRIES 5	/* times the UID of a message is asked for again: it may have been expunged meanwhile */
#define LIM_SELECT_RETRY_MS 300000	/* before a folder that cannot be selected is tried again */
#define LIM_SELECT_REFUSALS 3	/* before a listed folder is called a phantom */
#define LIM_IMAP_STABLE_MS 60000	/* a connection that lived so long forgives the failures before it */
#define LIM_REJECTED_MS 300000	/* after a refused login: never hammer */
#define LIM_NAMESPACES 16	/* roots of folders kept of what a server tells; servers have three or four */
#define LIM_LITERAL_PLUS (256 * 1024)	/* sent without waiting where the server allows any size: more would be lost if it refuses */
#define LIM_COMPRESS_RATE (1024 * 1024)	/* bytes in a second: a faster line is not worth the server's time for COMPRESS */
#define LIM_COMPRESS_REST (4 * 1024 * 1024)	/* bytes that must still be to come */
#define LIM_COMPRESS_RTT_MS 5	/* a nearer server is slow itself, not its line */
#define LIM_COMPRESS_LOOK_MS 2000	/* the line's speed is taken over so long */
#define LIM_INFLATE_TURN 16	/* buffers filled from compressed bytes before others get their turn */
#define LIM_LIST_STATUS 500	/* folders: with more the next LIST asks for no STATUS of each */
#define LIM_FOREIGN_LISTS 4	/* roots of other users and shared ones that are listed by name */
#define LIM_LOOK_AROUND 16	/* with more folders a vanished message waits for the timer */

/* Life of processes */
#define LIM_READY_SECONDS 10	/* exec to READY, else killed */
#define LIM_PING_SECONDS 15	/* how often the master asks each process that ran whether it is there */
#define LIM_PINGS 4	/* pings unanswered: it is wedged and killed, 60 to 75 s after its last word */
#define LIM_STARTING 16		/* children between exec and READY at once */
#define LIM_RESTART_FIRST_MS 100	/* before a dead process is started again; doubles */
#define LIM_RESTART_MAX_MS 60000	/* the longest of these waits, a quarter of it again for chance */
#define LIM_STARTING_ATS 12	/* of them for the links of one tenant: others start too */
#define LIM_STARTS_PER_MINUTE_ATS 600	/* workers a store may order, beyond one for each place its tenant has */
#define LIM_STREAM_STEPS 32	/* steps of one login that a tls-worker tells; honest ones need eight */
#define LIM_LOG_PER_SECOND 200	/* log lines of one child; the rest is counted */
#define LIM_TLS_LINKS 32	/* links one tls-worker serves */
#define LIM_TICKET_SECONDS 120	/* lookup, connect, handshake and greeting come before the login */
#define LIM_TICKETS_PER_MINUTE 30	/* logins of one link */
#define LIM_LOGINS_KEPT 256	/* counts of links that stopped, of one tenant: LIM_STARTS_PER_MINUTE_ATS spread over more is few for each */
#define LIM_LOGINS_SECOND 20	/* logins of all links together at one host, and as many that a person or a message waits for: 1,000 links come back in 50 s. Tenants take turns */
#define LIM_TICKETS_PER_MINUTE_ATS 3000	/* logins of one tenant */
#define LIM_SEALS_PER_MINUTE 600	/* credentials one tenant may enter */
#define LIM_STREAMS_WORKER 6	/* streams of one worker: two, and used ones whose end was not told yet */
#define LIM_STREAM_WAIT_MS 15000	/* for a tls-worker and the vault to run */
#define LIM_RESTART_STABLE_MS 60000	/* a run this long forgives the deaths before it */
#define LIM_RESTART_CLEAN_MS 1000	/* a role that ends itself sooner is in a loop */
#define LIM_DRAIN_SECONDS 10	/* from drain to SIGKILL */
#define LIM_PROBES_ATS 16	/* link tests at the same time */

/* The audit log */
#define LIM_AUDIT_WHO 384	/* name of a process with its ATS and host */
#define LIM_AUDIT_ENDPOINT 280	/* host:port:mode */
#define LIM_AUDIT_FIELDS 2048	/* encoded fields of one event: the longest row fits */
#define LIM_AUDIT_LINE (10 * 1024)	/* all of them, each byte as four by strvis, and what the master adds */
#define LIM_AUDIT_TORN (10 * 1024)	/* what a crash may leave of a line */
#define LIM_AUDIT_FILE (64 * 1024 * 1024)	/* then the next file begins */
#define LIM_AUDIT_PARTY_BURST 1000	/* lines of one event of one party (link, host, uid) at once */
#define LIM_AUDIT_PARTY_MINUTE 60	/* and in a minute from then on */
#define LIM_AUDIT_CHILD_BURST 10000	/* lines of one process about one ATS at once: 1000 links log in at a start */
#define LIM_AUDIT_CHILD_MINUTE 300	/* and in a minute from then on: under 200 MB a day */
#define LIM_AUDIT_DROPPED 256	/* summaries held at the same time */
#define LIM_AUDIT_COUNTED 512	/* links whose contents a store counts at the same time */

/* Configuration */
#define LIM_KEY_FILE (4 * 1024)	/* the key file and the next one; also below PIPE_BUF: one write, never blocks */
#define LIM_CONF_DEPTH 8	/* nested blocks: libConfuse recurses */
#define LIM_CONF_ATS 64	/* ATS blocks: each is three processes and more */
#define LIM_CONF_HOSTS 256	/* host blocks */
#define LIM_CONF_IDS 64	/* users, groups of one list */
#define LIM_CONF_PROVIDERS 64	/* provider presets */
#define LIM_CONF_CA 60000	/* one extra CA file must fit one message */

/* The vault */
#define LIM_TICKETS 4096	/* open tickets of all tenants together */
#define LIM_TICKETS_ATS 1024	/* of one tenant, so that it cannot crowd out others */
#define LIM_VAULT_PEERS 4096	/* stores and tls-workers */
#define LIM_SEAL_ENDPOINTS 4	/* imap, smtp, and two to spare */
#define LIM_SEALS_SEEN 16384	/* seals remembered against a second opening; the store remembers LIM_SEALS_KEPT */
#define LIM_RECORD (8 * 1024)	/* a sealed credential in the store; the largest takes half of it */
#define LIM_SCRAM_NONCE 256	/* ours and the server's; servers add 18 to 64 characters */
#define LIM_SCRAM_SALT 128	/* servers use 12 to 64 */
#define LIM_SCRAM_ITERATIONS_MIN 4096	/* RFC 7677 s. 4 */
#define LIM_SCRAM_ITERATIONS 200000	/* about 0.15 s of the vault's time for one login */
#define LIM_SCRAM_SLICE 2000	/* iterations in one turn: the others wait 2 ms */
#define LIM_SCRAM_WORKS 32	/* passwords being hashed at once, of all tenants */
#define LIM_SCRAM_WORKS_ATS 2	/* of one tenant; the rest of its logins waits */
#define LIM_CHANNEL_BINDING 64	/* tls-exporter has 32 bytes, tls-unique 12 to 36 */
#define LIM_PASSPHRASE 1000	/* of a wrapped key; it must fit the unlock frame */
#define LIM_PASSPHRASE_MIN 8	/* refused by posternctl when it is made */
#define LIM_WRAP_OPS 8		/* Argon2id: passes over the memory that a key file may ask for */
#define LIM_WRAP_KIB 524288	/* memory it may ask for: half of the vault's RLIMIT_AS */
#define LIM_WRAP_KIB_MIN 8192	/* less would not slow a guesser down */
#define LIM_UNLOCKS_PER_MINUTE 10	/* passphrases tried */
#define LIM_ROTATE_ROUNDS 900	/* counts: three minutes for stores that are away and tests of links */
#define LIM_RATE_BUCKETS 16384	/* links counted at the same time, and tenants; of more some share an allowance */
#define LIM_SEAL_PLAIN (4 * 1024)	/* one opened seal: all fields at their limits fit */
#define LIM_REFUSALS_PER_MINUTE 64	/* of one tls-worker: two for each of its links; who goes on guesses */
#define LIM_REFUSALS_TOLD 8	/* of these, log lines: the rest must not push others out */

/* The dialer */
#define LIM_DNS_TRIES 2	/* rounds over the name servers; then the name service does not answer */
#define LIM_DNS_SOCKETS 32	/* sockets of the resolver: it uses two for each name server */
#define LIM_DNS_LOOKUPS 128	/* lookups under way, also forgotten ones */
#define LIM_DIAL_ADDRESSES 16	/* addresses of one name that are tried */
#define LIM_DIAL_DNS_MS 10000	/* the whole lookup */
#define LIM_DIAL_TCP_MS 15000	/* all addresses together */
#define LIM_DIAL_QUEUE (2 * LIM_TLS_LINKS)	/* dials of one channel, waiting or active */
#define LIM_DIAL_ACTIVE 16	/* active dials of one channel */
#define LIM_DIAL_ACTIVE_ATS 60	/* of one tenant: its dead servers leave places to others */
#define LIM_DIAL_ACTIVE_ALL 100	/* of all; each may hold LIM_DIAL_ADDRESSES of the 2,048 descriptors */

/* TLS and the login */
#define LIM_EXTRA_CAS 64	/* certificates of one host's extra file; the log tells of more */
#define LIM_BUNDLE_CAS 1024	/* of the CA bundle, Debian's has some 140; the log tells of more */
#define LIM_DETAIL_SCAN (4 * 1024)	/* bytes of a line that are searched for echoes: the part shown and the longest secret */
#define LIM_CERT_NAMES 8	/* names of a wrong certificate that are told */
#define LIM_NOT_TLS 200	/* bytes told of what came instead of TLS, or of a greeting */
#define LIM_LOGIN_LINE (12 * 1024)	/* one line of a server with its LF; a challenge of LIM_LOGIN_DATA fits */
#define LIM_LOGIN_OUT (16 * 1024)	/* bytes waiting for a server that does not read; a response of LIM_LOGIN_DATA fits */
#define LIM_LOGIN_DATA (8 * 1024)	/* a challenge or response, as in messages.def */
#define LIM_LOGIN_LINES 256	/* lines of one dialogue: no endless greetings */
#define LIM_LOGIN_ROUNDS 8	/* SASL challenges */
#define LIM_LOGIN_MECHANISMS 24	/* kept of what a server offers */
#define LIM_MECHANISM 20	/* a mechanism's name, RFC 4422 s. 3.1 */
#define LIM_LOGIN_IR_IMAP 8000	/* initial response in one line: RFC 9051 s. 4 asks servers to take 8,000 octets before a login */
#define LIM_LOGIN_IR_SMTP 510	/* the same, RFC 5321 s. 4.5.3.1.4 without CRLF */
#define LIM_LOGIN_STEP_SECONDS 30	/* each step of the way in */
#define LIM_STREAM_CLOSE_SECONDS 15	/* for the last bytes of a worker that left: its server may be slow, not for ever */

/* The SMTP engine */
#define LIM_SMTP_IDLE_SECONDS 30	/* without a message to send */
#define LIM_SMTP_RETRY_FIRST_MS 1000	/* between connections; doubles */
#define LIM_SMTP_RETRY_MAX_MS 60000	/* the longest of these waits, half of it again for chance */
#define LIM_SMTP_UNUSED 3	/* streams lost in a row before EHLO is answered */
#define LIM_REPLY_LINE 2048	/* without its LF; RFC 5321 s. 4.5.3.1.5 says 512, some servers tell more */
#define LIM_REPLY_LINES 128	/* lines of one reply */

/* MIME */
#define LIM_PART_RECORD (4 * 1024)	/* what is told of one part */
#define LIM_COMPOSE_ID 990	/* with brackets and a space it still fits a line */
#define LIM_ADDRESSES_BYTES (512 * 1024)	/* addresses of one message: with the ids they stay below LIM_HEADER_RECORD */
#define LIM_DATE 128	/* a longer Date is no date */
#define LIM_HEADER_RECORD (1024 * 1024)	/* what is told of one header */
#define LIM_MAIL_LINE 998	/* RFC 5322 s. 2.1.1; what has longer ones is sent encoded */
#define LIM_CONTENT_FIELD (8 * 1024)	/* bytes of a Content-* field that are read */
#define LIM_EXTENSION 16	/* with its dot: kept when a file name is cut */
#define LIM_ENTITY_NAME 6	/* the longest entity known: a longer one is not looked for */
#define LIM_ENTITY_DIGITS 8	/* of a numeric entity; Unicode needs seven */
#define LIM_PREVIEW_CHARS 256	/* RFC 8621 s. 4.1.4 */
#define LIM_CHARSET 64	/* charset and language of an encoded word (RFC 2047); longer ones make none */

/* The store */
#define LIM_SUBMISSION_WINDOW_SECONDS 3600	/* over which max-submissions is counted */
#define LIM_SUBMIT_SECONDS (2 * 86400)	/* after it was due a submission failed */
#define LIM_SUBMIT_RETRY_FIRST 30	/* seconds after a temporary refusal; doubles */
#define LIM_SUBMIT_RETRY_MAX 3600	/* seconds: the longest wait between tries */
#define LIM_SUBMIT_RETRY_DEATH 2	/* seconds after a worker that died or a lost connection; doubles */
#define LIM_SUBMIT_REVIEW_SECONDS 600	/* uncertain for so long: a person decides */
#define LIM_SNAPSHOTS 64	/* submissions being made at once */
#define LIM_SAME_KEY 8	/* askers of one idempotency key, while it is being made */
#define LIM_SENDER_START_SECONDS 90	/* a worker that was asked for should be here by then */
#define LIM_SENDER_WAIT_SECONDS 60	/* between starts of workers that achieve nothing */
#define LIM_BODIES_ASKED 256	/* bodies asked for and not yet stored: enough that no round trip is waited for */
#define LIM_BODIES_BYTES (32u * 1024 * 1024)	/* their sizes together, if more than one */
#define LIM_STRAYS 1024	/* deleted things one worker may still speak of; who goes on makes them up */
#define LIM_SEALS_KEPT 1000000	/* hashes of opened seals: 40 bytes each, nobody enters so many credentials */
#define LIM_REST_FIRST_SECONDS 5	/* a link whose turn was undone, for a full disk, comes again after; doubles */
#define LIM_REST_MAX_SECONDS 60	/* the longest of these rests, half of it again for chance */
#define LIM_HOLD_SECONDS 20	/* a vanished message waits for a folder that is not looked at */
#define LIM_FOLDER_REST_SECONDS 300	/* a folder that is closed to us is not asked for bodies */
#define LIM_FULL_REST_SECONDS 10	/* before bodies are asked for again when max-storage was reached */
#define LIM_PARSE_TRIES 3	/* parsers one message may kill before it is quarantined */
#define LIM_MIME_BATCH 1024	/* messages one worker parses before it is replaced: a start costs as much as 700 headers */
#define LIM_MIME_TRIES 3	/* workers one job may cost */
#define LIM_MIME_SECONDS 60	/* for one job, from its being the first unanswered */
#define LIM_PROBE_WINDOW 600	/* seconds over which link tests are counted */
#define LIM_PROBES_ADDRESS 30	/* in one window */
#define LIM_PROBES_ATS_WINDOW 600	/* in one window */
#define LIM_PROBE_ROWS 256	/* addresses counted at once */
#define LIM_PROBES_STORE 32	/* under way at once in this ATS */
#define LIM_PROBE_SECONDS 120	/* for the vault, and for each service */
#define LIM_UPLOAD_SECONDS 86400	/* an upload waits for a use */
#define LIM_BLOB_HELD (4 * (size_t)LIM_BODY)	/* decoded bytes that wait for credits */
#define LIM_ATS_WORKERS 16	/* ats-workers at once: one, and one that is on its way out */
#define LIM_EVENTS_WAITING (64 * 1024)	/* bytes waiting for a slow ats-worker: events wait too */
#define LIM_CHANGES_SECONDS (30 * 86400)	/* destroyed objects stay in the change log so long */
#define LIM_ATS_JOBS 512	/* requests under way of all askers */
#define LIM_EMAIL_MAILBOXES 32	/* folders one email may be in */
#define LIM_DRAFTS_MAKING 64	/* drafts being made at once */
#define LIM_CONTENT_SECONDS 60	/* an asker waits; the body is fetched all the same */
#define LIM_CONTENT_WAITING 4096	/* askers that wait */
#define LIM_JOURNAL_WINDOW LIM_OP_BATCH	/* entries of one link at the server at once: one command does them all */
#define LIM_JOURNAL_APPENDS 4	/* of them messages to append */
#define LIM_JOURNAL_APPEND_BYTES (16 * 1024 * 1024)	/* their sizes together, if more than one */
#define LIM_JOURNAL_WAIT_SECONDS 300	/* between tries of a refused-for-now entry */
#define LIM_APPEND_AGAIN_SECONDS 60	/* a folder refused an append: before the next one there, then doubled */
#define LIM_APPEND_AGAIN_MOST 3600	/* and no longer than this, in seconds */
#define LIM_JOURNAL_GONE_SECONDS 5	/* for the sync to say where a message went */
#define LIM_EXPUNGE_ROUNDS 5	/* a message that stays although the server says it is expunged: waits before it is asked for again */
#define LIM_JOURNAL_GONE_TRIES 3	/* its message is not where it was: looks again */
#define LIM_QUERY_RESTARTS 3	/* when the state changes under it */
#define LIM_ALIKE 256	/* messages that cannot be told apart and are looked at for one whose copy a new UID is */
#define LIM_INDEXED_ADDRESSES 512	/* addresses of one message: more is no correspondence */
#define LIM_MATCH_ADDRESSES 512	/* addresses of one message looked at for a match */

/* The ATS's socket */
#define LIM_HTTP_HEAD (16 * 1024)	/* request line and headers together */
#define LIM_HTTP_LINE (8 * 1024)	/* request line: 414 beyond */
#define LIM_HTTP_HEADERS 64	/* 431 beyond */
#define LIM_HTTP_METHOD 16	/* a method: 400 beyond */
#define LIM_HTTP_CHUNK_LINE 128	/* size and extensions of one chunk */
#define LIM_HTTP_SEGMENTS 8	/* of a path */
#define LIM_HTTP_QUERY 8	/* parameters of a query */
#define LIM_HTTP_DECODED 2048	/* all decoded text of one target */
#define LIM_HTTP_INPUT (64 * 1024)	/* bytes of pipelined requests kept unread */
#define LIM_HTTP_LINGER_SECONDS 5	/* a refused client may still read why */
#define LIM_HTTP_HOST 300	/* the Host header */
#define LIM_CLIENT_IDS 256	/* cfg_ats carries at most 1024 bytes */
#define LIM_CLIENT_GROUPS 256	/* supplementary groups of a client; of one in more none is looked at */
#define LIM_DOWNLOADS 32	/* bodies under way to clients; each may map LIM_BODY */
#define LIM_EVENT_STREAMS 100	/* EventSource connections of one ATS */
#define LIM_EVENT_CHANGES 4096	/* (account, type) pairs in one event, which then leaves at once: half of what a slow reader may owe */
#define LIM_PING_MIN_SECONDS 1	/* shortest interval an ATS may ask for */
#define LIM_PING_MAX_SECONDS 3600	/* longest interval */
#define LIM_JSON_DEPTH 64	/* nesting of a request */
#define LIM_JMAP_POINTER 10000	/* items that one result reference may collect */
#define LIM_JMAP_UPLOAD (50 * 1024 * 1024)	/* RFC 8620 maxSizeUpload */
#define LIM_JMAP_UPLOADS 4	/* maxConcurrentUpload */
#define LIM_JMAP_REQUEST (1024 * 1024)	/* maxSizeRequest */
#define LIM_JMAP_REQUESTS 32	/* maxConcurrentRequests */
#define LIM_JMAP_CALLS 64	/* maxCallsInRequest */
#define LIM_JMAP_GET 500	/* maxObjectsInGet */
#define LIM_JMAP_SET 500	/* maxObjectsInSet */
#define LIM_JMAP_DELAY (60 * 24 * 3600)	/* RFC 8621 maxDelayedSend, seconds */
#define LIM_DRAFT_BYTES (8 * 1024 * 1024)	/* rec draft.parts */
#define LIM_DRAFT_DEPTH 16	/* of a bodyStructure */
#define LIM_DRAFT_PARTS 200	/* of one draft */
#define LIM_DRAFT_HEADER 2048	/* one further header line */
#define LIM_BODY_VALUES (32u * 1024 * 1024)	/* texts in one response */
#define LIM_STORE_REQUESTS (LIM_ATS_JOBS - LIM_CTL_CLIENTS)	/* requests of one ats-worker under way: the store takes them, and an admin's beside them */
#define LIM_SET_TOGETHER 64	/* emails of one /set under way at once: they share commits, and others wait for no more of them */
#define LIM_ROWS_CALL (32u * 1024 * 1024)	/* row bytes of one get */
#define LIM_ROWS_ALL (128u * 1024 * 1024)	/* row bytes held by all of them */
#define LIM_PROBE_STEPS 32	/* probe steps of one link_set */

/* The admin's socket */
#define LIM_CTL_CLIENTS 32	/* connections at once */
#define LIM_CTL_MONITORS 8	/* of these, connections that only follow what happens */
#define LIM_CTL_HELLO_SECONDS 5	/* from connect to hello */
#define LIM_CTL_IDLE_SECONDS 60	/* without a request */
#define LIM_CTL_BUSY_SECONDS 900	/* for one request: probes take minutes */
#define LIM_CTL_OUT (8u * 1024 * 1024)	/* answers a client has not read */
#define LIM_CTL_LINKS (4u * 1024 * 1024)	/* ids and addresses of one ATS */
#define LIM_CTL_PROVIDERS (LIM_CONF_PROVIDERS * (4096 + 4))	/* bytes of all records with their lengths */
#define LIM_CTL_RECORD (16 * 1024)	/* an encoded rec link, as in message link_set */
#define LIM_CTL_FRAME 40000	/* length, row number and fields */
#define LIM_SEALED (8 * 1024)	/* a sealed credential, as in message link_set */

/* Paces: how much at once, how often. Nothing is refused beyond them. */
#define LIM_AUDIT_SYNC_MS 500	/* from a line to its fdatasync */
#define LIM_AUDIT_TICK_SECONDS 60	/* counted summaries, a look at the file */
#define LIM_AUDIT_HEAD_SECONDS 3600	/* the chain's head goes to the ordinary log */
#define LIM_AUDIT_BUCKETS 16384	/* places in which parties are counted, picked by a keyed hash */
#define LIM_AUDIT_COUNT_SECONDS 60	/* that such counts are gathered before they are a line */
#define LIM_UNASKED 20	/* such rounds that one which sleeps is left asleep: five minutes, as long as LIM_PROOF_SECONDS */
#define LIM_WATCH_SECONDS 10	/* how often resolver files and the CA bundle are looked at */
#define LIM_IMAP_TICK_MS 5000	/* how often a waiting command is doubted */
#define LIM_PROGRESS_SECONDS 1	/* between two events about the progress of a link */
#define LIM_SYNCED_SECONDS 60	/* between two events that only say "still in step" */
#define LIM_RATE_SECONDS 10	/* a link's rate is that of these last seconds */
#define LIM_FRESH_TELL_SECONDS 60	/* between two words that a link is whole, where no round tells it */
#define LIM_WATCH_EVENTS 256	/* of one turn for posternctl monitor; more are counted */
#define LIM_RETURN_SECONDS 60	/* from the start of a store: links that run then come back by themselves, and queue behind those a person waits for */
#define LIM_HOUSEKEEPING_SECONDS 300	/* between two looks for what is too old */
#define LIM_HOUSEKEEPING_ROWS 4096	/* forgotten in one turn */
#define LIM_WINDOW_SWEEP_SECONDS 3600	/* between two looks for mail that fell out of the window */
#define LIM_CREDITS_TOGETHER 8	/* credits returned in one message, where they are released one by one; far fewer than LIM_CHAN_CREDITS */
#define LIM_COALESCE_MS 10	/* changes that follow each other make one event */
#define LIM_IMAP_BATCH 200		/* messages aimed at in one slice of a sync */
#define LIM_OPS_GATHER_MS 50	/* write-back waits so long for more of it, that goes in the same commands, */
#define LIM_OPS_GATHERED_MS 2000	/* and no longer than this, while it goes on coming */
#define LIM_SENT_POLL_SECONDS 30	/* second look at the Sent folder, where neither NOTIFY nor a second connection tells of it */
#define LIM_NEWS_MS 1000	/* a header promised by NOTIFY is waited for, then asked for */
#define LIM_NOTIFY_FOLDERS 100	/* folders in one NOTIFY; the others are polled: RFC 5465 s. 3.1 asks for few */
#define LIM_FOLDER_POLL_SECONDS 300	/* second look at all other synced folders */
#define LIM_RELIST_SECONDS 3600		/* LIST again: folders made by others */
#define LIM_RECONCILE_FIRST_SECONDS 600	/* the first of these listings after a start, with the next full look */
#define LIM_RECONCILE_SECONDS 86400	/* full UID listing although QRESYNC told everything */
#define LIM_SLICE_MESSAGES 4096	/* messages aimed at in one slice of a listing */
#define LIM_COPY_ROUNDS 4	/* chunks of one direction in one turn: fairness */
#define LIM_CHAN_TURN 64	/* messages handled per readiness event: fairness */
#define LIM_HTTP_ACCEPTS 16	/* connections accepted per readiness event */
#define LIM_CTL_ACCEPTS 8	/* connections taken in one turn */
#define LIM_CTL_PAGE 200	/* submissions asked for at once */
#define LIM_CTL_OUT_LOW (256u * 1024)	/* below this a request goes on */
#define LIM_GET_STEPS 2048	/* ids looked at in one turn */
#define LIM_QUERY_SLICE 4096	/* index rows in one turn */
#define LIM_BACKFILL_SLICE 64	/* messages looked at in one turn */
#define LIM_GATHER_MS 300	/* a commit of work that nobody waits for is put off so long */
#define LIM_GATHER_FIRST_MS 20	/* the first one so long, each further one twice as long: the newest page is seen soon */
#define LIM_GATHER_BYTES (8u * 1024 * 1024)	/* and until so much is written: who changes something then waits for it */
#define LIM_DB_SLICE 256	/* rows that one slice of long work touches */
#define LIM_ERASE_ROWS (16 * LIM_DB_SLICE)	/* rows erased in the turn of the request */
#define LIM_JOURNAL_SCAN 1024	/* entries looked at in one turn */
#define LIM_VALUES_WINDOW 8	/* texts asked for at once */
#define LIM_KEEP_TEXT (128 * 1024)	/* a larger buffer is given back after its response */
#define LIM_DNS_QUERY_MS 2000	/* before a name server is asked again, or the next one; doubled in the next round */
#define LIM_DIAL_NEXT_MS 250	/* before the next address is tried beside it, RFC 8305 s. 8 */
#define LIM_PAUSE_CONNECTIONS_MS 300000	/* after "too many connections": others of the user need their time to go */
#define LIM_WATCH_REFUSED_MS 3600000	/* before a second connection that was refused is asked for again */
#define LIM_WATCH_BLAME_MS 5000	/* a first connection lost so soon after the second came may be lost by it, */
#define LIM_WATCH_BLAMES 2	/* and is, when it happens so often in a row: two were too many */
#define LIM_WATCH_SPREAD_MS 5000	/* a second connection waits up to so long for a host where others wait for logins */
#define LIM_PAUSE_THROTTLED_MS 60000	/* after "throttled", if the server does not say how long */
#define LIM_PAUSE_MAX_MS 3600000	/* what a server may ask for, and the pause when the day's volume is used */
#define LIM_NOOP_MS 30000	/* without IDLE */
#define LIM_QUEUE_SLEEP_SECONDS 60	/* the clock may have been set meanwhile */
#define LIM_WANTS_AGAIN_SECONDS 5	/* bodies that could not be asked for are looked at again */
#define LIM_BODIES_NOW 16	/* places among LIM_BODIES_ASKED that old mail leaves free */
#define LIM_BODY_BATCH LIM_BODIES_ASKED	/* bodies that are looked at together: all the store asks for at a time */
#define LIM_BODY_GROUP 16	/* of them in one FETCH */
#define LIM_BODY_GROUP_BYTES (512u * 1024)	/* the same, if more than one: what is urgent waits behind no more */
#define LIM_BODY_IN_FLIGHT 4	/* such commands at once */
#define LIM_FIRST_BODIES 200	/* bodies of old mail that go before the headers of older mail: the first page is whole at once */
#define LIM_SLICES_IN_FLIGHT 3	/* slices asked for at once */
#define LIM_REACH 12	/* commands more than these two, for a distant server: they bring some MB in a round trip */
#define LIM_MIME_LINGER_SECONDS 2	/* a batch waits this long for its link's next message */
#define LIM_COMMAND_TEXT 2048	/* one formatted piece; names and flags go elsewhere */
#define LIM_OVERDUE_SECONDS 5	/* what could not start is looked at again */
#define LIM_START_PAUSE_MS 1000	/* before a worker that was ordered too fast is looked at again */
#define LIM_ROTATE_PAUSE_MS 200	/* between two counts of the records while a key is renewed */
#define LIM_MIME_WINDOW LIM_CHAN_CREDITS	/* parse jobs in flight to one worker: it has work while the store commits */
#define LIM_MIME_WINDOW_BYTES (2u * 1024 * 1024)	/* of them, if more than one */
#define LIM_MIME_STRETCH (64 * 1024)	/* bytes a mime-worker parses before it looks for more messages */

#endif
