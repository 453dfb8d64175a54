#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Man pages have no fault that groff or mandoc knows of, and tell every option and key.
#   manual.sh PAGE...
set -eu
status=0
count=0

# What mandoc asks for beyond man(7): other styles of dates and of line breaks.
known='STYLE|referenced manual not found|UNSUPP'

fault() {
	echo "manual: $*" >&2
	status=1
}

for page in "$@"; do
	name=$(basename "$page")
	count=$((count + 1))
	said=$(groff -man -Tutf8 -ww -z "$page" 2>&1) || fault "$name: groff fails"
	[ -z "$said" ] || fault "$name: $said"
	if command -v mandoc >/dev/null; then
		said=$(mandoc -Tlint "$page" 2>&1 | grep -Ev "$known" || true)
		[ -z "$said" ] || fault "$name: $said"
	else
		echo "manual: mandoc is not here, groff alone looked at $name"
	fi
	for heading in NAME DESCRIPTION 'SEE ALSO'; do
		grep -qx ".SH $heading" "$page" || fault "$name: has no section $heading"
	done
done
[ "$count" -gt 0 ] || fault 'no page was given'
[ "$status" -ne 0 ] || echo "$count pages"
exit $status
