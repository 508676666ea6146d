# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#
# Our libraries and host tools. The sources are copied to $cache/work/src,
# touching only what differs, and built in $cache/work/lib, so that QEMU's
# build tree, which finds them there, serves every checkout of this machine.

work_dir=$cache/work

# sync_sources - bring $cache/work/src to the state of this checkout
sync_sources() {
	local path
	for path in "${core_sources[@]}" "${tool_sources[@]}"; do
		if [[ -d $top/$path ]]; then
			sync_tree "$top/$path" "$work_dir/src/$path"
		elif [[ -f $top/$path ]]; then
			mkdir -p "$(dirname "$work_dir/src/$path")"
			cmp -s "$top/$path" "$work_dir/src/$path" || cp "$top/$path" "$work_dir/src/$path"
		fi
	done
}

# libs_targets - what QEMU and the launcher need of our build, without the tests; the
# programs of the bench lie in their folder
libs_targets() {
	ninja -C "$work_dir/lib" -t targets all |
		sed -nE 's/^((bpf-engine|nic-model|firmware|paravirt-sched)\/lib[a-z_]+\.a|host-tools\/[^ ]*sluice-[a-z-]+|tests\/bench\/pvs\/pvs_[a-z_]+|tests\/bench\/engine\/[a-z0-9_]+(\.bpf\.o|\.so)):.*/\1/p'
}

# libs_build - the libraries, for whoever holds the lock "build"
libs_build() {
	mkdir -p "$work_dir/src"
	sync_sources
	if [[ ! -e $work_dir/lib/build.ninja ]]; then
		rm -rf "$work_dir/lib"
		meson setup "$work_dir/lib" "$work_dir/src" --buildtype=release -Dwerror=false -Dtests=disabled
	fi
	ninja -C "$work_dir/lib" build.ninja
	# One target a line, none with spaces.
	# shellcheck disable=SC2046
	ninja -C "$work_dir/lib" -j"$(jobs_count)" $(libs_targets)
}

libs_run() {
	local out=$cache/products/${key[libs]}
	libs_build
	mkdir -p "$out"
	(cd "$work_dir/lib" && find host-tools tests/bench/engine tests/bench/pvs -maxdepth 2 -type f \
		\( -name 'sluice-*' -executable -o -name 'pvs_*' -executable -o -name '*.bpf.o' -o -name '*.so' \) \
		-exec cp -f --remove-destination --parents -t "$out" {} +)
}
