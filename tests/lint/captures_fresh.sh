#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# tests/captures is what make_captures writes, no more and no less, and stays below 1 MiB.
#   captures_fresh.sh ROOT MAKE_CAPTURES
set -eu
folder=$1/tests/captures
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
"$2" "$fresh"
if ! diff -rq "$fresh" "$folder"; then
	echo "tests/captures is stale: run '$2 $folder', and remove what it does not write"
	exit 1
fi
bytes=$(find "$folder" -type f -exec cat {} + | wc -c)
if [ "$bytes" -ge 1048576 ]; then
	echo "tests/captures holds $bytes bytes, 1 MiB or more"
	exit 1
fi
