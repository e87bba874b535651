/*
 * A store owned by an attacker, behind an ats-worker with ordinary clients:
 * the first byte chooses the question, what follows is what the store says. A
 * rule broken costs the store its channel; a client gets an answer or an error.
 */
#include "worker.h"
#include "../hostile.h"
#include "jmap_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define ATS "\"accountId\":\"ats\""
#define L1 "\"accountId\":\"L1\""

static const char *const calls[] = {
	"[\"Email/get\",{" L1 ",\"ids\":[\"E1\",\"E2\"],\"fetchAllBodyValues\":true},\"a\"]",
	"[\"Email/get\",{" L1 ",\"ids\":[\"E1\"],\"properties\":[\"bodyStructure\",\"header:From:asAddresses\","
	"\"header:List-Id:asRaw\",\"bodyValues\",\"preview\",\"references\"],\"fetchTextBodyValues\":true},\"a\"]",
	"[\"Mailbox/get\",{" L1 ",\"ids\":null},\"a\"],[\"Thread/get\",{" L1 ",\"ids\":[\"T1\"]},\"b\"]",
	"[\"Identity/get\",{" L1 ",\"ids\":null},\"a\"],[\"EmailSubmission/get\",{" L1 ",\"ids\":null},\"b\"]",
	"[\"Link/get\",{" ATS ",\"ids\":null},\"a\"],[\"Note/get\",{" ATS ",\"ids\":[\"N1\"]},\"b\"]",
	"[\"Correspondent/get\",{" ATS ",\"ids\":[\"C1\"]},\"a\"],[\"Review/get\",{" ATS ",\"ids\":[\"R1\"]},\"b\"]",
	"[\"Email/query\",{" L1 ",\"calculateTotal\":true},\"a\"],"
	"[\"Email/get\",{" L1 ",\"#ids\":{\"resultOf\":\"a\",\"name\":\"Email/query\",\"path\":\"/ids\"}},\"b\"]",
	"[\"Mailbox/query\",{" L1 ",\"sort\":[{\"property\":\"name\"}]},\"a\"],[\"Note/query\",{" ATS "},\"b\"]",
	"[\"Email/changes\",{" L1 ",\"sinceState\":\"abc-1\"},\"a\"],[\"Link/changes\",{" ATS ",\"sinceState\":\"abc-1\"},\"b\"]",
	"[\"Email/set\",{" L1 ",\"create\":{\"d\":{\"mailboxIds\":{\"M1\":true},\"subject\":\"x\","
	"\"bodyValues\":{\"1\":{\"value\":\"v\"}},\"textBody\":[{\"partId\":\"1\",\"type\":\"text/plain\"}]}},"
	"\"update\":{\"E1\":{\"keywords/$seen\":true}},\"destroy\":[\"E2\"]},\"a\"]",
	"[\"EmailSubmission/set\",{" L1 ",\"create\":{\"s\":{\"emailId\":\"E1\",\"identityId\":\"I1\"}},"
	"\"onSuccessDestroyEmail\":[\"#s\"]},\"a\"]",
	"[\"Link/set\",{" ATS ",\"update\":{\"L1\":{\"paused\":true}},\"destroy\":[\"L2\"]},\"a\"]",
	"[\"Link/test\",{" ATS ",\"ids\":[\"L1\"]},\"a\"]",
	"[\"Correspondent/set\",{" ATS ",\"create\":{\"k\":{\"kind\":\"client\",\"name\":\"K\"}},\"update\":{\"C1\":"
	"{\"name\":\"x\"}}},\"a\"],[\"Review/set\",{" ATS ",\"update\":{\"R1\":{\"resolution\":\"discard\"}}},\"b\"]",
};

static const char *const gets[] = {
	"GET /jmap/download/L1/B11/x?accept=text/plain HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /jmap/download/L1/P1-2/x HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /jmap/session HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /jmap/eventsource/?types=*&closeafter=no&ping=0 HTTP/1.1\r\nHost: x\r\n\r\n",
	"POST /jmap/upload/L1/ HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
};
#define N_CALLS (sizeof(calls) / sizeof(calls[0]))
#define N_GETS (sizeof(gets) / sizeof(gets[0]))

static struct chan *evil;

static void
evil_store(void)
{
	static const struct chan_peer to_store = { .role = ROLE_STORE };
	int fd;

	evil = hostile_new(ROLE_STORE, ROLE_ATS, &fd);
	store_client_attach(loop_chan(fd, &to_store, &store_client_ops, NULL));
}

static void
let(int n)
{
	turn(n);
	hostile_turn(evil);
	hostile_turn(hostile_master(ROLE_ATS));
	turn(n);
}

/* One link, as an honest store tells it: the account exists. */
static void
tell_accounts(void)
{
	struct wbuf w = { .max = 0 };
	uint32_t req = (uint32_t)feed_heard;

	make_link(&w, 1);
	(void)send_row(evil, &(struct msg_row){ .req = req, .type = OBJ_LINK, .id = 1, .data = wbuf_slice(&w) }, -1);
	(void)send_get_done(evil, &(struct msg_get_done){ .req = req, .epoch = FAKE_EPOCH, .state = 7 });
	wbuf_free(&w);
	let(2);
}

static int
ask(uint8_t which)
{
	char body[4096], request[8192];
	int fd = client_connect(), n = snprintf(body, sizeof(body), "{\"using\":" USING ",\"methodCalls\":[%s]}",
	    calls[which % N_CALLS]);

	if (which % (N_CALLS + N_GETS) >= N_CALLS)
		(void)snprintf(request, sizeof(request), "%s", gets[which % (N_CALLS + N_GETS) - N_CALLS]);
	else
		(void)snprintf(request, sizeof(request), "POST /jmap/api HTTP/1.1\r\nHost: x\r\n"
		    "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", n, body);
	check(send(fd, request, strlen(request), MSG_DONTWAIT) == (ssize_t)strlen(request));
	let(3);
	return fd;
}

static void
drain(int fd)
{
	char sink[65536];

	while (recv(fd, sink, sizeof(sink), MSG_DONTWAIT) > 0)
		let(1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feed f = feed_start(data, size);
	uint8_t which = feed_byte(&f);
	int fd;

	(void)hostile_master(ROLE_ATS);
	fuzz_start();
	evil_store();
	let(2);
	accounts_dirty();
	fd = ask(which);
	if (which < 128)
		tell_accounts();
	for (int i = 0; i < 64 && f.n > 0; i++) {
		hostile_send(evil, ROLE_STORE, ROLE_ATS, &f);
		let(1);
		drain(fd);
	}
	chan_free(evil);
	evil = NULL;
	for (int i = 0; i < 4; i++)
		turn(1);
	drain(fd);
	close(fd);
	for (int i = 0; i < 1000 && http_server_count() > 0; i++)
		turn(1);
	check(http_server_count() == 0);
	return 0;
}
