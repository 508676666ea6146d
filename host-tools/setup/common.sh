# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#
# What every stage of the set-up uses: where things are, how a refusal is said,
# and small helpers. Sourced by the launcher, which sets $top (the checkout).

cache=${SLUICE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sluice}

# fail SENTENCE [COMMAND] - end the stage; COMMAND is what the user can type to mend it
fail() {
	echo "sluice: $1" >&2
	if [[ -n ${2-} ]]; then
		echo "sluice: mend it with: $2" >&2
	fi
	exit 1
}

# note TEXT - a line of a stage's output that the user sees while it runs
note() {
	echo "» $*"
}

have() {
	command -v "$1" >/dev/null 2>&1
}

# as_root COMMAND... - run COMMAND as root; the launcher asked for the password already
as_root() {
	if ((EUID == 0)); then
		"$@"
	else
		sudo -n --preserve-env=DEBIAN_FRONTEND,http_proxy,https_proxy "$@"
	fi
}

# hash_text TEXT... - 16 hex digits that change with any argument
hash_text() {
	printf '%s\n' "$@" | sha256sum | cut -c1-16
}

# hash_files PATH... - 16 hex digits that change with the content or the name
# of any file below the paths, which are relative to the checkout
hash_files() {
	local existing=() path
	for path in "$@"; do
		[[ -e $top/$path ]] && existing+=("$path")
	done
	(
		cd "$top"
		find "${existing[@]}" -type f ! -name '*.pyc' -print0 | LC_ALL=C sort -z |
			xargs -0r sha256sum | sha256sum | cut -c1-16
	)
}

# list_items FILE - the lines of FILE without comments and blanks
list_items() {
	sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$1"
}

# sync_tree SRC DST - bring the files of SRC to DST, touching only what differs,
# so that a build over DST redoes only what changed. What an earlier call brought
# and SRC no longer has is removed; what a build made in DST stays.
sync_tree() {
	local src=$1 dst=$2 list=$2/.synced file
	mkdir -p "$dst"
	(cd "$src" && find . -type f ! -name '*.pyc' | LC_ALL=C sort) >"$list.new"
	while IFS= read -r file; do
		if ! cmp -s "$src/$file" "$dst/$file"; then
			mkdir -p "$(dirname "$dst/$file")"
			cp "$src/$file" "$dst/$file.sluice-new"
			mv -f "$dst/$file.sluice-new" "$dst/$file"
		fi
	done <"$list.new"
	if [[ -e $list ]]; then
		LC_ALL=C comm -23 "$list" "$list.new" | (cd "$dst" && xargs -r -d '\n' rm -f)
	fi
	mv -f "$list.new" "$list"
}

# publish TEMP FINAL - put a finished file or folder where its readers look.
# As root, since a folder may belong to root and then only root may move it.
publish() {
	if [[ -d $2 && ! -L $2 ]]; then
		as_root rm -rf "$2"
	fi
	as_root mv -fT "$1" "$2"
}

jobs_count() {
	nproc 2>/dev/null || echo 2
}
