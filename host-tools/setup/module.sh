# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#
# The guest's kernel modules, compiled in the build root by the kernel's own
# build system: $cache/share/KEY/modules/RELEASE/*.ko; and the guest's tools with
# their BPF programs, for the same kernel: $cache/share/KEY/tools/RELEASE/*. The
# folder $cache/share/KEY is what the guest mounts (9p, tag "sluice").

share_dir() {
	echo "$cache/share/${key[module]}"
}

# chroot_build ROOT COMMAND... - COMMAND inside ROOT with /proc, which objtool
# needs, mounted in a namespace of its own so that nothing is left behind
chroot_build() {
	local root=$1 propagation=private
	shift
	# Where / is no mount point (a chroot), its propagation cannot be changed.
	as_root unshare --mount --propagation private true 2>/dev/null || propagation=unchanged
	# The variables belong to the inner shell.
	# shellcheck disable=SC2016
	as_root unshare --mount --propagation "$propagation" bash -euc '
		root=$1
		shift
		mount -t proc proc "$root/proc" 2>/dev/null || mount --bind /proc "$root/proc" || {
			echo "sluice: cannot mount /proc in the build root: this container forbids mounts" >&2
			echo "sluice: mend it with: docker run --privileged ... (or what your container tool calls it)" >&2
			exit 1
		}
		trap "umount \"$root/proc\"" EXIT
		chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"' _ "$root" "$@"
}

# module_run SERIES
module_run() {
	local release src root out
	root=$(buildroot_dir)
	src=$root/build/$1
	out=$(share_dir)/modules
	release=$(<"$(kernel_dir "$1")/release")
	as_root install -d -o "$(id -u)" -g "$(id -g)" "$root/build" "$src"
	sync_tree "$top/guest-tools/driver" "$src/guest-tools/driver"
	sync_tree "$top/include" "$src/include"
	chroot_build "$root" make -C "/usr/lib/modules/$release/build" \
		M="/build/$1/guest-tools/driver" -j"$(jobs_count)" modules
	mkdir -p "$out"
	rm -rf "$out/$release.new"
	mkdir "$out/$release.new"
	cp "$src"/guest-tools/driver/*.ko "$out/$release.new/"
	publish "$out/$release.new" "$out/$release"
}

# tools_run SERIES - what sluice-rc makes commands of
tools_run() {
	local release root src out folder
	root=$(buildroot_dir)
	src=$root/build/$1
	out=$(share_dir)/tools
	release=$(<"$(kernel_dir "$1")/release")
	as_root install -d -o "$(id -u)" -g "$(id -g)" "$root/build" "$src"
	for folder in guest-tools/driver guest-tools/pvsched-bpf guest-tools/pvschedctl guest-tools/workloads include; do
		sync_tree "$top/$folder" "$src/$folder"
	done
	chroot_build "$root" make -C "/build/$1/guest-tools/pvschedctl" -j"$(jobs_count)" \
		BTF="/usr/lib/modules/$release/build/vmlinux" OUT="/build/$1/out/pvschedctl" CC=gcc-14
	chroot_build "$root" make -C "/build/$1/guest-tools/workloads" -j"$(jobs_count)" \
		OUT="/build/$1/out/workloads" CC=gcc-14
	mkdir -p "$out"
	rm -rf "$out/$release.new"
	mkdir "$out/$release.new"
	cp "$src/out/pvschedctl/pvschedctl" "$src"/out/workloads/pvs-{lock,audio,wake} "$out/$release.new/"
	publish "$out/$release.new" "$out/$release"
}
