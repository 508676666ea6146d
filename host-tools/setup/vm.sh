# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#
# `./sluice vm`: a guest with the NIC on user-mode networking and its console here.

# kvm_works - do guests run on /dev/kvm? It may open, even create machines, and
# still run no code: so run a ROM that only leaves through isa-debug-exit (status
# 85: mov dx,0x501; mov al,42; out dx,al). A CPU that does not show its virtualization
# may run that ROM in KVM's emulator and fail on a kernel's code.
kvm_works() {
	local rom status=0
	[[ -w /dev/kvm ]] || return 1
	grep -qE '^flags\b.*\b(vmx|svm)\b' /proc/cpuinfo || return 1
	rom=$(mktemp)
	truncate -s 64K "$rom"
	printf '\xba\x01\x05\xb0\x2a\xee\xf4' | dd of="$rom" bs=1 seek=65520 conv=notrunc status=none
	# In a subshell, which keeps the news of an aborted QEMU to itself.
	(
		timeout 10 "$SLUICE_QEMU" -machine q35 -accel kvm -cpu host -nodefaults -display none -bios "$rom" \
			-device isa-debug-exit,iobase=0x501,iosize=1 </dev/null
		exit $?
	) >/dev/null 2>&1 || status=$?
	rm -f "$rom"
	((status == 85))
}

# vm_accel - KVM where guests run on it, else emulation
vm_accel() {
	local -n result=$1
	if kvm_works; then
		result=(-accel kvm -cpu host)
	else
		result=(-accel "tcg,thread=multi" -cpu max)
	fi
}

# vm SERIES [QEMU-OPTION...]
vm() {
	local accel
	eval "$(env_shell "$1")"
	shift
	vm_accel accel
	echo "Linux $SLUICE_RELEASE with the NIC sl0; the shell ends the machine with: poweroff -f   (QEMU itself: Ctrl-a x)"
	exec "$SLUICE_QEMU" -machine q35 "${accel[@]}" -smp 2 -m 1G -nodefaults -no-reboot \
		-display none -chardev stdio,id=console,mux=on,signal=off -serial chardev:console -mon console \
		-kernel "$SLUICE_KERNEL" -initrd "$SLUICE_INITRD" -append "$SLUICE_APPEND sluice.shell" \
		-drive "file=$SLUICE_ROOTFS,format=raw,if=none,id=root,readonly=on" \
		-device virtio-blk-pci,drive=root,serial=sluice-root,romfile= \
		-drive "file=$SLUICE_MODULES,format=raw,if=none,id=modules,readonly=on" \
		-device virtio-blk-pci,drive=modules,serial=sluice-modules,romfile= \
		-virtfs "local,path=$SLUICE_SHARE,mount_tag=sluice,security_model=none,readonly=on" \
		-virtfs "local,path=$PWD,mount_tag=work,security_model=none,readonly=on" \
		-netdev user,id=net0 -device sluice-nic,id=nic0,netdev=net0 "$@"
}
