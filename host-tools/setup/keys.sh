# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#
# Each stage's result is kept under a key: 16 hex digits that change with
# whatever the result depends on. A checkout with the same inputs finds the
# result of another.

declare -gA key

core_sources=(meson.build meson_options.txt include bpf-engine nic-model firmware)
tool_sources=(host-tools/meson.build host-tools/sluice-run host-tools/sluice-wire
	host-tools/sluice-mkpcap examples)

compute_keys() {
	local setup=host-tools/setup image=guest-tools/image core overlay
	core=$(hash_files "${core_sources[@]}")
	overlay=$(hash_files qemu-device)
	key[packages]=$(hash_files $setup/packages-demo.list)
	key[test-packages]=$(hash_files $setup/packages-test.list)
	key[libs]=$(hash_text "$core" "$(hash_files "${tool_sources[@]}" $setup/libs.sh)")
	key[qemu-source]=$(hash_text "$(hash_files qemu-device/patches)" "${QEMU_SRC-}")
	key[qemu]=$(hash_text "${key[qemu-source]}" "$core" "$overlay" "${qemu_configure[*]}")
	key[qtest]=$(hash_text "${key[qemu]}" "$(hash_files tests/qtest)")
	key[root]=$(hash_files $image/packages.list $image/files $setup/guest-root.sh)
	key[buildroot]=$(hash_files $image/buildroot-packages.list $setup/guest-root.sh)
	key[kernel]=$(hash_text "${key[buildroot]}" "$(hash_files $image/initramfs-init \
		$image/initramfs-modules.list $image/modules.list $setup/kernel.sh)")
	key[module]=$(hash_text "${key[kernel]}" "$(hash_files guest-tools/driver include $setup/module.sh)")
}
