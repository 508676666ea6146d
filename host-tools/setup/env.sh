# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#
# `./sluice env`: where set-up put what it made. This is the contract between
# set-up and whoever starts the VM or runs the tools:
#   SLUICE_CACHE      the cache's folder
#   SLUICE_QEMU       qemu-system-x86_64 with the device sluice-nic
#   SLUICE_INSN_PLUGIN  TCG plugin that counts the guest's instructions
#   SLUICE_QEMU_DATA  folders of firmware, separated by colons, each for a -L
#   SLUICE_SERIES     kernel series as asked for: 7.2 or 6.12
#   SLUICE_RELEASE    its release, as `uname -r` prints it in the guest
#   SLUICE_KERNEL     kernel image for -kernel
#   SLUICE_INITRD     initramfs for -initrd
#   SLUICE_APPEND     kernel command line that a start needs at least
#   SLUICE_ROOTFS     squashfs of the userland: a read-only disk, serial=sluice-root
#   SLUICE_MODULES    squashfs of the kernel's modules: a read-only disk, serial=sluice-modules
#   SLUICE_SHARE      folder for the 9p share with mount_tag=sluice; in the guest
#                     /sluice, with modules/RELEASE/sluice_nic.ko
#   SLUICE_BUILD      folder of the tools: host-tools/NAME/NAME below it
#   SLUICE_RUN, SLUICE_WIRE, SLUICE_MKPCAP   the tools themselves
#   SLUICE_QTEST      folder of the device's qtest programs (after `./sluice test`)
#   SLUICE_SELFTESTS  folder of Linux's verifier tests, compiled (after `./sluice test`)
# A second 9p share with mount_tag=work, if there is one, is /work in the guest.
# The guest agent answers on virtserialport org.qemu.guest_agent.0. Words on the
# kernel command line: sluice.noload, sluice.noup, sluice.shell (see sluice-rc).

# env_pairs SERIES - NAME=VALUE lines
env_pairs() {
	local kernel build=$cache/products/${key[libs]}
	kernel=$(kernel_dir "$1")
	cat <<-EOF
		SLUICE_CACHE=$cache
		SLUICE_QEMU=$cache/products/${key[qemu]}/qemu-system-x86_64
		SLUICE_INSN_PLUGIN=$cache/products/${key[qemu]}/libinsn_count.so
		SLUICE_QEMU_DATA=/usr/share/qemu:/usr/share/seabios
		SLUICE_SERIES=$1
		SLUICE_RELEASE=$(cat "$kernel/release" 2>/dev/null)
		SLUICE_KERNEL=$kernel/vmlinuz
		SLUICE_INITRD=$kernel/initrd
		SLUICE_APPEND=quiet no_timer_check tsc=reliable panic=-1 console=ttyS0
		SLUICE_ROOTFS=$(root_dir)/root.squashfs
		SLUICE_MODULES=$kernel/modules.squashfs
		SLUICE_SHARE=$(share_dir)
		SLUICE_BUILD=$build
		SLUICE_RUN=$build/host-tools/sluice-run/sluice-run
		SLUICE_WIRE=$build/host-tools/sluice-wire/sluice-wire
		SLUICE_MKPCAP=$build/host-tools/sluice-mkpcap/sluice-mkpcap
		SLUICE_QTEST=$cache/products/${key[qtest]}/qtest
		SLUICE_SELFTESTS=$(selftests_dir)
	EOF
}

# env_check SERIES - a word of warning if what the lines name is not all there
env_check() {
	local missing names
	mapfile -t names < <(stages_for vm "$1")
	missing=$(stages_missing "${names[@]}" | tr '\n' ' ')
	[[ -z $missing ]] ||
		echo "sluice: the set-up is behind the sources (${missing% }); bring it up to date with: ./sluice setup --kernel $1" >&2
}

json_string() {
	local text=${1//\\/\\\\}
	printf '"%s"' "${text//\"/\\\"}"
}

env_json() {
	local name value separator='{'
	while IFS='=' read -r name value; do
		printf '%s\n  %s: %s' "$separator" "$(json_string "$name")" "$(json_string "$value")"
		separator=','
	done < <(env_pairs "$1")
	printf '\n}\n'
}

# env_shell - lines for a shell's eval
env_shell() {
	local name value
	while IFS='=' read -r name value; do
		printf 'export %s=%q\n' "$name" "$value"
	done < <(env_pairs "$1")
}
