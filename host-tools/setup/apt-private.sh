# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#
# A private view of the Debian archive: the suites the set-up needs, on the
# mirror this machine already uses, with package lists of its own, so that the
# system's own sources stay as they are.

apt_dir=$cache/apt
apt_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# apt_mirror - the address of the Debian archive this machine is configured for
apt_mirror() {
	if [[ -n ${SLUICE_DEBIAN_MIRROR-} ]]; then
		echo "$SLUICE_DEBIAN_MIRROR"
		return 0
	fi
	# The format string is apt's own, not the shell's.
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
		awk '$1 ~ /^(bookworm|trixie|stable|oldstable)$/ && $2 == "main" { print $3; exit }'
}

apt_write_sources() {
	local mirror
	mirror=$(apt_mirror)
	[[ -n $mirror ]] || fail "this machine's apt names no Debian archive (an Ubuntu machine does not); name one" \
		"SLUICE_DEBIAN_MIRROR=ADDRESS-OF-A-DEBIAN-MIRROR ./sluice setup"
	mkdir -p "$apt_dir/lists/partial"
	cat >"$apt_dir/sluice.sources.new" <<-EOF
		Types: deb deb-src
		URIs: $mirror
		Suites: trixie trixie-backports bookworm-backports
		Components: main
		Signed-By: $apt_keyring
	EOF
	if ! cmp -s "$apt_dir/sluice.sources.new" "$apt_dir/sluice.sources"; then
		rm -f "$apt_dir/fresh"
	fi
	mv -f "$apt_dir/sluice.sources.new" "$apt_dir/sluice.sources"
}

# apt_private COMMAND ARG... - an apt command (apt-get, apt-cache) on the private view
apt_private() {
	local command=$1
	shift
	"$command" -o "Dir::Etc::sourcelist=$apt_dir/sluice.sources" -o Dir::Etc::sourceparts=- \
		-o "Dir::State::Lists=$apt_dir/lists" -o "Dir::Cache::pkgcache=" \
		-o "Dir::Cache::srcpkgcache=" -o APT::Sandbox::User=root "$@"
}

# apt_refresh - fetch the package lists (about 22 MB) unless they are of today
apt_refresh() {
	(
		mkdir -p "$apt_dir"
		flock 9
		apt_write_sources
		if [[ -z $(find "$apt_dir/fresh" -mmin -1440 2>/dev/null) ]]; then
			note "fetching the package lists of trixie, trixie-backports, bookworm-backports (22 MB)"
			apt_private apt-get update
			touch "$apt_dir/fresh"
		fi
	) 9>"$apt_dir.lock"
}

# apt_fetch DIR PACKAGE[/SUITE]... - download packages into DIR, saying how much
apt_fetch() {
	local dir=$1
	shift
	mkdir -p "$dir"
	note "downloading $(apt_private apt-get download --print-uris "$@" |
		awk '{ sum += $3 } END { printf "%d package%s, %.0f MB", NR, NR == 1 ? "" : "s", sum / 1e6 }')"
	(cd "$dir" && apt_private apt-get download -q "$@")
}
