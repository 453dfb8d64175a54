#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The pages that come out of the catalogue are what the program prints today.
#   docs_fresh.sh ROOT JABIRU
set -eu
root=$1
jabiru=$2
status=0

fresh() { # FORMAT PAGE
	if ! text=$("$jabiru" catalog --format "$1"; printf x); then
		echo "'jabiru catalog --format $1' failed"
		status=1
	elif [ "$text" = x ]; then
		echo "'jabiru catalog --format $1' printed nothing"
		status=1
	elif ! printf %s "${text%x}" | diff -u "$root/$2" -; then
		echo "$2 is stale: build/app/sensor/jabiru catalog --format $1 > $2"
		status=1
	fi
}

fresh md docs/anomalies.md
fresh yaml config/jabiru.yaml
exit $status
