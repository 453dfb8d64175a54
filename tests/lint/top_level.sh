#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The top level of the project is fixed: a new thing has a place below it.
#   top_level.sh ROOT
set -eu
here=$(cd "$(dirname "$0")" && pwd)
allowed=" app lib config pktgen-scripts tests meson.build README.md \
 docs Makefile LICENSE CONTRIBUTING.md CHANGELOG.md .ci .clang-format .editorconfig .gitignore "
status=0
names=$("$here/list_files.sh" "$1" . | cut -d/ -f1 | sort -u)
if [ -z "$names" ]; then
	echo "no file was found: wrong directory?"
	exit 1
fi
for name in $names; do
	case $allowed in
	*" $name "*) ;;
	*)
		echo "$name: not a name of the top level"
		status=1
		;;
	esac
done
exit $status
