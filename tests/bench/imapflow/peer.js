/*
 * ImapFlow as a peer: node peer.js HOST PORT CAFILE USER PASSWORD JOB [ARGUMENT]
 *
 * envelopes: uid, flags, size, date and envelope of all messages, to nothing.
 * bodies: all messages, to nothing.
 * resync MODSEQ: opens the inbox with QRESYNC and asks what changed since.
 * new UID: the same, with the source of what has a UID from UID on.
 * Prints a JSON object: seconds from before the connection until after the last answer, messages, bytes, modseq.
 */
import fs from "node:fs";
import { performance } from "node:perf_hooks";
import { ImapFlow } from "imapflow";

const [host, port, ca, user, pass, job, argument] = process.argv.slice(2);
const begin = performance.now();
const client = new ImapFlow({
	host,
	port: Number(port),
	secure: true,
	auth: { user, pass },
	tls: { ca: fs.readFileSync(ca) },
	logger: false,
	disableAutoIdle: true,
	disableCompression: true,
	qresync: true,
});
const queries = {
	envelopes: ["1:*", { uid: true, flags: true, size: true, internalDate: true, envelope: true }],
	bodies: ["1:*", { uid: true, flags: true, internalDate: true, source: true }],
	resync: ["1:*", { uid: true, flags: true }, { uid: true, changedSince: BigInt(argument ?? 1) }],
	new: [`${argument}:*`, { uid: true, flags: true, internalDate: true, source: true }, { uid: true }],
};
let messages = 0;
let bytes = 0;

await client.connect();
const box = await client.mailboxOpen("INBOX", { readOnly: true });
for await (const message of client.fetch(...queries[job])) {
	messages++;
	bytes += message.source ? message.source.length : 0;
}
const seconds = (performance.now() - begin) / 1000;
console.log(JSON.stringify({ seconds, messages, bytes, modseq: String(box.highestModseq ?? 0) }));
await client.logout();
process.exit(0);
