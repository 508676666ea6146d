# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#
# The guest's kernels: Debian's own binaries. One series (7.2, 6.12) gives
#   $cache/kernel/SERIES-KEY/{release,vmlinuz,modules.squashfs,initrd}
# and its headers are unpacked into the build root.

image_recipe=$top/guest-tools/image

# kernel_release SERIES - the newest release of the series that the archive has
kernel_release() {
	local series=$1 found
	found=$(apt_private apt-cache pkgnames "linux-headers-$series." |
		sed -nE "s/^linux-headers-(${series//./\\.}\.[0-9]+\+deb13-amd64)$/\1/p" | sort -V | tail -n1)
	[[ -n $found ]] || fail "the archive no longer has Linux $series; it has: $(
		apt_private apt-cache pkgnames linux-headers- |
			sed -nE 's/^linux-headers-([0-9]+\.[0-9]+)\..*-amd64$/\1/p' | sort -uV | tr '\n' ' ')" \
		"./sluice setup --kernel SERIES"
	echo "$found"
}

# kernel_packages RELEASE - which of a kernel's packages the archive has: from
# 7.x on, the image is split into binary, modules and base
kernel_packages() {
	local release=$1 name
	for name in "linux-headers-$release" "linux-headers-${release%-amd64}-common" \
		"linux-kbuild-${release%-amd64}" "linux-base-$release" \
		"linux-binary-$release" "linux-modules-$release"; do
		if [[ -n $(apt_private apt-cache show "$name" 2>/dev/null) ]]; then
			echo "$name"
		fi
	done
	if [[ -z $(apt_private apt-cache show "linux-binary-$release" 2>/dev/null) ]]; then
		echo "linux-image-$release"
	fi
}

# kernel_modules TREE RELEASE OUT - pack the modules a virtual machine can use,
# uncompressed: unpacking xz under emulation would cost seconds of every boot
kernel_modules() {
	local tree=$1/usr/lib/modules/$2 out=$3 pick paths=()
	mkdir -p "$out/kernel"
	(
		cd "$tree/kernel"
		shopt -s nullglob
		while read -r pick; do
			# The list may hold patterns; no match means this kernel has no such folder.
			# shellcheck disable=SC2206
			paths+=($pick)
		done < <(list_items "$image_recipe/modules.list")
		for pick in "${paths[@]}"; do
			[[ ! -e $pick ]] || find "$pick" -type f -name '*.ko*' -print0
		done | xargs -0r cp --parents -t "$out/kernel"
	)
	find "$out" -name '*.ko.xz' -print0 | xargs -0r -P"$(jobs_count)" -n64 xz -d
	cp "$tree"/modules.builtin* "$tree"/modules.order "$out/"
}

# kernel_initrd MODULES RELEASE BUSYBOX OUT - busybox, the modules that reach
# the root image in load order, and the initramfs's init
kernel_initrd() {
	local modules=$1 release=$2 busybox=$3 out=$4 tree=$4.tree path
	mkdir -p "$tree"/{bin,dev,proc,sys,modules}
	cp "$busybox" "$tree/bin/busybox"
	ln -s busybox "$tree/bin/sh"
	install -m755 "$image_recipe/initramfs-init" "$tree/init"
	while read -r path; do
		cp "$path" "$tree/modules/"
		basename "$path" >>"$tree/modules/order"
	done < <(list_items "$image_recipe/initramfs-modules.list" |
		xargs -n1 /sbin/modprobe -d "$modules" -S "$release" --show-depends |
		awk '$1 == "insmod" && !seen[$2]++ { print $2 }')
	(cd "$tree" && find . | LC_ALL=C sort | cpio -o -H newc -R 0:0 --quiet | gzip -1) >"$out"
	rm -rf "$tree"
}

# kernel_dir SERIES
kernel_dir() {
	echo "$cache/kernel/$1-${key[kernel]}"
}

# kernel_run SERIES
kernel_run() {
	local series=$1 release work deb
	apt_refresh
	release=$(kernel_release "$series")
	work=$(mktemp -d "$cache/tmp/kernel-$series.XXXXXX")
	note "Linux $release"
	# Names without spaces, one a line.
	# shellcheck disable=SC2046
	apt_fetch "$work/debs" $(kernel_packages "$release")
	apt_fetch "$work/busybox" busybox-static/trixie
	dpkg-deb -x "$work"/busybox/*.deb "$work/busybox"
	for deb in "$work"/debs/*.deb; do
		case $deb in
		*/linux-headers-* | */linux-kbuild-*) as_root dpkg-deb -x "$deb" "$(buildroot_dir)" ;;
		*) dpkg-deb -x "$deb" "$work/tree" ;;
		esac
	done
	mkdir -p "$work/out" "$work/pack/lib/modules"
	cp "$work/tree/boot/vmlinuz-$release" "$work/out/vmlinuz" 2>/dev/null ||
		cp "$work/tree/usr/lib/modules/$release/vmlinuz" "$work/out/vmlinuz"
	kernel_modules "$work/tree" "$release" "$work/pack/lib/modules/$release"
	/sbin/depmod -b "$work/pack" "$release"
	mksquashfs "$work/pack/lib/modules/$release" "$work/out/modules.squashfs" -comp lz4 -all-root -quiet -no-progress
	kernel_initrd "$work/pack" "$release" "$work/busybox/usr/bin/busybox" "$work/out/initrd"
	echo "$release" >"$work/out/release"
	mkdir -p "$cache/kernel"
	publish "$work/out" "$(kernel_dir "$series")"
	rm -rf "$work"
}
