# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#
# `./sluice vm`: a guest with the NIC on user-mode networking and its console here.

# vm_accel - KVM where guests run on it, else emulation
vm_accel() {
	local -n result=$1
	# A QEMU that cannot create the machine ends at once; one that can is told to.
	if [[ -w /dev/kvm ]] && printf '%s\n' '{"execute":"qmp_capabilities"}' '{"execute":"quit"}' |
		timeout 10 "$SLUICE_QEMU" -nodefaults -display none -S -M none -accel kvm -qmp stdio >/dev/null 2>&1; then
		result=(-accel kvm -cpu host)
	else
		result=(-accel "tcg,thread=multi" -cpu max)
	fi
}

# vm SERIES [QEMU-OPTION...]
vm() {
	local accel data=() folder
	eval "$(env_shell "$1")"
	shift
	vm_accel accel
	IFS=: read -ra folder <<<"$SLUICE_QEMU_DATA"
	data=("${folder[@]/#/-L}")
	echo "Linux $SLUICE_RELEASE with the NIC sl0; the shell ends the machine with: poweroff -f   (QEMU itself: Ctrl-a x)"
	exec "$SLUICE_QEMU" -machine q35 "${accel[@]}" -smp 2 -m 1G -nodefaults -no-reboot "${data[@]}" \
		-display none -chardev stdio,id=console,mux=on,signal=off -serial chardev:console -mon console \
		-kernel "$SLUICE_KERNEL" -initrd "$SLUICE_INITRD" -append "$SLUICE_APPEND sluice.shell" \
		-drive "file=$SLUICE_ROOTFS,format=raw,if=none,id=root,readonly=on" \
		-device virtio-blk-pci,drive=root,serial=sluice-root,romfile= \
		-drive "file=$SLUICE_MODULES,format=raw,if=none,id=modules,readonly=on" \
		-device virtio-blk-pci,drive=modules,serial=sluice-modules,romfile= \
		-virtfs "local,path=$SLUICE_SHARE,mount_tag=sluice,security_model=none,readonly=on" \
		-virtfs "local,path=$PWD,mount_tag=work,security_model=none,readonly=on" \
		-netdev user,id=net0 -device sluice-nic,netdev=net0 "$@"
}
