/* SPDX-License-Identifier: BSD-3-Clause */
#include "digest.h"

static uint64_t
fold(uint64_t digest, uint64_t value)
{
	return jbr_mix64(digest ^ UINT64_C(0x9e3779b97f4a7c15),
		       value ^ UINT64_C(0xe7037ed1a0b428db)) +
		digest;
}

static uint64_t
fold_array(uint64_t digest, const uint64_t *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		digest = fold(digest, values[i]);
	return digest;
}

static uint64_t
fold_bytes(uint64_t digest, const void *bytes, size_t length)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < length; i += 8) {
		uint64_t word = 0;

		memcpy(&word, at + i, length - i < 8 ? length - i : 8);
		digest = fold(digest, word);
	}
	return digest;
}

static uint64_t
fold_tuple(uint64_t digest, const struct jbr_event_tuple *tuple)
{
	digest = fold_bytes(digest, tuple->src, sizeof(tuple->src));
	digest = fold_bytes(digest, tuple->dst, sizeof(tuple->dst));
	digest = fold(digest,
		(uint64_t)tuple->src_port << 48 | (uint64_t)tuple->dst_port << 32 |
			(uint64_t)tuple->vlan[0] << 16 | tuple->vlan[1]);
	return fold(digest, (uint64_t)tuple->tunnel << 8 | tuple->ip_version);
}

static uint64_t
fold_reset(uint64_t digest, const struct jbr_reset_record *reset)
{
	const uint64_t values[] = {reset->packet, reset->time_ns, reset->seq, reset->ack,
		reset->expected, reset->window_end, reset->flags, reset->window,
		reset->payload_length, reset->evidence, reset->ttl, reset->ttl_usual, reset->by,
		reset->cause, reset->is_expected_known};

	return fold_array(digest, values, JBR_COUNT_OF(values));
}

uint64_t
digest_record(const struct jbr_flow_record *record)
{
	const uint64_t values[] = {record->order_ns, record->first_packet, record->last_packet,
		record->start_ns, record->end_ns, record->rtt_server_ns, record->rtt_client_ns,
		record->resets_count, record->trust, record->conn_state, record->outcome,
		record->end_reason, record->state};
	uint64_t digest = fold_tuple(0, &record->tuple);

	digest = fold_array(digest, values, JBR_COUNT_OF(values));
	for (unsigned side = 0; side < JBR_SIDES; side++) {
		const uint64_t sides[] = {record->packets[side], record->bytes[side],
			record->payload[side], record->retransmitted[side], record->missing[side],
			record->zero_window_ns[side], record->mss[side], record->wscale[side]};

		digest = fold_array(digest, sides, JBR_COUNT_OF(sides));
	}
	for (unsigned i = 0; i < JBR_RECORD_RESETS_MAX; i++)
		digest = fold_reset(digest, &record->resets[i]);
	digest = fold_array(digest, record->anomalies, JBR_COUNT_OF(record->anomalies));
	return fold_bytes(digest, record->history, sizeof(record->history));
}

uint64_t
digest_counters(const struct jbr_counters *counters)
{
	const uint64_t values[] = {counters->received, counters->received_bytes, counters->tcp,
		counters->duplicate, counters->resets_pending, counters->connections,
		counters->midstream, counters->one_way, counters->acks, counters->acks_unseen};
	uint64_t digest = fold_array(1, values, JBR_COUNT_OF(values));

	digest = fold_array(digest, counters->not_analysed, JBR_COUNT_OF(counters->not_analysed));
	digest = fold_array(digest, counters->evictions, JBR_COUNT_OF(counters->evictions));
	digest = fold_array(digest, counters->segments, JBR_COUNT_OF(counters->segments));
	digest = fold_array(digest, counters->anomalies, JBR_COUNT_OF(counters->anomalies));
	digest = fold_array(digest, counters->resets, JBR_COUNT_OF(counters->resets));
	digest = fold_array(digest, counters->outcomes, JBR_COUNT_OF(counters->outcomes));
	return fold_array(digest, counters->conn_states, JBR_COUNT_OF(counters->conn_states));
}
