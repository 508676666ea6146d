// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Admin commands: the rings, the table of tags under way, the interrupt, and the events that share
 * it. Commands sleep, may run concurrently, and always end: by completion, by timeout (which gives
 * the device up), or because the device was given up.
 */
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>

#include "sluice.h"

static const char *const sluice_status_texts[] = {
#define SLUICE_X(name, value, text) [value] = text,
	SLUICE_STATUSES(SLUICE_X)
#undef SLUICE_X
};

const char *sluice_req_why(const struct sluice_dev *sd, const struct sluice_request *req)
{
	u16 status = req->status;

	if (sluice_dead(sd))
		return "the device was given up";
	if (status < ARRAY_SIZE(sluice_status_texts) && sluice_status_texts[status])
		return sluice_status_texts[status];
	return "status unknown to this driver";
}

int sluice_status_errno(u16 status)
{
	switch (status) {
	case SLUICE_ST_OK:
		return 0;
	case SLUICE_ST_INVALID_OPCODE:
	case SLUICE_ST_NOT_SUPPORTED:
		return -EOPNOTSUPP;
	case SLUICE_ST_INVALID_FIELD:
	case SLUICE_ST_INVALID_ARG:
	case SLUICE_ST_INVALID_ATTR:
		return -EINVAL;
	case SLUICE_ST_TOO_BIG:
	case SLUICE_ST_FULL:
		return -E2BIG;
	case SLUICE_ST_NOT_FOUND:
		return -ENOENT;
	case SLUICE_ST_EXISTS:
		return -EEXIST;
	case SLUICE_ST_NO_RESOURCES:
		return -ENOMEM;
	case SLUICE_ST_BUSY:
	case SLUICE_ST_BAD_STATE:
		return -EBUSY;
	case SLUICE_ST_REFUSED:
		return -EACCES;
	case SLUICE_ST_CANCELLED:
		return -ECANCELED;
	default:
		return -EIO;
	}
}

/* ---- Requests ----------------------------------------------------------------------------- */

int sluice_req_init(struct sluice_dev *sd, struct sluice_request *req, u16 opcode, size_t data_room,
		    size_t resp_room)
{
	memset(req, 0, sizeof(*req));
	init_completion(&req->done);
	req->cmd.opcode = cpu_to_le16(opcode);
	req->data_room = data_room;
	req->resp_room = resp_room;
	if (data_room > sd->caps.max_data || resp_room > sd->caps.max_resp)
		return -E2BIG;
	if (!data_room && !resp_room)
		return 0;

	req->buf = dma_alloc_coherent(&sd->pdev->dev, data_room + resp_room, &req->dma,
				      GFP_KERNEL | __GFP_NOWARN);
	return req->buf ? 0 : -ENOMEM;
}

void sluice_req_free(struct sluice_dev *sd, struct sluice_request *req)
{
	if (req->buf)
		dma_free_coherent(&sd->pdev->dev, req->data_room + req->resp_room, req->buf,
				  req->dma);
	req->buf = NULL;
}

void *sluice_req_add(struct sluice_request *req, u16 type, size_t len)
{
	struct sluice_attr *attr = req->buf + req->data_len;

	attr->type = cpu_to_le16(type);
	attr->flags = 0;
	attr->length = cpu_to_le32(len);
	req->data_len += sluice_attr_room(len);
	return attr + 1;
}

void sluice_req_put(struct sluice_request *req, u16 type, const void *data, size_t len)
{
	memcpy(sluice_req_add(req, type, len), data, len);
}

/* ---- Completions and events --------------------------------------------------------------- */

static void sluice_admin_finish(struct sluice_dev *sd, const struct sluice_cmd_cpl *cpl)
{
	struct sluice_admin *admin = &sd->admin;
	u16 tag = le16_to_cpu(cpl->tag);
	struct sluice_request *req;

	req = tag < SLUICE_ADMIN_TAGS ? admin->slots[tag] : NULL;
	if (!req) {
		dev_warn_ratelimited(&sd->pdev->dev,
				     "completion for tag %u, which no command has\n", tag);
		return;
	}
	admin->slots[tag] = NULL;
	req->status = le16_to_cpu(cpl->status);
	req->detail = le32_to_cpu(cpl->detail);
	req->result = le64_to_cpu(cpl->result);
	req->resp_len = min_t(size_t, le32_to_cpu(cpl->resp_len), req->resp_room);
	complete(&req->done);
}

/* Take up what the completion ring holds; admin->lock held. Returns how many there were. */
static unsigned int sluice_admin_poll(struct sluice_dev *sd)
{
	struct sluice_admin *admin = &sd->admin;
	struct sluice_cmd_cpl cpl;
	unsigned int n = 0;

	while (n < SLUICE_ADMIN_RING &&
	       sluice_cpl_ready(admin->acq, admin->acq_head, SLUICE_ADMIN_RING)) {
		cpl = admin->acq[admin->acq_head & (SLUICE_ADMIN_RING - 1)];
		admin->acq_head++;
		sluice_admin_finish(sd, &cpl);
		n++;
	}
	sluice_write32(sd, SLUICE_REG_ACQ_DOORBELL, admin->acq_head | SLUICE_DB32_ARM);
	return n;
}

static void sluice_event(struct sluice_dev *sd, const struct sluice_event *event)
{
	u32 arg = le32_to_cpu(event->arg);
	u64 arg64 = le64_to_cpu(event->arg64);
	struct device *dev = &sd->pdev->dev;

	if (event->lost)
		dev_warn_ratelimited(dev, "%u events lost\n", le32_to_cpu(event->lost));

	switch (le16_to_cpu(event->type)) {
	case SLUICE_EVENT_LINK:
		if (sd->port)
			sluice_link_changed(sd->port, arg);
		break;
	case SLUICE_EVENT_QUEUE_ERROR:
		dev_err_ratelimited(dev, "%s queue %u failed, error %llu: restarting\n",
				    arg >> 16 == SLUICE_QUEUE_RX ? "receive" : "transmit",
				    arg & 0xffff, arg64);
		if (sd->port)
			sluice_port_want_reopen(sd->port);
		break;
	case SLUICE_EVENT_PROG_ABORT:
		dev_warn_ratelimited(dev, "program %u aborted at instruction %u, reason %u\n", arg,
				     lower_32_bits(arg64), upper_32_bits(arg64));
		break;
	default:
		break;
	}
}

static void sluice_event_poll(struct sluice_dev *sd)
{
	struct sluice_admin *admin = &sd->admin;
	struct sluice_event event;
	unsigned int n;

	for (n = 0; n < SLUICE_EVENT_RING; n++) {
		if (!sluice_cpl_ready(admin->evq, admin->evq_head, SLUICE_EVENT_RING))
			break;
		event = admin->evq[admin->evq_head & (SLUICE_EVENT_RING - 1)];
		admin->evq_head++;
		sluice_event(sd, &event);
	}
	sluice_write32(sd, SLUICE_REG_EVQ_DOORBELL, admin->evq_head | SLUICE_DB32_ARM);
}

static irqreturn_t sluice_admin_irq(int irq, void *data)
{
	struct sluice_dev *sd = data;
	struct sluice_admin *admin = &sd->admin;
	unsigned long irqflags;
	u32 cause;

	/* Clear first: what comes after is a new cause and interrupts again. */
	cause = sluice_read32(sd, SLUICE_REG_INTR_CAUSE);
	if (cause == U32_MAX) {
		sluice_dev_fail(sd, "its registers have gone from the bus");
		return IRQ_HANDLED;
	}
	sluice_write32(sd, SLUICE_REG_INTR_CAUSE, cause);

	spin_lock_irqsave(&admin->lock, irqflags);
	admin->interrupts++;
	if (admin->running) {
		sluice_admin_poll(sd);
		if (admin->evq)
			sluice_event_poll(sd);
	}
	spin_unlock_irqrestore(&admin->lock, irqflags);

	if (cause & SLUICE_INTR_FATAL) {
		dev_err(&sd->pdev->dev, "fatal error %u, queue %u, info %#llx\n",
			sluice_read32(sd, SLUICE_REG_FATAL_CODE),
			sluice_read32(sd, SLUICE_REG_FATAL_QUEUE),
			lo_hi_readq(sd->regs + SLUICE_REG_FATAL_INFO));
		sluice_dev_fail(sd, "it reported a fatal error");
	}
	return IRQ_HANDLED;
}

/* ---- Running a command -------------------------------------------------------------------- */

static int sluice_req_submit(struct sluice_dev *sd, struct sluice_request *req)
{
	struct sluice_admin *admin = &sd->admin;
	unsigned long irqflags;
	unsigned int tag;

	req->cmd.data_len = cpu_to_le32(req->data_len);
	req->cmd.data_addr = cpu_to_le64(req->data_len ? req->dma : 0);
	req->cmd.resp_len = cpu_to_le32(req->resp_room);
	req->cmd.resp_addr = cpu_to_le64(req->resp_room ? req->dma + req->data_room : 0);

	spin_lock_irqsave(&admin->lock, irqflags);
	for (tag = 0; tag < SLUICE_ADMIN_TAGS && admin->slots[tag]; tag++)
		;
	if (!admin->running || tag == SLUICE_ADMIN_TAGS) {
		spin_unlock_irqrestore(&admin->lock, irqflags);
		return -EIO;
	}
	admin->slots[tag] = req;
	req->cmd.tag = cpu_to_le16(tag);
	admin->asq[admin->asq_tail & (SLUICE_ADMIN_RING - 1)] = req->cmd;
	admin->asq_tail++;
	sluice_write32(sd, SLUICE_REG_ASQ_DOORBELL, admin->asq_tail);
	spin_unlock_irqrestore(&admin->lock, irqflags);
	return 0;
}

/* The time is up: look whether only the interrupt was lost, else give the device up. */
static void sluice_req_late(struct sluice_dev *sd, struct sluice_request *req)
{
	struct sluice_admin *admin = &sd->admin;
	unsigned int found = 0;
	unsigned long irqflags;

	spin_lock_irqsave(&admin->lock, irqflags);
	if (admin->running)
		found = sluice_admin_poll(sd);
	if (found)
		admin->lost_interrupts++;
	spin_unlock_irqrestore(&admin->lock, irqflags);

	if (found)
		dev_warn_ratelimited(&sd->pdev->dev, "command completed without an interrupt\n");
	if (!completion_done(&req->done)) {
		dev_err(&sd->pdev->dev, "command %#06x was not completed in time\n",
			le16_to_cpu(req->cmd.opcode));
		sluice_dev_fail(sd, "it does not complete commands");
	}
	wait_for_completion(&req->done);
}

int sluice_req_run(struct sluice_dev *sd, struct sluice_request *req, unsigned int timeout_ms)
{
	unsigned long timeout = msecs_to_jiffies(timeout_ms);
	int err;

	/* Whoever holds the tags is bounded, hence so is this wait. */
	if (down_timeout(&sd->admin.room, msecs_to_jiffies(SLUICE_LOAD_TIMEOUT_MS)))
		return -EBUSY;
	err = sluice_req_submit(sd, req);
	if (!err) {
		if (!wait_for_completion_timeout(&req->done, timeout))
			sluice_req_late(sd, req);
		err = sluice_dead(sd) ? -EIO : sluice_status_errno(req->status);
	}
	up(&sd->admin.room);
	return err;
}

int sluice_simple_cmd(struct sluice_dev *sd, u16 opcode, const void *args, size_t len)
{
	struct sluice_request req;
	int err;

	err = sluice_req_init(sd, &req, opcode, 0, 0);
	if (err)
		return err;
	memcpy(req.cmd.args, args, len);
	err = sluice_req_run(sd, &req, SLUICE_TIMEOUT_MS);
	if (err && !sluice_dead(sd))
		dev_err(&sd->pdev->dev, "command %#06x failed: %s (status %u, detail %u)\n", opcode,
			sluice_req_why(sd, &req), req.status, req.detail);
	sluice_req_free(sd, &req);
	return err;
}

void sluice_admin_cancel(struct sluice_dev *sd)
{
	struct sluice_admin *admin = &sd->admin;
	struct sluice_request *req;
	unsigned long irqflags;
	unsigned int tag;

	spin_lock_irqsave(&admin->lock, irqflags);
	admin->running = false;
	for (tag = 0; tag < SLUICE_ADMIN_TAGS; tag++) {
		req = admin->slots[tag];
		admin->slots[tag] = NULL;
		if (!req)
			continue;
		req->status = SLUICE_ST_CANCELLED;
		complete(&req->done);
	}
	if (sd->port)
		netif_carrier_off(sd->port->netdev);
	spin_unlock_irqrestore(&admin->lock, irqflags);
}

/* ---- Start and stop ----------------------------------------------------------------------- */

static void sluice_admin_free(struct sluice_dev *sd)
{
	struct sluice_admin *admin = &sd->admin;
	struct device *dev = &sd->pdev->dev;

	if (admin->asq)
		dma_free_coherent(dev, SLUICE_ADMIN_RING * sizeof(*admin->asq), admin->asq,
				  admin->asq_dma);
	if (admin->acq)
		dma_free_coherent(dev, SLUICE_ADMIN_RING * sizeof(*admin->acq), admin->acq,
				  admin->acq_dma);
	if (admin->evq)
		dma_free_coherent(dev, SLUICE_EVENT_RING * sizeof(*admin->evq), admin->evq,
				  admin->evq_dma);
	admin->asq = NULL;
	admin->acq = NULL;
	admin->evq = NULL;
}

static int sluice_admin_alloc(struct sluice_dev *sd)
{
	struct sluice_admin *admin = &sd->admin;
	struct device *dev = &sd->pdev->dev;

	admin->asq = dma_alloc_coherent(dev, SLUICE_ADMIN_RING * sizeof(*admin->asq),
					&admin->asq_dma, GFP_KERNEL);
	admin->acq = dma_alloc_coherent(dev, SLUICE_ADMIN_RING * sizeof(*admin->acq),
					&admin->acq_dma, GFP_KERNEL);
	if (sluice_has(sd, SLUICE_FEATURE_EVENTS))
		admin->evq = dma_alloc_coherent(dev, SLUICE_EVENT_RING * sizeof(*admin->evq),
						&admin->evq_dma, GFP_KERNEL);
	if (admin->asq && admin->acq && (admin->evq || !sluice_has(sd, SLUICE_FEATURE_EVENTS)))
		return 0;
	sluice_admin_free(sd);
	return -ENOMEM;
}

static void sluice_admin_set_rings(struct sluice_dev *sd)
{
	struct sluice_admin *admin = &sd->admin;

	admin->asq_tail = 0;
	admin->acq_head = 0;
	admin->evq_head = 0;
	lo_hi_writeq(admin->asq_dma, sd->regs + SLUICE_REG_ASQ_BASE);
	lo_hi_writeq(admin->acq_dma, sd->regs + SLUICE_REG_ACQ_BASE);
	sluice_write32(sd, SLUICE_REG_ASQ_SIZE, SLUICE_ADMIN_RING);
	sluice_write32(sd, SLUICE_REG_ACQ_SIZE, SLUICE_ADMIN_RING);
	if (admin->evq)
		lo_hi_writeq(admin->evq_dma, sd->regs + SLUICE_REG_EVQ_BASE);
	sluice_write32(sd, SLUICE_REG_EVQ_SIZE, admin->evq ? SLUICE_EVENT_RING : 0);
	sluice_write32(sd, SLUICE_REG_ADMIN_VECTOR, SLUICE_ADMIN_VECTOR);
	sluice_write32(sd, SLUICE_REG_INTR_MASK, 0);
}

void sluice_admin_init(struct sluice_dev *sd)
{
	spin_lock_init(&sd->admin.lock);
	sema_init(&sd->admin.room, SLUICE_ADMIN_TAGS);
}

int sluice_admin_start(struct sluice_dev *sd)
{
	struct sluice_admin *admin = &sd->admin;
	int irq = pci_irq_vector(sd->pdev, SLUICE_ADMIN_VECTOR);
	int err;

	err = sluice_admin_alloc(sd);
	if (err)
		return err;

	err = request_irq(irq, sluice_admin_irq, 0, SLUICE_DRV_NAME "-admin", sd);
	if (err)
		goto err_free;

	sluice_admin_set_rings(sd);
	sluice_write32(sd, SLUICE_REG_CONTROL,
		       SLUICE_CONTROL_FEATURES_OK | SLUICE_CONTROL_ADMIN_ENABLE);
	if (!(sluice_read32(sd, SLUICE_REG_STATUS) & SLUICE_STATUS_ADMIN_ON)) {
		dev_err(&sd->pdev->dev, "the device does not accept the admin rings\n");
		err = -EIO;
		goto err_irq;
	}

	spin_lock_irq(&admin->lock);
	admin->running = true;
	sluice_write32(sd, SLUICE_REG_ACQ_DOORBELL, SLUICE_DB32_ARM);
	if (admin->evq)
		sluice_write32(sd, SLUICE_REG_EVQ_DOORBELL, SLUICE_DB32_ARM);
	spin_unlock_irq(&admin->lock);
	return 0;

err_irq:
	free_irq(irq, sd);
err_free:
	sluice_admin_free(sd);
	return err;
}

void sluice_admin_stop(struct sluice_dev *sd)
{
	if (!sd->admin.asq)
		return;
	sluice_admin_cancel(sd);
	free_irq(pci_irq_vector(sd->pdev, SLUICE_ADMIN_VECTOR), sd);
	sluice_admin_free(sd);
}
