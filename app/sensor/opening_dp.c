/* SPDX-License-Identifier: BSD-3-Clause */
/* How a connection begins, as one cache line or as a record, and who has to go for it. */
#include "pipeline.h"

static void
begin(struct worker *worker, struct jbr_flow_shard *shard, struct jbr_flow flow,
	const struct jbr_tcp_input *input)
{
	worker->conn.hot.place = flow.line->hot.place;
	jbr_tcp_begin(&worker->conn, input);
	flow.line->hot = worker->conn.hot;
	flow.rest->cold = worker->conn.cold;
	jbr_flow_arm(shard, flow, lifecycle_deadline(worker, flow, NULL));
}

void
opening_evict(struct worker *worker, struct jbr_flow_shard *shard, struct jbr_flow victim,
	uint64_t now_ns)
{
	worker->counters.evictions[jbr_flow_class(shard, victim)]++;
	lifecycle_end(worker, shard, victim, JBR_END_EVICTED, now_ns);
	jbr_flow_prefetch_victim(shard);
}

struct jbr_flow
opening_make(struct worker *worker, struct jbr_flow_shard *shard,
	const struct jbr_flow_probe *probe, struct jbr_tcp_input *input)
{
	struct jbr_flow flow;

	/* there is a victim: proven connections never fill a shard, step() sees to it */
	if (jbr_flow_is_full(shard))
		opening_evict(worker, shard, jbr_flow_victim(shard), input->now_ns);
	flow = jbr_flow_insert(shard, probe);
	if (jbr_detect_is_quiet(probe->key.address, probe->key.port))
		flow.line->hot.place |= JBR_FLOW_QUIET;
	input->from = 0;
	begin(worker, shard, flow, input);
	return flow;
}

/* Something has followed the SYN of @p embryo, or it is to make room in the ring: the record that it
 * stands for. */
static struct jbr_flow
hatch(struct worker *worker, struct jbr_flow_shard *shard, struct jbr_flow_embryo *embryo,
	uint64_t now_ns)
{
	struct jbr_tcp_syn syn;
	struct jbr_flow flow;

	if (jbr_flow_is_full(shard))
		opening_evict(worker, shard, jbr_flow_victim(shard), now_ns);
	jbr_flow_embryo_syn(shard, embryo, &syn);
	flow = jbr_flow_hatch(shard, embryo);
	if (jbr_detect_is_quiet(flow.rest->key.address, flow.rest->key.port))
		flow.line->hot.place |= JBR_FLOW_QUIET;
	jbr_tcp_open(&syn, &flow.line->hot, &flow.rest->cold);
	jbr_flow_arm(shard, flow, lifecycle_deadline(worker, flow, NULL));
	return flow;
}

/* The connection of @p probe, if there is only an embryo of it so far and it is not due. */
struct jbr_flow
opening_find_embryo(struct worker *worker, struct jbr_flow_shard *shard,
	const struct jbr_flow_probe *probe, uint64_t now_ns)
{
	struct jbr_flow_embryo *embryo = jbr_flow_find_embryo(shard, probe);
	uint64_t deadline_ns;

	if (embryo == NULL)
		return (struct jbr_flow){0};
	deadline_ns = lifecycle_embryo_deadline(worker, embryo);
	if (deadline_ns > now_ns)
		return hatch(worker, shard, embryo, now_ns);
	lifecycle_end_embryo(worker, shard, embryo, JBR_END_TIMEOUT, deadline_ns);
	return (struct jbr_flow){0};
}

/* Nothing is known of the tuple of @p syn: remember no more of it than has to be.
 * @return it is done; false: it needs a record */
bool
opening_make_embryo(struct worker *worker, struct jbr_flow_shard *shard,
	const struct jbr_flow_probe *probe, const struct jbr_tcp_syn *syn)
{
	struct jbr_flow_embryo *old;

	if (!jbr_flow_takes_embryo(shard, probe, syn))
		return false;
	old = jbr_flow_embryo_in_way(shard);
	if (old != NULL && !jbr_flow_is_embryo_full(shard) && !jbr_flow_is_full(shard)) {
		hatch(worker, shard, old, syn->now_ns);
	} else if (old != NULL) {
		worker->counters.evictions[JBR_FLOW_UNANSWERED]++;
		lifecycle_end_embryo(worker, shard, old, JBR_END_EVICTED, syn->now_ns);
	}
	jbr_flow_add_embryo(shard, probe, syn);
	return true;
}

/* A SYN opens the tuple anew. The old numbers are remembered: a late SYN-ACK may answer them. */
struct jbr_flow
opening_reopen(struct worker *worker, struct jbr_flow_shard *shard,
	const struct jbr_flow_probe *probe, struct jbr_flow old, struct jbr_tcp_input *input)
{
	bool was_unanswered = old.line->hot.state == JBR_TCP_STATE_SYN_SENT;
	uint32_t isn = old.rest->cold.isn[0];
	uint32_t older = old.rest->cold.old_isn[0];
	uint8_t count = old.rest->cold.old_isn_count;
	struct jbr_flow flow;

	lifecycle_end(worker, shard, old, JBR_END_REUSE, input->now_ns);
	flow = opening_make(worker, shard, probe, input);
	if (was_unanswered) {
		flow.rest->cold.old_isn[0] = isn;
		flow.rest->cold.old_isn[1] = older;
		flow.rest->cold.old_isn_count = count < 2 ? (uint8_t)(count + 1) : 2;
	}
	return flow;
}

/* The SYN inside an established connection was answered: it had opened the tuple anew. */
struct jbr_flow
opening_split(struct worker *worker, struct jbr_flow_shard *shard,
	const struct jbr_flow_probe *probe, struct jbr_flow old, struct jbr_tcp_input *input)
{
	const struct jbr_tcp_ext *ext = jbr_flow_ext(shard, old);
	struct jbr_packet syn = {0};
	struct jbr_tcp_input first = {.packet = &syn};
	struct jbr_flow_probe syn_probe = *probe;
	struct jbr_tcp_result result;
	struct jbr_flow flow;

	syn.flags = JBR_TCP_SYN;
	syn.seq = ext->candidate_isn;
	syn.ip_version = input->packet->ip_version;
	syn.window = UINT16_MAX;
	syn.src_port = probe->key.port[probe->sender ^ 1];
	syn.dst_port = probe->key.port[probe->sender];
	first.now_ns = ext->candidate_ns;
	first.number = ext->candidate_number;
	syn_probe.sender ^= 1;
	old.line->hot.packets[ext->candidate_side]--; /* the SYN belongs to the new one */
	lifecycle_end(worker, shard, old, JBR_END_REUSE, input->now_ns);
	flow = opening_make(worker, shard, &syn_probe, &first);
	worker->conn.hot = flow.line->hot;
	worker->conn.cold = flow.rest->cold;
	worker->conn.has_ext = false;
	jbr_tcp_step(&worker->conn, &first, &result);
	flow.line->hot = worker->conn.hot;
	flow.rest->cold = worker->conn.cold;
	input->from = 1;
	return flow;
}
