/* SPDX-License-Identifier: BSD-3-Clause */
#include "captures.h"

enum { SEC = 1000 };

/* A story's beginning: an open connection. */
static void
begin(struct builder_talk *talk, struct builder_trace *trace, uint64_t start_ns,
	unsigned server_port)
{
	captures_talk(talk, trace, start_ns, 30, CAPTURES_PORTS(41000 + server_port, server_port));
	builder_talk_open(talk);
}

/* The application closes with SO_LINGER 0 after its own last word. */
static void
app_abort(struct builder_trace *trace, uint64_t start_ns)
{
	struct builder_talk talk;

	begin(&talk, trace, start_ns, 8001);
	builder_talk_exchange(&talk, 120, 700);
	builder_talk_data(&talk, BUILDER_CLIENT, 40);
	builder_talk_ack(&talk, BUILDER_SERVER);
	builder_talk_wait_ms(&talk, 2 * SEC);
	builder_talk_rst(&talk, BUILDER_CLIENT);
}

static void
app_abort_unread(struct builder_trace *trace, uint64_t start_ns)
{
	struct builder_talk talk;

	begin(&talk, trace, start_ns, 8002);
	builder_talk_exchange(&talk, 120, 4200);
	builder_talk_wait_ms(&talk, 50);
	builder_talk_rst(&talk, BUILDER_CLIENT);
}

static void
client_abort_after_fin(struct builder_trace *trace, uint64_t start_ns)
{
	struct builder_talk talk;

	begin(&talk, trace, start_ns, 8003);
	builder_talk_exchange(&talk, 120, 700);
	talk.gap_ns = JBR_NS_PER_MS;
	builder_talk_fin(&talk, BUILDER_CLIENT);
	builder_talk_rst(&talk, BUILDER_CLIENT);
}

/* The client has closed; each further segment of the server draws a reset with its ACK number. */
static void
late_data(struct builder_trace *trace, uint64_t start_ns)
{
	struct builder_talk talk;

	begin(&talk, trace, start_ns, 8004);
	builder_talk_exchange(&talk, 120, 700);
	builder_talk_fin(&talk, BUILDER_CLIENT);
	builder_talk_ack(&talk, BUILDER_SERVER);
	builder_talk_wait_ms(&talk, 300);
	for (unsigned i = 0; i < 3; i++) {
		builder_talk_data(&talk, BUILDER_SERVER, 500);
		builder_talk_rst_answer(&talk, BUILDER_CLIENT, talk.ends[BUILDER_CLIENT].next);
	}
}

static void
retransmission_timeout(struct builder_trace *trace, uint64_t start_ns)
{
	struct builder_talk talk;

	begin(&talk, trace, start_ns, 8005);
	builder_talk_exchange(&talk, 120, 700);
	builder_talk_data(&talk, BUILDER_CLIENT, 300);
	for (unsigned wait_ms = 300; wait_ms <= 4800; wait_ms *= 2) {
		builder_talk_wait_ms(&talk, wait_ms);
		builder_talk_repeat(&talk, BUILDER_CLIENT);
	}
	builder_talk_wait_ms(&talk, 9600);
	builder_talk_rst(&talk, BUILDER_CLIENT);
}

static void
user_timeout(struct builder_trace *trace, uint64_t start_ns)
{
	struct builder_talk talk;

	begin(&talk, trace, start_ns, 8006);
	builder_talk_data(&talk, BUILDER_CLIENT, 300);
	builder_talk_wait_ms(&talk, 3 * SEC);
	builder_talk_repeat(&talk, BUILDER_CLIENT);
	builder_talk_wait_ms(&talk, 9 * SEC);
	builder_talk_rst(&talk, BUILDER_CLIENT);
}

static void
keepalive_failure(struct builder_trace *trace, uint64_t start_ns)
{
	struct builder_talk talk;

	begin(&talk, trace, start_ns, 8007);
	builder_talk_exchange(&talk, 120, 700);
	builder_talk_wait_ms(&talk, 20 * SEC);
	for (unsigned i = 0; i < 6; i++) {
		builder_talk_keepalive(&talk, BUILDER_SERVER);
		builder_talk_wait_ms(&talk, 1 * SEC);
	}
	builder_talk_rst(&talk, BUILDER_SERVER);
}

/* The client's window stays closed, its kernel answers every probe, the server gives up. */
static void
persist_abort(struct builder_trace *trace, uint64_t start_ns)
{
	struct builder_talk talk;

	begin(&talk, trace, start_ns, 8008);
	builder_talk_exchange(&talk, 120, 2800);
	builder_talk_window(&talk, BUILDER_CLIENT, 0);
	for (unsigned wait_ms = 400; wait_ms <= 12800; wait_ms *= 2) {
		builder_talk_wait_ms(&talk, wait_ms);
		builder_talk_keepalive(&talk, BUILDER_SERVER);
		builder_talk_window(&talk, BUILDER_CLIENT, 0);
	}
	builder_talk_wait_ms(&talk, 10 * SEC);
	builder_talk_rst(&talk, BUILDER_SERVER);
}

/* Every port of a row is asked; an open one answers, and the scanner's kernel resets it. */
static void
syn_scan(struct builder_trace *trace, uint64_t start_ns)
{
	struct builder_talk talk;

	for (unsigned port = 20; port < 26; port++) {
		captures_talk(&talk, trace, start_ns + (port - 20) * 100 * JBR_NS_PER_MS, 66,
			CAPTURES_PORTS(61000, port));
		talk.ends[BUILDER_CLIENT].has_timestamp = false;
		talk.ends[BUILDER_CLIENT].wscale = 15;
		talk.ends[BUILDER_CLIENT].syn_window = 1024;
		builder_talk_syn(&talk);
		if (port == 22 || port == 25) {
			builder_talk_synack(&talk);
			builder_talk_rst_answer(&talk, BUILDER_CLIENT,
				talk.ends[BUILDER_CLIENT].next);
		} else {
			builder_talk_refuse(&talk);
		}
	}
}

static void
forge(struct builder_talk *talk, enum builder_side from, uint32_t seq, uint8_t ttl)
{
	builder_talk_send(talk, from,
		&(struct builder_segment){
			.flags = BUILDER_RST,
			.set = BUILDER_FOREIGN | BUILDER_SET_SEQ | BUILDER_SET_TTL |
				BUILDER_SET_IP_ID | BUILDER_SET_WINDOW | BUILDER_SET_OPTIONS,
			.seq = seq,
			.ttl = ttl,
			.ip_id = 0xbeef,
		});
}

/* Far outside the window: nothing happens and the connection goes on. */
static void
out_of_window(struct builder_trace *trace, uint64_t start_ns)
{
	struct builder_talk talk;

	begin(&talk, trace, start_ns, 8010);
	builder_talk_exchange(&talk, 120, 700);
	forge(&talk, BUILDER_SERVER, talk.ends[BUILDER_SERVER].next + 0x40000000, 64);
	builder_talk_exchange(&talk, 120, 700);
	builder_talk_close(&talk, BUILDER_CLIENT);
}

/* Inside the window but not exact: the client challenges it, the server goes on. */
static void
in_window(struct builder_trace *trace, uint64_t start_ns)
{
	struct builder_talk talk;

	begin(&talk, trace, start_ns, 8011);
	builder_talk_exchange(&talk, 120, 700);
	forge(&talk, BUILDER_SERVER, talk.ends[BUILDER_SERVER].next + 5000, 64);
	builder_talk_ack(&talk, BUILDER_CLIENT);
	builder_talk_wait_ms(&talk, 200);
	builder_talk_exchange(&talk, 120, 700);
	builder_talk_close(&talk, BUILDER_CLIENT);
}

/* Exact, with another TTL, and the real sender goes on as if nothing had happened. */
static void
injected(struct builder_trace *trace, uint64_t start_ns)
{
	struct builder_talk talk;

	begin(&talk, trace, start_ns, 8012);
	builder_talk_data(&talk, BUILDER_CLIENT, 200);
	forge(&talk, BUILDER_SERVER, talk.ends[BUILDER_SERVER].next, 51);
	forge(&talk, BUILDER_SERVER, talk.ends[BUILDER_SERVER].next + 1460, 51);
	builder_talk_wait_ms(&talk, 60);
	builder_talk_ack(&talk, BUILDER_SERVER);
	builder_talk_data(&talk, BUILDER_SERVER, 900);
	builder_talk_data(&talk, BUILDER_SERVER, 900);
}

/* A segment whose timestamp has run backwards. */
static void
paws(struct builder_trace *trace, uint64_t start_ns)
{
	struct builder_talk talk;

	begin(&talk, trace, start_ns, 8013);
	builder_talk_exchange(&talk, 120, 700);
	builder_talk_send(&talk, BUILDER_CLIENT,
		&(struct builder_segment){
			.flags = BUILDER_PSH | BUILDER_ACK,
			.length = 100,
			.set = BUILDER_SET_TIMESTAMP,
			.ts_value = talk.ends[BUILDER_CLIENT].ts_last - 1000000,
			.ts_echo = talk.ends[BUILDER_SERVER].ts_last,
		});
	builder_talk_rst_answer(&talk, BUILDER_SERVER, talk.ends[BUILDER_SERVER].next);
}

static void
malformed(struct builder_trace *trace, uint64_t start_ns)
{
	struct builder_talk talk;

	captures_talk(&talk, trace, start_ns, 66, CAPTURES_PORTS(61100, 8014));
	builder_talk_send(&talk, BUILDER_CLIENT,
		&(struct builder_segment){.flags = BUILDER_SYN | BUILDER_RST});
	builder_talk_send(&talk, BUILDER_CLIENT,
		&(struct builder_segment){.flags = BUILDER_FIN | BUILDER_RST | BUILDER_ACK});
}

/* The tap shows a reset twice, on its way into a router and on its way out. */
static void
tap_copy(struct builder_trace *trace, uint64_t start_ns)
{
	struct builder_talk talk;

	begin(&talk, trace, start_ns, 8015);
	builder_talk_exchange(&talk, 120, 700);
	builder_talk_rst(&talk, BUILDER_CLIENT);
	builder_talk_tap_copy(&talk, 40 * JBR_NS_PER_US, 1);
}

/* An old segment meets TIME-WAIT, its answer draws a reset. */
static void
time_wait_assassination(struct builder_trace *trace, uint64_t start_ns)
{
	struct builder_talk talk;
	uint32_t seq;

	begin(&talk, trace, start_ns, 8016);
	builder_talk_exchange(&talk, 120, 700);
	seq = talk.ends[BUILDER_SERVER].next;
	builder_talk_close(&talk, BUILDER_CLIENT);
	builder_talk_wait_ms(&talk, 2 * SEC);
	builder_talk_send(&talk, BUILDER_SERVER,
		&(struct builder_segment){.flags = BUILDER_PSH | BUILDER_ACK,
			.set = BUILDER_SET_SEQ,
			.seq = seq - 700,
			.length = 700});
	builder_talk_ack(&talk, BUILDER_CLIENT);
	builder_talk_rst_answer(&talk, BUILDER_SERVER, talk.ends[BUILDER_SERVER].next);
}

/* A load balancer looks every ten seconds whether the service is up. */
static void
health_check(struct builder_trace *trace, uint64_t start_ns)
{
	struct builder_talk talk;

	for (unsigned i = 0; i < 4; i++) {
		captures_talk(&talk, trace, start_ns + i * 10 * JBR_NS_PER_S, 5,
			CAPTURES_PORTS(45000 + i, 8017));
		builder_talk_open(&talk);
		builder_talk_rst(&talk, BUILDER_CLIENT);
	}
}

static void
accept_overflow(struct builder_trace *trace, uint64_t start_ns)
{
	struct builder_talk talk;

	begin(&talk, trace, start_ns, 8018);
	builder_talk_rst_answer(&talk, BUILDER_SERVER, talk.ends[BUILDER_SERVER].next);
}

/* The server had dropped its half of the handshake: the client's ACK names another number. */
static void
bad_cookie(struct builder_trace *trace, uint64_t start_ns)
{
	struct builder_talk talk;
	uint32_t stale;

	captures_talk(&talk, trace, start_ns, 30, CAPTURES_PORTS(49019, 8019));
	builder_talk_syn(&talk);
	builder_talk_synack(&talk);
	stale = talk.ends[BUILDER_SERVER].next - 77777;
	builder_talk_send(&talk, BUILDER_CLIENT,
		&(struct builder_segment){.flags = BUILDER_ACK,
			.set = BUILDER_SET_ACK,
			.ack = stale});
	builder_talk_rst_answer(&talk, BUILDER_SERVER, stale);
}

/* Answers to connections nobody here asked for, and what they draw. */
static void
stray(struct builder_trace *trace, uint64_t start_ns)
{
	struct builder_talk talk;

	captures_talk(&talk, trace, start_ns, 77, CAPTURES_PORTS(42020, 8020));
	talk.ends[BUILDER_CLIENT].next++;
	builder_talk_synack(&talk);
	builder_talk_rst_answer(&talk, BUILDER_CLIENT, talk.ends[BUILDER_CLIENT].next);
	captures_talk(&talk, trace, start_ns + JBR_NS_PER_S, 77, CAPTURES_PORTS(42021, 8021));
	talk.ends[BUILDER_SERVER].next += 1000;
	builder_talk_ack(&talk, BUILDER_CLIENT);
	builder_talk_rst_answer(&talk, BUILDER_SERVER, talk.ends[BUILDER_SERVER].next);
	captures_talk(&talk, trace, start_ns + 2 * JBR_NS_PER_S, 77, CAPTURES_PORTS(42022, 8022));
	builder_talk_rst(&talk, BUILDER_SERVER);
}

/* The server still holds an older connection of the tuple. */
static void
port_reuse(struct builder_trace *trace, uint64_t start_ns)
{
	struct builder_talk talk;
	uint32_t old = 0x11223344;

	captures_talk(&talk, trace, start_ns, 30, CAPTURES_PORTS(49033, 8033));
	builder_talk_syn(&talk);
	builder_talk_send(&talk, BUILDER_SERVER,
		&(struct builder_segment){.flags = BUILDER_ACK,
			.set = BUILDER_SET_ACK | BUILDER_FOREIGN,
			.ack = old});
	builder_talk_rst_answer(&talk, BUILDER_CLIENT, old);
	builder_talk_wait_ms(&talk, 1 * SEC);
	builder_talk_repeat(&talk, BUILDER_CLIENT);
	builder_talk_synack(&talk);
	builder_talk_ack(&talk, BUILDER_CLIENT);
	builder_talk_exchange(&talk, 120, 700);
	builder_talk_close(&talk, BUILDER_CLIENT);
}

/* A scrubber answers with a wrong number first; only a real client resets it and comes again. */
static void
safe_reset(struct builder_trace *trace, uint64_t start_ns)
{
	struct builder_talk talk;
	uint32_t wrong = 0x55667788;

	captures_talk(&talk, trace, start_ns, 30, CAPTURES_PORTS(49024, 8024));
	builder_talk_syn(&talk);
	builder_talk_send(&talk, BUILDER_SERVER,
		&(struct builder_segment){.flags = BUILDER_SYN | BUILDER_ACK,
			.set = BUILDER_SET_ACK | BUILDER_FOREIGN,
			.ack = wrong});
	builder_talk_rst_answer(&talk, BUILDER_CLIENT, wrong);
	builder_talk_wait_ms(&talk, 1 * SEC);
	builder_talk_repeat(&talk, BUILDER_CLIENT);
	builder_talk_synack(&talk);
	builder_talk_ack(&talk, BUILDER_CLIENT);
	builder_talk_exchange(&talk, 120, 700);
	builder_talk_close(&talk, BUILDER_CLIENT);
}

/* A path that resets SYNs asking for ECN. */
static void
ecn_intolerance(struct builder_trace *trace, uint64_t start_ns)
{
	struct builder_talk talk;

	captures_talk(&talk, trace, start_ns, 30, CAPTURES_PORTS(49025, 8025));
	builder_talk_send(&talk, BUILDER_CLIENT,
		&(struct builder_segment){.flags = BUILDER_SYN | BUILDER_ECE | BUILDER_CWR});
	builder_talk_refuse(&talk);
	builder_talk_wait_ms(&talk, 1 * SEC);
	talk.ends[BUILDER_CLIENT].next = talk.ends[BUILDER_CLIENT].isn;
	builder_talk_open(&talk);
	builder_talk_exchange(&talk, 120, 700);
	builder_talk_close(&talk, BUILDER_CLIENT);
}

/* The client has restarted and uses the port again: challenge, reset. */
static void
syn_in_established(struct builder_trace *trace, uint64_t start_ns)
{
	struct builder_talk talk;

	begin(&talk, trace, start_ns, 8026);
	builder_talk_exchange(&talk, 120, 700);
	builder_talk_wait_ms(&talk, 10 * SEC);
	builder_talk_send(&talk, BUILDER_CLIENT,
		&(struct builder_segment){.flags = BUILDER_SYN,
			.set = BUILDER_SET_SEQ | BUILDER_FOREIGN,
			.seq = 0x01020304});
	builder_talk_ack(&talk, BUILDER_SERVER);
	builder_talk_rst_answer(&talk, BUILDER_CLIENT, talk.ends[BUILDER_CLIENT].next);
}

static void
mptcp(struct builder_trace *trace, uint64_t start_ns)
{
	struct builder_options options = {0};
	struct builder_talk talk;

	begin(&talk, trace, start_ns, 8027);
	builder_talk_exchange(&talk, 120, 700);
	builder_option_mptcp(&options, 8, 4);
	builder_talk_send(&talk, BUILDER_CLIENT,
		&(struct builder_segment){.flags = BUILDER_RST | BUILDER_ACK,
			.set = BUILDER_SET_OPTIONS,
			.options = &options});
}

static void
rst_with_text(struct builder_trace *trace, uint64_t start_ns)
{
	static const char text[] = "Go away, we're not home";
	struct builder_talk talk;

	begin(&talk, trace, start_ns, 8028);
	builder_talk_data(&talk, BUILDER_CLIENT, 80);
	builder_talk_send(&talk, BUILDER_SERVER,
		&(struct builder_segment){.flags = BUILDER_RST | BUILDER_ACK,
			.payload = text,
			.length = sizeof(text) - 1});
}

void
captures_resets(struct builder_trace *trace)
{
	static const struct captures_scene scenes[] = {
		{app_abort, 50},
		{app_abort_unread, 91},
		{client_abort_after_fin, 112},
		{late_data, 133},
		{retransmission_timeout, 154},
		{user_timeout, 175},
		{keepalive_failure, 196},
		{persist_abort, 217},
		{syn_scan, 438},
		{out_of_window, 479},
		{in_window, 500},
		{injected, 521},
		{paws, 602},
		{malformed, 623},
		{tap_copy, 644},
		{time_wait_assassination, 665},
		{health_check, 686},
		{accept_overflow, 707},
		{bad_cookie, 728},
		{stray, 749},
		{port_reuse, 810},
		{safe_reset, 831},
		{ecn_intolerance, 852},
		{syn_in_established, 873},
		{mptcp, 994},
		{rst_with_text, 1015},
	};

	for (size_t i = 0; i < JBR_COUNT_OF(scenes); i++)
		scenes[i].story(trace, CAPTURES_START + scenes[i].start_ds * 100 * JBR_NS_PER_MS);
}
