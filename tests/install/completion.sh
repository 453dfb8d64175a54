#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Source the completion of `jabiru` in bash and ask it, as readline would, for verbs, options, values and
# files.
#   completion.sh COMPLETION
set -u
shopt -u failglob nullglob
# shellcheck source=/dev/null
source "$1" || exit 1
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
touch 'one.pcap' 'one two.pcap' 'other.yaml'
mkdir sub
status=0
count=0

# ask EXPECTED WORD...: the last word is the one to complete; EXPECTED is what comes, sorted, with bars
ask() {
	local expected=$1 came
	shift
	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
	_jabiru
	came=$(((${#COMPREPLY[@]})) && printf '%s\n' "${COMPREPLY[@]}" | LC_ALL=C sort | paste -sd'|')
	count=$((count + 1))
	[ "$came" = "$expected" ] && return
	echo "completion: '$*' gives '$came', not '$expected'" >&2
	status=1
}

ask '--help|--version|catalog|check|doctor|help|replay|run|version' jabiru ''
ask 'replay|run' jabiru r
ask 'catalog|check' jabiru c
ask '' jabiru zz
ask 'catalog|check|doctor|help|replay|run|version' jabiru help ''
ask '--config|--help|--migrate' jabiru check --
ask '--config|--events|--flows|--help|--json|--loop|--publish|--speed|--workers' jabiru replay -
ask '--flows' jabiru replay --fl
ask 'json|md|table|yaml' jabiru catalog --format ''
ask 'md' jabiru catalog --format m
ask 'md' jabiru catalog --format = m
ask 'json|md|table|yaml' jabiru catalog --format =
ask '' jabiru catalog ''
ask 'one two.pcap|one.pcap|other.yaml|sub' jabiru replay ''
ask 'one two.pcap|one.pcap' jabiru replay other.yaml one
ask 'other.yaml' jabiru check -c ot
ask 'other.yaml' jabiru replay one.pcap --config ot
ask 'other.yaml' jabiru replay --config = ot
ask '' jabiru replay --workers ''
ask '' jabiru doctor o
[ "$status" -ne 0 ] || echo "$count questions"
exit $status
