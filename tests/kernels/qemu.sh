# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# qemu.sh - how a guest is started. Source it.
#
# qemu_of ARCH KERNEL DISK CONSOLE [OPTION...]: sets the array qemu, the command that boots KERNEL, a folder
# by images.sh or an image, emulated (no KVM is needed), with the raw image DISK as its root; OPTIONs are
# of the kernel. The console goes to the file CONSOLE. Status 2: there is no such ARCH.
#
# NVMe and ext4 are built into Debian's cloud kernels: no modules, no initramfs. There is one disk: two
# are probed at once, and change names. cache=unsafe: what the guest has written to its disk is in this
# machine's page cache, also when QEMU is killed; that it goes to this machine's disk is not waited for.
#
# The two CPUs take turns in one thread: the kernel patches its own code (BPF statistics), and a CPU of
# its own thread may go on with what another has patched ("Oops: int3").
# shellcheck disable=SC2034 # qemu
qemu_of() {
	local arch=$1 kernel=$2 disk=$3 console=$4 append
	shift 4
	[ ! -d "$kernel" ] || kernel=$kernel/vmlinuz
	append="panic=-1 quiet loglevel=4 root=/dev/nvme0n1 rootfstype=ext4 rw $*"
	case $arch in
	x86)
		qemu=(qemu-system-x86_64 -cpu max)
		append="console=ttyS0 mitigations=off $append"
		;;
	arm64)
		qemu=(qemu-system-aarch64 -M virt -cpu "${GUEST_CPU:-max,pauth-impdef=on}")
		append="console=ttyAMA0 $append"
		;;
	*) return 2 ;;
	esac
	qemu+=(-accel "tcg,thread=single" -smp 2 -m 1024 -display none -monitor none -nic none -no-reboot
		-serial "file:$console" -kernel "$kernel" -append "$append"
		-drive "file=$disk,if=none,id=disk,format=raw,cache=unsafe" -device "nvme,drive=disk,serial=memwatch")
}
