# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#
# The verifier tests that come with Linux, as compiled objects: the newest
# linux-source of the archive gives tools/testing/selftests/bpf, linux-bpf-dev of
# the same version the kernel's types. Nothing of it enters the checkout; the
# result is $cache/selftests/KEY/
#   objects/NAME.bpf.o   one for each progs/verifier_*.c that compiles
#   failed/NAME.log      what the compiler said of each that does not
#   version              of linux-source

# As the kernel's own Makefile compiles them, for the instructions of CPU v4.
selftests_cflags=(
	-O2 -g -mcpu=v4 -std=gnu11 -fno-strict-aliasing -D__TARGET_ARCH_x86
	-DENABLE_ATOMICS_TESTS -Wno-compare-distinct-pointer-types -Wno-initializer-overrides
)

selftests_dir() {
	echo "$cache/selftests/${key[selftests]}"
}

# selftests_package - the newest linux-source-X.Y that the archive has
selftests_package() {
	local found
	found=$(apt_private apt-cache pkgnames linux-source- |
		grep -E '^linux-source-[0-9]+\.[0-9]+$' | sort -V | tail -n1)
	[[ -n $found ]] || fail "the archive has no linux-source package" "apt-get update; ./sluice setup"
	echo "$found"
}

# selftests_extract DEB DIR - the folders the tests need, out of 1.6 GB of sources
selftests_extract() {
	local deb=$1 dir=$2
	note "unpacking the tests from $(basename "$deb")"
	mkdir -p "$dir"
	dpkg-deb --fsys-tarfile "$deb" | tar -xOf - --wildcards './usr/src/linux-source-*.tar.xz' |
		xz -dc | tar -xf - -C "$dir" --strip-components=1 --wildcards \
		'*/tools/testing/selftests/bpf/*.h' '*/tools/testing/selftests/bpf/progs/*' \
		'*/tools/lib/bpf/*.h' '*/tools/include/*' '*/include/uapi/linux/bpf.h' \
		'*/scripts/bpf_doc.py'
}

# selftests_headers TREE - <bpf/...>: libbpf's headers, and the helpers' from the
# kernel's own documentation of them
selftests_headers() {
	local tree=$1
	mkdir -p "$tree/headers/bpf"
	cp "$tree"/tools/lib/bpf/*.h "$tree/headers/bpf/"
	python3 "$tree/scripts/bpf_doc.py" --header \
		--file "$tree/tools/include/uapi/linux/bpf.h" >"$tree/headers/bpf/bpf_helper_defs.h"
}

# selftests_compile TREE OUT - each file alone, so that one that fails costs only itself
selftests_compile() {
	local tree=$1 out=$2 bpf=$1/tools/testing/selftests/bpf
	mkdir -p "$out"/{objects,failed}
	note "compiling $(find "$bpf/progs" -name 'verifier_*.c' | wc -l) files"
	# The variables belong to the inner shell.
	# shellcheck disable=SC2016
	find "$bpf/progs" -name 'verifier_*.c' -printf '%f\n' | LC_ALL=C sort |
		xargs -P"$(jobs_count)" -I{} bash -c '
			name=${1%.c} bpf=$2 out=$3
			shift 3
			if clang-19 --target=bpfel "$@" -c "$bpf/progs/$name.c" -o "$out/objects/$name.bpf.o" \
				2>"$out/failed/$name.log"; then
				rm -f "$out/failed/$name.log"
			else
				rm -f "$out/objects/$name.bpf.o"
			fi' _ {} "$bpf" "$out" "${selftests_cflags[@]}" -I"$bpf/progs" -I"$bpf" -I"$bpf/libarena/include" \
			-I"$tree/headers" -I"$tree/tools/include/uapi" -I"$tree/tools/include" \
			-idirafter "$(clang-19 -print-resource-dir)/include" \
			-idirafter /usr/include/x86_64-linux-gnu -idirafter /usr/include
}

selftests_run() {
	local package version work tree out
	apt_refresh
	package=$(selftests_package)
	version=$(apt_private apt-cache show "$package" | sed -n 's/^Version: //p' | sort -V | tail -n1)
	work=$(mktemp -d "$cache/tmp/selftests.XXXXXX")
	tree=$work/tree
	out=$work/out
	note "$package $version"
	apt_fetch "$work" "$package=$version" "linux-bpf-dev=$version"
	selftests_extract "$work/${package}_"*.deb "$tree"
	dpkg-deb -x "$work"/linux-bpf-dev_*.deb "$work/types"
	selftests_headers "$tree"
	find "$work/types" -name vmlinux.h -exec cp {} "$tree/headers/" \;
	selftests_compile "$tree" "$out"
	note "$(find "$out/objects" -type f | wc -l) objects, $(find "$out/failed" -type f | wc -l) files that do not compile"
	[[ -n $(find "$out/objects" -type f -print -quit) ]] || {
		tail -n 5 "$out"/failed/*.log
		fail "none of the tests of $package compiles" "rm -rf $cache/apt; ./sluice setup --only selftests"
	}
	echo "$version" >"$out/version"
	mkdir -p "$cache/selftests"
	publish "$out" "$(selftests_dir)"
	rm -rf "$work"
}
