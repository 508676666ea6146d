# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#
# QEMU from Debian's source package with qemu-device overlaid: the source in
# $cache/qemu/KEY/src, beside it one build tree that later changes of the device
# only touch up, and the finished binary in $cache/products/KEY.

qemu_configure=(
	--target-list=x86_64-softmmu --without-default-features --disable-install-blobs
	--disable-docs --enable-system --enable-kvm --enable-tcg --enable-slirp --enable-attr
	--enable-virtfs --enable-plugins --enable-trace-backends=log --enable-malloc-trim --disable-debug-info
	--firmwarepath=/usr/share/qemu:/usr/share/seabios
	--without-default-devices --with-devices-x86_64=sluice
)

# --- meson ---------------------------------------------------------------

# version_at_least HAVE WANT
version_at_least() {
	[[ $(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n1) == "$2" ]]
}

# meson_path - for PYTHONPATH: where the private meson lives, if one was needed
meson_path() {
	echo "$cache/tools/meson/usr/lib/python3/dist-packages"
}

# ensure_meson - QEMU needs meson 1.5; Debian 12's backports have one, which is
# pure Python and is unpacked into a folder of its own
ensure_meson() {
	local work
	if version_at_least "$(/usr/bin/meson --version)" 1.5 || [[ -d $(meson_path) ]]; then
		return 0
	fi
	apt_refresh
	work=$(mktemp -d "$cache/tmp/meson.XXXXXX")
	apt_fetch "$work" meson/bookworm-backports
	dpkg-deb -x "$work"/meson_*.deb "$work/tree"
	mkdir -p "$cache/tools"
	publish "$work/tree" "$cache/tools/meson"
	rm -rf "$work"
}

# --- source --------------------------------------------------------------

# qemu_dir - source and build tree
qemu_dir() {
	echo "$cache/qemu/${key[qemu-source]}"
}

# qemu_supported DIR - the version in DIR is one the overlay is known to fit
qemu_supported() {
	local version
	version=$(<"$1/VERSION")
	note "QEMU $version"
	version_at_least "$version" 10.0 ||
		fail "QEMU $version is too old: 10.0 or newer is needed" "unset QEMU_SRC; ./sluice setup"
}

qemu_source_run() {
	local work
	work=$(mktemp -d "$cache/tmp/qemu.XXXXXX")
	if [[ -n ${QEMU_SRC-} ]]; then
		[[ -f $QEMU_SRC/VERSION && -x $QEMU_SRC/configure ]] ||
			fail "QEMU_SRC=$QEMU_SRC is no QEMU source tree" "unset QEMU_SRC; ./sluice setup"
		cp -a "$QEMU_SRC" "$work/src"
	else
		apt_refresh
		note "downloading $(apt_private apt-get source --print-uris --download-only -t trixie qemu/trixie |
			awk '/^'\''/ { sum += $3 } END { printf "QEMU: %.0f MB", sum / 1e6 }')"
		(cd "$work" && apt_private apt-get source -q --download-only qemu/trixie &&
			dpkg-source --no-check -x qemu_*.dsc src)
	fi
	qemu_supported "$work/src"
	qemu_patch "$work/src"
	rm -rf "$work"/qemu_*
	mkdir -p "$cache/qemu"
	publish "$work" "$(qemu_dir)"
}

qemu_patch() {
	local patch
	for patch in "$top"/qemu-device/patches/*.patch; do
		patch -d "$1" -p1 --forward <"$patch" ||
			fail "$(basename "$patch") does not fit QEMU $(<"$1/VERSION")" "unset QEMU_SRC; ./sluice setup"
	done
}

# --- build ---------------------------------------------------------------

# qemu_sync - lay the device and its tests into QEMU's source
qemu_sync() {
	local src preset
	src=$(qemu_dir)/src
	preset=$src/configs/devices/x86_64-softmmu/sluice.mak
	sync_tree "$top/qemu-device" "$src/hw/net/sluice"
	sync_tree "$top/tests/qtest" "$src/tests/qtest/sluice"
	cmp -s "$top/qemu-device/sluice.mak" "$preset" || cp "$top/qemu-device/sluice.mak" "$preset"
}

# qemu_env COMMAND... - COMMAND with our libraries and the private meson in reach
qemu_env() {
	local path=
	[[ ! -d $(meson_path) ]] || path=$(meson_path)
	PYTHONPATH=$path PKG_CONFIG_PATH=$work_dir/lib/meson-uninstalled "$@"
}

# qemu_ninja TARGET... - configure if needed, then build
qemu_ninja() {
	local build configured
	build=$(qemu_dir)/build
	configured=$build/sluice-configured
	qemu_sync
	if [[ $(cat "$configured" 2>/dev/null) != "${qemu_configure[*]}" ]]; then
		rm -rf "$build"
		mkdir -p "$build"
		(cd "$build" && qemu_env ../src/configure --python=/usr/bin/python3 "${qemu_configure[@]}")
		echo "${qemu_configure[*]}" >"$configured"
	fi
	qemu_refind_libraries "$build"
	qemu_env ninja -C "$build" -j"$(jobs_count)" "$@"
}

# qemu_refind_libraries BUILD - meson remembers how our libraries are linked; when
# that changed, make it look again
qemu_refind_libraries() {
	local pc=$work_dir/lib/meson-uninstalled/sluice-uninstalled.pc
	! cmp -s "$pc" "$1/sluice.pc" || return 0
	qemu_env "$1/pyvenv/bin/meson" configure --clearcache "$1"
	qemu_env "$1/pyvenv/bin/meson" setup --reconfigure "$1" "$(qemu_dir)/src"
	cp "$pc" "$1/sluice.pc"
}

# plugin_build DIR - the plugin that counts the guest's instructions, for experiments
plugin_build() {
	local flags
	read -ra flags < <(pkg-config --cflags glib-2.0)
	cc -O2 -Wall -Wextra -Werror -fPIC -fvisibility=hidden -shared "${flags[@]}" \
		-I"$(qemu_dir)/src/include/qemu" -o "$1/libinsn_count.so.new" \
		"$top/host-tools/pvsched/insn-plugin/insn_count.c"
	mv -f "$1/libinsn_count.so.new" "$1/libinsn_count.so"
}

qemu_run() {
	local out=$cache/products/${key[qemu]}
	ensure_meson
	libs_build
	qemu_ninja qemu-system-x86_64
	mkdir -p "$out"
	plugin_build "$out"
	cp "$(qemu_dir)/build/qemu-system-x86_64" "$out/qemu.new"
	mv -f "$out/qemu.new" "$out/qemu-system-x86_64"
}

# qtest_run - the device's qtest programs, which only `./sluice test` needs
qtest_run() {
	local out=$cache/products/${key[qtest]}/qtest build targets
	build=$(qemu_dir)/build
	ensure_meson
	libs_build
	qemu_ninja qemu-system-x86_64
	mapfile -t targets < <(qemu_env ninja -C "$build" -t targets all |
		sed -nE 's/^(tests\/qtest\/sluice\/[A-Za-z0-9_-]+): [a-z]+_LINKER.*/\1/p')
	((${#targets[@]})) || fail "tests/qtest/meson.build defines no test program"
	qemu_env ninja -C "$build" -j"$(jobs_count)" "${targets[@]}"
	mkdir -p "$out"
	(cd "$build" && cp -f --remove-destination -t "$out" "${targets[@]}")
}
