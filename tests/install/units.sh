#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# systemd's own tools have nothing to say against the units, the user and the directories.
#   units.sh CONFIG_FOLDER BUILT_UNIT...
set -u
config=$1
shift
for tool in systemd-analyze systemd-sysusers systemd-tmpfiles; do
	command -v "$tool" >/dev/null || {
		echo "SKIP: $tool is not installed (Debian: systemd)"
		exit 77
	}
done
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
status=0

fault() {
	echo "units: $*" >&2
	status=1
}

# The programs need not be installed here: any executable takes their place.
verify() { # UNIT DROP_IN...
	local unit name
	unit=$1
	name=$(basename "$unit" .in)
	shift
	rm -rf "$folder/units"
	mkdir -p "$folder/units/$name.d"
	sed -E 's,^(Exec[A-Za-z]*=)[^ ]*/jabiru[a-z-]*,\1/bin/true,' "$unit" >"$folder/units/$name"
	for drop_in in "$@"; do
		cp "$drop_in" "$folder/units/$name.d/"
	done
	said=$(systemd-analyze verify --man=no --recursive-errors=one "$folder/units/$name" 2>&1)
	code=$?
	# what it says of other units of this host is not ours
	said=$(printf '%s\n' "$said" | grep -F "$name" || true)
	[ "$code" -eq 0 ] && [ -z "$said" ] || fault "$name $*: exit $code: $said"
}

for unit in "$@"; do
	verify "$unit"
done
verify "$1" "$config/systemd/af_packet.conf"
verify "$1" "$config/systemd/vfio.conf"
# and this can fail
cp "$1" "$folder/jabiru.service"
echo 'Frobnicate=yes' >>"$folder/jabiru.service"
sed -i 's/^Type=notify$/Type=notifier/' "$folder/jabiru.service"
(verify "$folder/jabiru.service" 2>/dev/null && exit $status) && fault 'a mistake in a unit is not found'

root=$folder/root
mkdir -p "$root/etc" "$root/usr/lib/sysusers.d"
cp "$config/systemd/jabiru.sysusers" "$root/usr/lib/sysusers.d/jabiru.conf"
said=$(systemd-sysusers --dry-run "$PWD/$config/systemd/jabiru.sysusers" 2>&1) ||
	fault "sysusers: $said"
systemd-sysusers --root="$root" jabiru.conf 2>"$folder/said" ||
	fault "sysusers: $(cat "$folder/said")"
grep -q '^jabiru:x:[0-9]*:[0-9]*:jabiru TCP sensor:/var/lib/jabiru:' "$root/etc/passwd" ||
	fault 'sysusers made no user jabiru'
grep -q '^jabiru:x:' "$root/etc/group" || fault 'sysusers made no group jabiru'

if [ "$(id -u)" -eq 0 ]; then
	systemd-tmpfiles --root="$root" --create "$PWD/$config/systemd/jabiru.tmpfiles" \
		2>"$folder/said" || fault "tmpfiles: $(cat "$folder/said")"
	made=$(stat -c '%a %u' "$root/dev/shm/jabiru" 2>&1)
	user=$(awk -F: '$1 == "jabiru" {print $3}' "$root/etc/passwd")
	[ "$made" = "2750 $user" ] || fault "tmpfiles made '$made', not '2750 $user'"
else
	echo 'units: not root: systemd-tmpfiles was not asked to make the directory'
fi
[ "$status" -ne 0 ] || echo "$(($# + 2)) units, a user, a directory"
exit $status
