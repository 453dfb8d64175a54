#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# C sources and headers are as clang-format 14 writes them (`make format`). The rows of .def files
# are laid out by hand and left alone.
#   format.sh ROOT         complain
#   format.sh ROOT --fix   rewrite
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$1"
if ! command -v clang-format-14 >/dev/null; then
	echo "SKIP: clang-format-14 is not installed"
	exit 77
fi
files=$("$here/list_files.sh" . '^(app|lib|tests)/.*\.[ch]$')
if [ -z "$files" ]; then
	echo "no C file was found: wrong directory?"
	exit 1
fi
if [ "${2:-}" = --fix ]; then
	printf '%s\n' "$files" | tr '\n' '\0' | xargs -0 clang-format-14 -i
else
	printf '%s\n' "$files" | tr '\n' '\0' | xargs -0 clang-format-14 --dry-run -Werror
fi
