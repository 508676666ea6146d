# SPDX-License-Identifier: GPL-2.0-or-later
#
# The devices of Sluice's QEMU (configure --without-default-devices
# --with-devices-x86_64=sluice): the q35 and pc machines, their buses, the NIC, and the
# NICs it is compared with. Fewer devices means a shorter first set-up.

CONFIG_Q35=y
CONFIG_I440FX=y
CONFIG_PCIE_PORT=y
CONFIG_VTD=y
CONFIG_HPET=y
CONFIG_SERIAL_ISA=y
CONFIG_ISA_DEBUG=y
CONFIG_PVPANIC_PCI=y
CONFIG_PVPANIC_ISA=y
CONFIG_EDU=y
CONFIG_TEST_DEVICES=y

CONFIG_VIRTIO_PCI=y
CONFIG_VIRTIO_NET=y
CONFIG_VIRTIO_BLK=y
CONFIG_VIRTIO_SERIAL=y
CONFIG_VIRTIO_RNG=y
CONFIG_VIRTIO_9P=y

CONFIG_E1000E_PCI_EXPRESS=y
CONFIG_IGB_PCI_EXPRESS=y
CONFIG_VMXNET3_PCI=y
CONFIG_NVME_PCI=y

CONFIG_SLUICE=y
