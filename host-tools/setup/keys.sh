# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#
# Each stage's result is kept under a key: 16 hex digits that change with
# whatever the result depends on. A checkout with the same inputs finds the
# result of another.

declare -gA key

core_sources=(meson.build meson_options.txt include bpf-engine nic-model firmware paravirt-sched)
tool_sources=(host-tools/meson.build host-tools/sluice-common host-tools/sluice-run
	host-tools/sluice-bpf host-tools/sluice-bench host-tools/sluice-wire host-tools/sluice-mkpcap host-tools/sluice-pvsched
	host-tools/sluice-pvsd examples
	tests/bench/engine tests/bench/pvs)

# SLUICE_KEYS carries the keys to what the launcher starts, so that ./sluice env
# called from there speaks of what was built, whatever is edited meanwhile.
compute_keys() {
	local name value
	if [[ -n ${SLUICE_KEYS-} ]]; then
		while IFS='=' read -r name value; do
			key[$name]=$value
		done <<<"$SLUICE_KEYS"
		return 0
	fi
	hash_sources
}

# export_keys - for what the launcher starts
export_keys() {
	local name
	SLUICE_KEYS=$(for name in "${!key[@]}"; do echo "$name=${key[$name]}"; done)
	export SLUICE_KEYS
}

hash_sources() {
	local setup=host-tools/setup image=guest-tools/image core overlay
	core=$(hash_files "${core_sources[@]}")
	overlay=$(hash_files qemu-device host-tools/pvsched/insn-plugin)
	key[packages]=$(hash_files $setup/packages-demo.list)
	key[test-packages]=$(hash_files $setup/packages-test.list)
	key[bench-packages]=$(hash_files $setup/packages-bench.list)
	key[libs]=$(hash_text "$core" "$(hash_files "${tool_sources[@]}" $setup/libs.sh)")
	key[qemu-source]=$(hash_text "$(hash_files qemu-device/patches)" "${QEMU_SRC-}")
	key[qemu]=$(hash_text "${key[qemu-source]}" "$core" "$overlay" "${qemu_configure[*]}")
	key[qtest]=$(hash_text "${key[qemu]}" "$(hash_files tests/qtest)")
	key[selftests]=$(hash_files $setup/selftests.sh)
	key[root]=$(hash_files $image/packages.list $image/files $setup/guest-root.sh)
	key[buildroot]=$(hash_files $image/buildroot-packages.list $setup/guest-root.sh)
	key[kernel]=$(hash_text "${key[buildroot]}" "$(hash_files $image/initramfs-init \
		$image/initramfs-modules.list $image/modules.list $setup/kernel.sh)")
	# Modules and tools lie in one share.
	key[module]=$(hash_text "${key[kernel]}" "$(hash_files guest-tools/driver guest-tools/pvsched-bpf \
		guest-tools/pvschedctl guest-tools/workloads include $setup/module.sh)")
}
