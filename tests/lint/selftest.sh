#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The lint tests find what they are for: every mistake is planted once in a copy of the tree, and the
# test that should see it must fail and say so. Before that it must not have said so.
#   selftest.sh ROOT LIBRARY.a...     the libraries are those that dataplane_symbols.py gets
set -uo pipefail
root=$1
shift
libraries=("$@")
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
copy=$work/copy
mkdir "$copy" || exit 1
"$root/tests/lint/list_files.sh" "$root" . | grep -Ev '^tests/(captures|fuzz/seeds)/' |
	tar -C "$root" -cf - -T - | tar -C "$copy" -xf - || exit 1
lint=$copy/tests/lint
spdx='/* SPDX-License-Identifier: BSD-3-Clause */'
archive='' # one more library for dataplane_symbols.py
planted=0
wrong=0

# Run a lint test on the copy: its output, then its exit code on a line of its own.
run() { # LINT
	case $1 in
	dataplane_symbols.py) set -- "$1" "${libraries[@]}" ${archive:+"$archive"} ;;
	docs_fresh.sh) set -- "$1" "$work/jabiru" ;;
	dashboard_fresh.sh) set -- "$1" "$work/jabiru_json" ;;
	captures_fresh.sh) set -- "$1" "$work/make_captures" ;;
	esac
	"$lint/$1" "$copy" "${@:2}" 2>&1
	echo "exit $?"
}

# What a lint test says of the copy with nothing planted, run once.
declare -A unplanted=()
before() { # LINT
	[ -n "${unplanted[$1]:-}" ] || unplanted[$1]=$(run "$1")
}

report() { # LINT WHAT BEFORE AFTER EXPECTED
	planted=$((planted + 1))
	case ${4##*exit } in
	77)
		echo "not shown, $1 has no tool: $2"
		return
		;;
	0) ;;
	*)
		if grep -Eq -- "$5" <<<"$4" && ! grep -Eq -- "$5" <<<"$3"; then
			echo "found by $1: $2"
			return
		fi
		;;
	esac
	wrong=$((wrong + 1))
	printf 'NOT FOUND by %s: %s\nexpected: %s\nit said:\n%s\n' "$1" "$2" "$5" "$4"
}

# Write files into the copy (with the licence line, unless the text starts with one or with #!), see
# that the lint test complains, and take them away again.
plant() { # LINT WHAT EXPECTED FILE TEXT [FILE TEXT]...
	local name=$1 what=$2 expected=$3 after file
	shift 3
	before "$name"
	local files=()
	while [ $# -gt 1 ]; do
		file=$copy/$1
		[ -e "$file" ] && cp -p "$file" "$file.before"
		printf '%s\n' "$2" >"$file"
		files+=("$file")
		shift 2
	done
	after=$(run "$name")
	for file in "${files[@]}"; do
		rm "$file"
		if [ -e "$file.before" ]; then mv "$file.before" "$file"; fi
	done
	report "$name" "$what" "${unplanted[$name]}" "$after" "$expected"
}

function_of() { # LINES: a function of that many lines
	echo 'int planted(int a)'
	echo '{'
	for ((i = 4; i < $1; i++)); do echo '	a++;'; done
	echo '	return a;'
	echo '}'
}

# --- rooms -------------------------------------------------------------------------------------------
plant includes.py 'a lower room uses a higher one' 'planted.c:2: .*lib/tcp may not use that room' \
	lib/tcp/planted.c "$spdx"$'\n#include "jbr_flow.h"'
plant includes.py 'a room includes the app' 'planted.c:1: "capture.h" is neither' \
	lib/base/planted.c '#include "capture.h"'
plant includes.py 'a private header of another room' 'planted.c:1: "private.h" is neither' \
	lib/flow/planted.c '#include "private.h"' lib/tcp/private.h "$spdx"
plant includes.py 'an include with a folder' 'planted.c:1: .*names no folder' \
	lib/stats/planted.c '#include "../base/jbr_base.h"'
plant includes.py 'a source that includes a source' 'planted.c:1: .*source file is not included' \
	lib/stats/planted.c '#include "stats.c"'
plant includes.py 'libyaml outside config' 'planted.c:1: <yaml.h> belongs to lib/config' \
	lib/stats/planted.c '#include <yaml.h>'
plant includes.py 'libhs outside match' 'planted.c:1: <hs/hs.h> belongs to lib/match' \
	lib/detect/planted.c '#include <hs/hs.h>'
plant includes.py 'DPDK in tcp' 'planted.c:1: <rte_common.h> belongs to' \
	lib/tcp/planted.c '#include <rte_common.h>'
plant includes.py 'EAL in a room' 'planted.c:1: <rte_ethdev.h> belongs to' \
	lib/packet/planted.c '#include <rte_ethdev.h>'
plant includes.py 'headers in a circle' 'headers include each other: lib/base/planted_a.h' \
	lib/base/planted_a.h '#include "planted_b.h"' lib/base/planted_b.h '#include "planted_a.h"'
plant includes.py 'a dependency beyond the table' 'lib/stats/meson.build:1: room stats may not use tcp' \
	lib/stats/meson.build "deps = ['base', 'tcp']"
plant includes.py 'a dependency that stands below' 'lib/base/meson.build:1: catalog does not stand above' \
	lib/base/meson.build "deps = ['catalog']"

# --- workers -----------------------------------------------------------------------------------------
if command -v gcc >/dev/null; then
	while IFS='|' read -r name call; do
		printf '%s\nvoid planted(void *p);\nvoid planted(void *p)\n{\n\t%s\n}\n' \
			"#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>
void jbr_buffer_append(void *buffer, const void *bytes, size_t length);" "$call" >"$work/planted_dp.c"
		rm -f "$work/planted.a"
		gcc -O1 -w -c -o "$work/planted_dp.c.o" "$work/planted_dp.c" &&
			ar -rc "$work/planted.a" "$work/planted_dp.c.o" || exit 1
		before dataplane_symbols.py
		after=$(archive=$work/planted.a run dataplane_symbols.py)
		report dataplane_symbols.py "a worker calls $name" "${unplanted[dataplane_symbols.py]}" "$after" \
			"planted_dp.c: a worker may not call $name"
	done <<-'CALLS'
		malloc|*(void **)p = malloc(9);
		free|free(p);
		printf|printf("%p", p);
		pthread_mutex_lock|pthread_mutex_lock(p);
		clock_gettime|clock_gettime(CLOCK_MONOTONIC, p);
		write|write(1, p, 1);
		usleep|usleep(1);
		syslog|syslog(1, "%p", p);
		jbr_buffer_append|jbr_buffer_append(p, p, 1);
	CALLS
fi
plant dataplane_symbols.py 'a worker file that no library holds' 'lib/base/planted_dp.c: none of the libraries' \
	lib/base/planted_dp.c "$spdx"

# --- headers -----------------------------------------------------------------------------------------
for compiler in gcc clang; do
	command -v $compiler >/dev/null || continue
	plant headers_alone.py 'a header that leans on another' "planted.h: .*alone with $compiler" \
		lib/base/planted.h $'#pragma once\nstatic inline uint64_t\nplanted(void)\n{\n\treturn 0;\n}'
done
plant headers_alone.py 'a header without a guard' 'planted.h: does not compile alone' \
	app/sensor/planted.h 'struct planted { int a; };'
plant documented.py 'a prototype without a comment' 'planted.h:2: planted\(\) has no comment' \
	app/sensor/planted.h $'#pragma once\nint planted(void);'
plant documented.py 'a comment that stands apart' 'planted.h:3: planted\(\) has no comment' \
	app/sensor/planted.h $'/** Far away. */\n\nint planted(int (*call)(void),\n\tint b);'

# --- sizes -------------------------------------------------------------------------------------------
plant size_budget.py 'a long function' 'planted.c:1: planted\(\) has 101 lines' \
	lib/base/planted.c "$(function_of 101)"
plant size_budget.py 'a long function with an empty reason' 'planted.c:2: planted\(\) has 101 lines' \
	lib/base/planted.c "/* long: */"$'\n'"$(function_of 101)"
plant size_budget.py 'a long function on a worker' 'planted_dp.c:1: planted\(\) has 61 lines, budget 60' \
	lib/base/planted_dp.c "$(function_of 61)"
plant size_budget.py 'too many parameters' 'planted\(\) has 6 parameters' \
	lib/base/planted.c 'int planted(int a, int b, int c, int d, int (*e)(int, int), int f) { return a; }'
plant size_budget.py 'a long file' 'planted.c: 601 lines' \
	lib/base/planted.c "$(for ((i = 0; i < 601; i++)); do echo "extern int planted_$i;"; done)"
many=()
for ((n = 0; n < 200; n++)); do
	many+=("lib/base/planted_$n.c" "$(function_of 61)")
done
plant size_budget.py 'too many functions that are rather long' '95 of 100 functions have up to 61 lines' \
	"${many[@]}"
unset many

# --- pages, form, licence, places -------------------------------------------------------------------------
mkdir -p "$copy/docs" "$copy/config"
echo 'page' | tee "$copy/docs/anomalies.md" >"$copy/config/jabiru.yaml"
printf '#!/bin/sh\necho page\n' >"$work/jabiru"
chmod +x "$work/jabiru"
plant docs_fresh.sh 'a stale page' 'docs/anomalies.md is stale' docs/anomalies.md 'old page'
plant docs_fresh.sh 'a stale sample configuration' 'config/jabiru.yaml is stale' config/jabiru.yaml ''
printf '#!/bin/sh\necho %s\n' "'{\"metrics\": []}'" >"$work/jabiru_json"
chmod +x "$work/jabiru_json"
"$work/jabiru_json" | "$copy/config/grafana/make_dashboard.py" >"$copy/config/grafana/jabiru.json"
plant dashboard_fresh.sh 'a stale dashboard' 'config/grafana/jabiru.json is stale' config/grafana/jabiru.json '{}'
mkdir -p "$copy/tests/captures"
echo 'capture' >"$copy/tests/captures/a.pcap"
# shellcheck disable=SC2016 # the $1 is that of the script written here
printf '#!/bin/sh\necho capture >"$1/a.pcap"\n' >"$work/make_captures"
chmod +x "$work/make_captures"
plant captures_fresh.sh 'a stale capture' 'tests/captures is stale' tests/captures/a.pcap 'old capture'
plant captures_fresh.sh 'a capture that nothing makes' 'Only in .*tests/captures: b.pcap' \
	tests/captures/b.pcap 'capture'
plant format.sh 'a line that is not formatted' 'planted.c:2:.*clang-formatted' \
	lib/base/planted.c "$spdx"$'\nint  planted;'
plant spdx.py 'a source without a licence' 'lib/base/planted.c: no SPDX' lib/base/planted.c 'int planted;'
plant spdx.py 'a script without an ending' 'tests/planted: no SPDX' tests/planted $'#!/bin/sh\ntrue'
plant words.sh 'a path of one machine' 'docs/planted.md:1:' docs/planted.md "see /""work/notes"
plant tests_listed.py 'a test that nothing runs' 'tests/unit/test_planted.c: not in tests/unit/meson.build' \
	tests/unit/test_planted.c "$spdx"
plant top_level.sh 'a new name at the top' '^planted.txt: not a name' planted.txt 'text'

# --- what the figures of a run are made of -------------------------------------------------------------------
results() { # WHAT EXPECTED LOG-TEXT
	local before after
	printf '{"name": "a", "result": "OK"}\n' >"$work/log"
	before=$("$copy/.ci/results" "$work/log" 2>&1; echo "exit $?")
	printf '%s' "$3" >"$work/log"
	after=$("$copy/.ci/results" "$work/log" 2>&1; echo "exit $?")
	report results "$1" "$before" "$after" "$2"
}
results 'a test that failed' '1 passed, 1 failed, 0 skipped' \
	$'{"name": "a", "result": "OK"}\n{"name": "b", "result": "FAIL"}\n'
results 'a test that hung' '0 passed, 1 failed, 0 skipped' '{"name": "b", "result": "TIMEOUT"}'
results 'nothing but skips' '0 passed, 0 failed, 1 skipped' '{"name": "b", "result": "SKIP"}'
results 'no test at all' '0 passed, 1 failed, 0 skipped' ''
results 'a broken log' '0 passed, 1 failed, 0 skipped' '{"name": '

echo "$((planted - wrong)) of $planted planted mistakes found"
[ "$wrong" -eq 0 ] && [ "$planted" -gt 0 ]
