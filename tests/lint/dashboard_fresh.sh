#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The Grafana dashboard is what its script makes of today's catalogue.
#   dashboard_fresh.sh ROOT JABIRU
set -eu
root=$1
jabiru=$2
page=config/grafana/jabiru.json
made=$(mktemp)
trap 'rm -f "$made"' EXIT

"$jabiru" catalog --format json | "$root/config/grafana/make_dashboard.py" >"$made"
if [ ! -s "$made" ]; then
	echo "make_dashboard.py printed nothing"
	exit 1
fi
if ! diff -u "$root/$page" "$made"; then
	echo "$page is stale: build/app/sensor/jabiru catalog --format json | ${page%/*}/make_dashboard.py > $page"
	exit 1
fi
