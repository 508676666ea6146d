// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /dev/sluice_pvsched, for pvschedctl: what was negotiated, the pages, hints by hand.
 */
#include <linux/capability.h>
#include <linux/cpu.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/uaccess.h>

#include "pvs.h"

struct pvs_file {
	struct pvs_dev *dev;
	struct file *file;
	struct list_head link; /* of pvs_dev.files, under its lock */
	int seen;              /* pvs_dev.events at the last PVS_IOC_INFO */
};

/* Open needs the device without a way to it: there is at most one. */
static DEFINE_MUTEX(pvs_misc_lock);
static struct pvs_dev *pvs_misc_dev;

/* ---- Open, close, poll ------------------------------------------------------------------------
 */

static int pvs_open(struct inode *inode, struct file *file)
{
	struct pvs_file *pf;
	struct pvs_dev *dev;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	pf = kzalloc(sizeof(*pf), GFP_KERNEL);
	if (!pf)
		return -ENOMEM;
	mutex_lock(&pvs_misc_lock);
	dev = pvs_misc_dev;
	if (dev)
		kref_get(&dev->ref);
	mutex_unlock(&pvs_misc_lock);
	if (!dev) {
		kfree(pf);
		return -ENODEV;
	}
	pf->dev = dev;
	pf->file = file;
	pf->seen = atomic_read(&dev->events);
	mutex_lock(&dev->lock);
	list_add(&pf->link, &dev->files);
	mutex_unlock(&dev->lock);
	file->private_data = pf;
	return 0;
}

static int pvs_release(struct inode *inode, struct file *file)
{
	struct pvs_file *pf = file->private_data;

	mutex_lock(&pf->dev->lock);
	list_del(&pf->link);
	mutex_unlock(&pf->dev->lock);
	kref_put(&pf->dev->ref, pvs_dev_free);
	kfree(pf);
	return 0;
}

static __poll_t pvs_poll(struct file *file, poll_table *table)
{
	struct pvs_file *pf = file->private_data;

	poll_wait(file, &pf->dev->wait, table);
	if (READ_ONCE(pf->dev->gone))
		return EPOLLERR | EPOLLHUP;
	return atomic_read(&pf->dev->events) != READ_ONCE(pf->seen) ? EPOLLIN | EPOLLRDNORM : 0;
}

/* ---- mmap -------------------------------------------------------------------------------------
 */

static int pvs_region_of(const struct vm_area_struct *vma, unsigned long *first)
{
	unsigned long guest = PVS_MMAP_GUEST >> PAGE_SHIFT;

	*first = vma->vm_pgoff < guest ? 0 : guest;
	return vma->vm_pgoff < guest ? PVS_HOST : PVS_GUEST;
}

static vm_fault_t pvs_fault(struct vm_fault *vmf)
{
	struct pvs_file *pf = vmf->vma->vm_file->private_data;
	const struct pvs_region *region;
	vm_fault_t ret = VM_FAULT_SIGBUS;
	unsigned long first;
	int way;

	way = pvs_region_of(vmf->vma, &first);
	mutex_lock(&pf->dev->lock);
	if (pf->dev->pages) {
		region = &pf->dev->pages[way];
		if (vmf->pgoff - first < region->size >> PAGE_SHIFT)
			ret = vmf_insert_pfn(vmf->vma, vmf->address,
					     PHYS_PFN(region->pa) + vmf->pgoff - first);
	}
	mutex_unlock(&pf->dev->lock);
	return ret;
}

static const struct vm_operations_struct pvs_vm_ops = {
	.fault = pvs_fault,
};

static int pvs_mmap(struct file *file, struct vm_area_struct *vma)
{
	unsigned long first;

	/* Others' copies would outlive a revocation, and change what the host does not see. */
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (pvs_region_of(vma, &first) == PVS_HOST) {
		if (vma->vm_flags & VM_WRITE)
			return -EACCES;
		vm_flags_clear(vma, VM_MAYWRITE);
	}
	vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_ops = &pvs_vm_ops;
	return 0;
}

void pvs_misc_revoke(struct pvs_dev *dev)
{
	struct pvs_file *pf;

	/* Faults take the lock, and find no pages when they get it. */
	list_for_each_entry(pf, &dev->files, link)
		unmap_mapping_range(pf->file->f_mapping, 0, 0, 1);
}

/* ---- ioctl ------------------------------------------------------------------------------------
 */

static int pvs_ioc_info(struct pvs_file *pf, void __user *arg)
{
	struct pvs_dev *dev = pf->dev;
	struct pvs_info info;

	mutex_lock(&dev->lock);
	WRITE_ONCE(pf->seen, atomic_read(&dev->events));
	if (dev->info.connected)
		pvs_hw_refresh(dev);
	info = dev->info;
	mutex_unlock(&dev->lock);
	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

static int pvs_ioc_cpus(void __user *arg)
{
	struct pvs_cpus cpus;
	s32 __user *out;
	unsigned int cpu;

	if (copy_from_user(&cpus, arg, sizeof(cpus)))
		return -EFAULT;
	out = u64_to_user_ptr(cpus.vcpus);
	for (cpu = 0; cpu < min(cpus.n, nr_cpu_ids); cpu++) {
		struct pvs_cpu *c = pvs_cpu_at(cpu);
		s32 vcpu = c && pvs_page_of(c) ? c->vcpu : -1;

		if (put_user(vcpu, out + cpu))
			return -EFAULT;
	}
	cpus.n = nr_cpu_ids;
	return copy_to_user(arg, &cpus, sizeof(cpus)) ? -EFAULT : 0;
}

struct pvs_hint_call {
	struct pvs_hint_cmd cmd;
	int ret;
};

static int pvs_hint_reset_here(void)
{
	struct pvs_guest_page *page = this_cpu_read(pvs_cpus.guest);

	if (!page)
		return -ENODEV;
	pvs_page_reset(page);
	return 0;
}

/* On the CPU whose hint it is, interrupts off. */
static void pvs_hint_here(void *opaque)
{
	struct pvs_hint_call *call = opaque;
	u64 *args = call->cmd.args;

	switch (call->cmd.op) {
	case PVS_HINT_INTENT:
		call->ret = pvs_hint_intent(args[0], args[1], args[2], args[3]);
		break;
	case PVS_HINT_PENDING:
		call->ret = pvs_hint_pending(smp_processor_id(), args[0], args[1]);
		break;
	case PVS_HINT_ENTER:
		call->ret = pvs_hint_enter(args[0]);
		break;
	case PVS_HINT_EXIT:
		call->ret = pvs_hint_exit(args[0]);
		break;
	case PVS_HINT_DEADLINE:
		call->ret = pvs_hint_deadline(args[0], args[1], args[2]);
		break;
	case PVS_HINT_NEXT_EVENT:
		call->ret = pvs_hint_next_event(args[0]);
		break;
	case PVS_HINT_WAIT:
		call->ret = pvs_hint_wait(args[0], args[1]);
		break;
	case PVS_HINT_EMIT:
		call->ret = pvs_hint_emit(args[0], args[1]);
		break;
	case PVS_HINT_DOORBELL:
		call->ret = pvs_hint_doorbell(smp_processor_id());
		break;
	case PVS_HINT_KICK:
		call->ret = pvs_hint_kick(smp_processor_id());
		break;
	case PVS_HINT_TICKET:
		call->cmd.answer = pvs_hint_ticket();
		call->ret = call->cmd.answer ? 0 : -EOPNOTSUPP;
		break;
	case PVS_HINT_NOTIFY:
		call->ret = pvs_hint_notify(args[0]);
		break;
	case PVS_HINT_RESET:
		call->ret = pvs_hint_reset_here();
		break;
	default:
		call->ret = -EINVAL;
	}
}

/* How wide the arguments of a hint are: what does not fit is refused and not cut. */
static const struct {
	u8 n;
	u8 wide; /* those of 64 bits, by their bits */
	u8 sign; /* those that are signed */
} pvs_hint_args[PVS_HINT_OP_MAX] = {
	[PVS_HINT_INTENT] = {.n = 4, .sign = BIT(1)},
	[PVS_HINT_PENDING] = {.n = 2},
	[PVS_HINT_ENTER] = {.n = 1},
	[PVS_HINT_EXIT] = {.n = 1},
	[PVS_HINT_DEADLINE] = {.n = 3, .wide = BIT(0) | BIT(1) | BIT(2)},
	[PVS_HINT_NEXT_EVENT] = {.n = 1, .wide = BIT(0)},
	[PVS_HINT_WAIT] = {.n = 2},
	[PVS_HINT_EMIT] = {.n = 2},
	[PVS_HINT_NOTIFY] = {.n = 1},
};

static bool pvs_hint_arg_fits(u32 op, unsigned int i, u64 arg)
{
	if (i >= pvs_hint_args[op].n)
		return !arg;
	if (pvs_hint_args[op].wide & BIT(i))
		return true;
	if (pvs_hint_args[op].sign & BIT(i))
		return arg == (u64)(s64)(s32)arg;
	return arg == (u32)arg;
}

static bool pvs_hint_fits(const struct pvs_hint_cmd *cmd)
{
	unsigned int i;

	if (cmd->op >= PVS_HINT_OP_MAX)
		return false;
	for (i = 0; i < ARRAY_SIZE(cmd->args); i++)
		if (!pvs_hint_arg_fits(cmd->op, i, cmd->args[i]))
			return false;
	return true;
}

static int pvs_ioc_hint(void __user *arg)
{
	struct pvs_hint_call call = {};
	int err;

	if (copy_from_user(&call.cmd, arg, sizeof(call.cmd)))
		return -EFAULT;
	if (call.cmd.cpu >= nr_cpu_ids)
		return -ENOENT;
	if (!pvs_hint_fits(&call.cmd))
		return -EINVAL;
	err = smp_call_function_single(call.cmd.cpu, pvs_hint_here, &call, 1);
	if (err)
		return err;
	if (call.ret)
		return call.ret;
	return copy_to_user(arg, &call.cmd, sizeof(call.cmd)) ? -EFAULT : 0;
}

/* What touches the device itself. */
static int pvs_ioc_device(struct pvs_dev *dev, unsigned int cmd)
{
	int err = -ENODEV;

	mutex_lock(&dev->lock);
	if (dev->gone)
		goto out;
	if (cmd == PVS_IOC_RENEGOTIATE) {
		dev->stopped = false;
		dev->failures = 0;
		err = pvs_renegotiate(dev);
	} else if (dev->info.connected) {
		pvs_hw_measure_clock(dev);
		err = 0;
	}
out:
	mutex_unlock(&dev->lock);
	return err;
}

static long pvs_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct pvs_file *pf = file->private_data;
	void __user *user = (void __user *)arg;

	if (READ_ONCE(pf->dev->gone))
		return -ENODEV;
	switch (cmd) {
	case PVS_IOC_INFO:
		return pvs_ioc_info(pf, user);
	case PVS_IOC_CPUS:
		return pvs_ioc_cpus(user);
	case PVS_IOC_HINT:
		return pvs_ioc_hint(user);
	case PVS_IOC_RENEGOTIATE:
	case PVS_IOC_CLOCK:
		return pvs_ioc_device(pf->dev, cmd);
	default:
		return -ENOTTY;
	}
}

/* ---- The device node --------------------------------------------------------------------------
 */

static const struct file_operations pvs_fops = {
	.owner = THIS_MODULE,
	.open = pvs_open,
	.release = pvs_release,
	.poll = pvs_poll,
	.mmap = pvs_mmap,
	.unlocked_ioctl = pvs_ioctl,
};

static struct miscdevice pvs_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = PVS_DEV_NAME,
	.fops = &pvs_fops,
	.mode = 0600,
};

int pvs_misc_init(struct pvs_dev *dev)
{
	int err;

	mutex_lock(&pvs_misc_lock);
	pvs_misc_dev = dev;
	mutex_unlock(&pvs_misc_lock);
	pvs_misc.parent = &dev->pdev->dev;
	/* Up to Linux 6.16 it keeps the number of the last time, which may be another's now. */
	pvs_misc.minor = MISC_DYNAMIC_MINOR;
	err = misc_register(&pvs_misc);
	if (err)
		pvs_misc_dev = NULL;
	return err;
}

/* Files that are open stay so, and answer -ENODEV. */
void pvs_misc_exit(struct pvs_dev *dev)
{
	misc_deregister(&pvs_misc);
	mutex_lock(&pvs_misc_lock);
	pvs_misc_dev = NULL;
	mutex_unlock(&pvs_misc_lock);
}
