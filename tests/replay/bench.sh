#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# How fast a replay is: whole processes, from the start of the program to its report, on one CPU.
#   bench.sh JABIRU MAKE_LOAD [PACKETS...]     (1000000 10000000)
# RUNS=10 and CPU (the first allowed one) may be set in the environment, TMPDIR where there is room:
# a packet takes 95 bytes. Nothing passes or fails here.
set -euo pipefail
export LC_ALL=C
if [ $# -lt 2 ]; then
	sed -n 's/^#   /usage: /p' "$0" >&2
	exit 2
fi
jabiru=$1
make_load=$2
shift 2
if [ $# -eq 0 ]; then
	set -- 1000000 10000000
fi
runs=${RUNS:-10}
cpu=${CPU:-$(taskset -cp $$ | sed 's/.*: *//; s/[,-].*//')}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
TIMEFORMAT='%R %U'

# median, least and most of column $1 of the file $2, with $3 packets as a rate
spread() {
	sort -n -k"$1,$1" "$2" | awk -v column="$1" -v name="$4" -v packets="$3" '
		{ value[NR] = $column }
		END {
			median = NR % 2 ? value[(NR + 1) / 2] : (value[NR / 2] + value[NR / 2 + 1]) / 2
			printf "  %-8s median %8.3f s  min %8.3f s  max %8.3f s", name, median, value[1], value[NR]
			if (median > 0)
				printf "  %10.0f packets/s", packets / median
			printf "\n"
		}'
}

measure() {
	local capture=$folder/load.pcap

	"$make_load" "$capture" "$1"
	cat "$capture" >/dev/null # into the page cache
	echo "$1 packets, $(stat -c %s "$capture") bytes; $runs times:"
	echo "  taskset -c $cpu $jabiru replay --json load.pcap >/dev/null"
	taskset -c "$cpu" "$jabiru" replay --json "$capture" >/dev/null # not measured
	for _ in $(seq "$runs"); do
		{ time taskset -c "$cpu" "$jabiru" replay --json "$capture" >/dev/null; } 2>&1
	done >"$folder/times"
	spread 1 "$folder/times" "$1" wall
	spread 2 "$folder/times" "$1" user
	rm "$capture"
}

sed -n 's/^model name[^:]*: */CPU: /p' /proc/cpuinfo | head -1
"$jabiru" version
echo "load: $make_load load.pcap PACKETS (1000 connections at a time, 20 packets each)"
for packets in "$@"; do
	measure "$packets"
done
