# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#
# Two roots of Debian trixie made with mmdebstrap: the guest's userland, packed
# into $cache/root/KEY/root.squashfs, and $cache/buildroot/KEY, in which the guest's
# kernel modules are compiled (trixie's kernel headers hold programs that do
# not run on an older libc).

# debian_root_size LISTFILE - what such a root takes, in words
debian_root_size() {
	local wanted
	mapfile -t wanted < <(list_items "$1")
	apt_private apt-get install -qq -y --no-install-recommends --print-uris -t trixie \
		-o Dir::State::status=/dev/null apt '?essential' "${wanted[@]}" |
		awk '{ sum += $3 } END { printf "Debian trixie: %d packages, %.0f MB to download", NR, sum / 1e6 }'
}

# debian_root LISTFILE TARGET - a trixie root with the packages of LISTFILE
debian_root() {
	local mirror
	mirror=$(apt_mirror)
	apt_refresh
	note "$(debian_root_size "$1")"
	as_root mmdebstrap --mode=root --variant=apt --format=directory --aptopt='APT::Install-Recommends "false"' \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' --include="$(list_items "$1" | paste -sd,)" \
		trixie "$2" "deb [signed-by=$apt_keyring] $mirror trixie main"
}

root_dir() {
	echo "$cache/root/${key[root]}"
}

buildroot_dir() {
	echo "$cache/buildroot/${key[buildroot]}"
}

root_run() {
	local work
	work=$(mktemp -d "$cache/tmp/root.XXXXXX")
	chmod 755 "$work"
	debian_root "$top/guest-tools/image/packages.list" "$work/tree"
	as_root cp -r --preserve=mode "$top/guest-tools/image/files/." "$work/tree/"
	as_root bash -euc 'cd "$1"
		ln -sf /usr/bin/busybox usr/sbin/init
		for name in poweroff reboot halt; do ln -sf /usr/bin/busybox usr/sbin/$name; done
		mkdir -p sluice work
		echo sluice >etc/hostname
		rm -rf var/cache/apt var/lib/apt/lists boot/*
		# 200 MB of graphics drivers that stress-ng drags along and loads for --gpu alone.
		rm -rf usr/lib/*/libLLVM.so* usr/lib/*/libgallium-*.so usr/lib/*/libz3.so* usr/lib/*/dri' _ "$work/tree"
	mkdir "$work/out"
	as_root mksquashfs "$work/tree" "$work/out/root.squashfs" -comp lz4 -quiet -no-progress
	as_root rm -rf "$work/tree"
	mkdir -p "$cache/root"
	publish "$work/out" "$(root_dir)"
	rmdir "$work"
}

buildroot_run() {
	local work
	work=$(mktemp -d "$cache/tmp/buildroot.XXXXXX")
	chmod 755 "$work"
	debian_root "$top/guest-tools/image/buildroot-packages.list" "$work/tree"
	mkdir -p "$cache/buildroot"
	publish "$work/tree" "$(buildroot_dir)"
	rmdir "$work"
}
