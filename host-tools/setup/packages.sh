# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#
# The distribution's packages: only what is missing is installed.

export DEBIAN_FRONTEND=noninteractive

# packages_missing LISTFILE - the packages of the list that are not installed
packages_missing() {
	local wanted
	mapfile -t wanted < <(list_items "$1")
	# dpkg-query complains about names it never heard of; those are missing too.
	comm -23 <(printf '%s\n' "${wanted[@]}" | LC_ALL=C sort) \
		<(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null |
			awk '$1 == "installed" { print $2 }' | LC_ALL=C sort -u)
}

# packages_size PACKAGE... - how many packages apt would add and the download, in words
packages_size() {
	apt-get install -qq -y --no-install-recommends --print-uris "$@" |
		awk '{ sum += $3 } END { printf "%d packages with what they need, %.0f MB to download\n", NR, sum / 1e6 }'
}

# packages_refuse - say why apt knows no such package, as far as that can be told
packages_refuse() {
	fail "this distribution has no package: $*; Debian 12 or 13 does" \
		"apt-get update, or use a Debian 12 or 13 machine or container"
}

# packages_run LISTFILE
packages_run() {
	local missing unknown
	mapfile -t missing < <(packages_missing "$1")
	((${#missing[@]})) || return 0
	note "fetching the package lists of this distribution"
	as_root apt-get update -q
	unknown=$(comm -23 <(printf '%s\n' "${missing[@]}") \
		<(apt-cache pkgnames | LC_ALL=C sort -u) | tr '\n' ' ')
	[[ -z $unknown ]] || packages_refuse "$unknown"
	note "installing ${missing[*]}"
	note "$(packages_size "${missing[@]}")"
	as_root apt-get install -q -y --no-install-recommends "${missing[@]}"
}
