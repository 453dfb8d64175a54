#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Every row of docs/performance.md by jabiru-bench, and the tables of it.
#   bench.sh JABIRU_BENCH [RESULTS]
# Results are written to RESULTS, one JSON object a line (default: a temporary file). SECONDS_EACH=5,
# ROUNDS=10 and FLOWS=1000000 (a second row has 10 times as many; LARGE=0 leaves it out) may be set.
# Nothing passes or fails here but what does not add up.
set -eu
if [ $# -lt 1 ] || [ $# -gt 2 ]; then
	sed -n 's/^#   /usage: /p' "$0" >&2
	exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
bench=$1
seconds=${SECONDS_EACH:-5}
rounds=${ROUNDS:-10}
flows=${FLOWS:-1000000}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
results=${2:-$folder/results}
: >"$results"

# what does not add up is said, and the rest goes on
status=0
row() {
	echo "jabiru-bench --scenario $*" >&2
	"$bench" --json --seconds "$seconds" --rounds "$rounds" --scenario "$@" >>"$results" || status=1
}

row syn_flood --flows "$flows"
row ack_uniform --flows 1000
row ack_uniform --flows 30000
row ack_uniform --flows "$flows"
[ "${LARGE:-1}" = 0 ] || row ack_uniform --flows "$((flows * 10))"
row ack_zipf --flows "$flows"
row ack_uniform6 --flows "$flows"
row imix --flows "$flows"
row mixed --flows "$flows"
[ "$(nproc)" -lt 2 ] || row ack_uniform --flows "$flows" --workers 2
python3 "$here/table.py" "$results"
exit $status
