#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Print the files of the project, one a line, as paths from its top: what git tracks or would track;
# in a tree without git, everything but build directories.
#   list_files.sh ROOT [REGEX]     only the paths that match the extended REGEX
set -eu
cd "$1"
if files=$(git ls-files --cached --others --exclude-standard 2>/dev/null) && [ -e .git ]; then
	# a file that was deleted but not yet committed is still listed
	printf '%s\n' "$files" | while IFS= read -r file; do
		if [ -e "$file" ] || [ -L "$file" ]; then printf '%s\n' "$file"; fi
	done
else
	find . -mindepth 1 \( -path './build*' -o -path ./.git -o -name __pycache__ \) -prune -o \
		! -type d -print | sed 's|^\./||'
fi | LC_ALL=C sort | { grep -E -- "${2:-.}" || [ $? -eq 1 ]; }
