#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# No file names a place that exists on one developer's machine only.
#   words.sh ROOT
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$1"
# one pattern a line; the brackets keep this file from matching itself
patterns='[/]work/
[.]library
[f]arm-'
files=$("$here/list_files.sh" . .)
if [ -z "$files" ]; then
	echo "no file was found: wrong directory?"
	exit 1
fi
if printf '%s\n' "$files" | tr '\n' '\0' | xargs -0 grep -InE -- "$patterns"; then
	echo "these lines name a place outside the project"
	exit 1
fi
