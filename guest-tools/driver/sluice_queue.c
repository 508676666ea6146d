// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Queue pairs: a receive and a transmit queue that share a doorbell page, an MSI-X vector and a
 * NAPI context. Their life on the device: create, enable, disable (drains), destroy.
 */
#include <linux/interrupt.h>
#include <linux/topology.h>

#include "sluice.h"

static irqreturn_t sluice_pair_irq(int irq, void *data)
{
	struct sluice_pair *pair = data;

	WRITE_ONCE(pair->interrupts, pair->interrupts + 1);
	napi_schedule_irqoff(&pair->napi);
	return IRQ_HANDLED;
}

static int sluice_pair_poll(struct napi_struct *napi, int budget)
{
	struct sluice_pair *pair = container_of(napi, struct sluice_pair, napi);
	bool tx_done = sluice_tx_poll(pair, budget);
	int done;

	if (!budget)
		return 0;
	done = sluice_rx_poll(pair, budget);
	if (!tx_done)
		done = budget;
	if (done < budget && napi_complete_done(napi, done)) {
		/* What came since the rings were looked at fires at once. */
		sluice_rx_ack(pair, true);
		sluice_tx_ack(pair, true);
	}
	return done;
}

/* ---- Commands ----------------------------------------------------------------------------- */

static int sluice_queue_create(struct sluice_pair *pair, u8 type)
{
	struct sluice_dev *sd = pair->port->sd;
	bool rx = type == SLUICE_QUEUE_RX;
	struct sluice_queue_config *config;
	struct sluice_request req;
	int err;

	err = sluice_req_init(sd, &req, rx ? SLUICE_OP_RX_QUEUE_CREATE : SLUICE_OP_TX_QUEUE_CREATE,
			      sluice_attr_room(sizeof(*config)), 0);
	if (err)
		return err;
	config = sluice_req_add(&req, SLUICE_ATTR_QUEUE, sizeof(*config));
	config->queue = cpu_to_le16(pair->index);
	config->vector = cpu_to_le16(pair->index + 1);
	config->ring_base = cpu_to_le64(rx ? pair->rx.ring_dma : pair->tx.ring_dma);
	config->cpl_base = cpu_to_le64(rx ? pair->rx.cpl_dma : pair->tx.cpl_dma);
	config->ring_size = cpu_to_le32(rx ? pair->rx.size : pair->tx.size);
	config->cpl_size = cpu_to_le32(rx ? pair->rx.cpl_size : pair->tx.cpl_size);
	if (rx) {
		config->buffer_size = cpu_to_le32(pair->rx.buffer_size);
		config->headroom = cpu_to_le32(pair->rx.headroom);
	}
	err = sluice_req_run(sd, &req, SLUICE_TIMEOUT_MS);
	if (err)
		netdev_err(pair->port->netdev, "cannot create %s queue %u: %s (detail %u)\n",
			   rx ? "receive" : "transmit", pair->index, sluice_req_why(sd, &req),
			   req.detail);
	sluice_req_free(sd, &req);
	return err;
}

static int sluice_queue_cmd(struct sluice_pair *pair, u16 opcode, u8 type)
{
	struct sluice_args_queue args = {
		.queue = cpu_to_le16(pair->index),
		.type = type,
	};

	return sluice_simple_cmd(pair->port->sd, opcode, &args, sizeof(args));
}

/* Take one direction off the device. When the device refuses, nothing short of a reset keeps it
 * from the memory of the rings.
 */
static void sluice_queue_destroy(struct sluice_pair *pair, u8 type)
{
	if (sluice_dead(pair->port->sd))
		return;
	if (sluice_queue_cmd(pair, SLUICE_OP_QUEUE_DESTROY, type))
		sluice_dev_fail(pair->port->sd, "it does not let go of a queue");
}

/* Fails on a queue in error, which has stopped already; destroying it tells the difference. */
static void sluice_queue_disable(struct sluice_pair *pair, u8 type)
{
	struct sluice_args_queue args = {
		.queue = cpu_to_le16(pair->index),
		.type = type,
	};
	struct sluice_request req;

	if (sluice_req_init(pair->port->sd, &req, SLUICE_OP_QUEUE_DISABLE, 0, 0))
		return;
	memcpy(req.cmd.args, &args, sizeof(args));
	sluice_req_run(pair->port->sd, &req, SLUICE_TIMEOUT_MS);
	sluice_req_free(pair->port->sd, &req);
}

static int sluice_pair_create_queues(struct sluice_pair *pair)
{
	int err;

	err = sluice_queue_create(pair, SLUICE_QUEUE_RX);
	if (err)
		return err;
	err = sluice_queue_create(pair, SLUICE_QUEUE_TX);
	if (err)
		sluice_queue_destroy(pair, SLUICE_QUEUE_RX);
	return err;
}

static void sluice_pair_destroy_queues(struct sluice_pair *pair)
{
	sluice_queue_destroy(pair, SLUICE_QUEUE_TX);
	sluice_queue_destroy(pair, SLUICE_QUEUE_RX);
}

static int sluice_pair_enable_queues(struct sluice_pair *pair)
{
	int err;

	err = sluice_queue_cmd(pair, SLUICE_OP_QUEUE_ENABLE, SLUICE_QUEUE_TX);
	if (err)
		return err;
	return sluice_queue_cmd(pair, SLUICE_OP_QUEUE_ENABLE, SLUICE_QUEUE_RX);
}

/* ---- Interrupts --------------------------------------------------------------------------- */

static int sluice_pair_request_irq(struct sluice_pair *pair)
{
	struct net_device *netdev = pair->port->netdev;
	struct pci_dev *pdev = pair->port->sd->pdev;
	unsigned int cpu = cpumask_local_spread(pair->index, dev_to_node(&pdev->dev));
	int err;

	pair->irq = pci_irq_vector(pdev, pair->index + 1);
	snprintf(pair->irq_name, sizeof(pair->irq_name), "%s-%u", netdev->name, pair->index);
	err = request_irq(pair->irq, sluice_pair_irq, 0, pair->irq_name, pair);
	if (err)
		return err;
	irq_set_affinity_and_hint(pair->irq, cpumask_of(cpu));
	netif_set_xps_queue(netdev, cpumask_of(cpu), pair->index);
	return 0;
}

static void sluice_pair_free_irq(struct sluice_pair *pair)
{
	irq_set_affinity_and_hint(pair->irq, NULL);
	free_irq(pair->irq, pair);
}

/* ---- A pair's life ------------------------------------------------------------------------ */

static void sluice_pair_napi_on(struct sluice_pair *pair)
{
	struct net_device *netdev = pair->port->netdev;

	napi_enable(&pair->napi);
	netif_napi_set_irq(&pair->napi, pair->irq);
	netif_queue_set_napi(netdev, pair->index, NETDEV_QUEUE_TYPE_RX, &pair->napi);
	netif_queue_set_napi(netdev, pair->index, NETDEV_QUEUE_TYPE_TX, &pair->napi);
}

static void sluice_pair_napi_off(struct sluice_pair *pair)
{
	struct net_device *netdev = pair->port->netdev;

	netif_queue_set_napi(netdev, pair->index, NETDEV_QUEUE_TYPE_RX, NULL);
	netif_queue_set_napi(netdev, pair->index, NETDEV_QUEUE_TYPE_TX, NULL);
	napi_disable(&pair->napi);
}

/* Everything but letting the device begin. */
static int sluice_pair_setup(struct sluice_pair *pair)
{
	int err;

	netif_napi_add(pair->port->netdev, &pair->napi, sluice_pair_poll);
	err = sluice_rx_alloc(pair);
	if (err)
		goto err_napi;
	err = sluice_tx_alloc(pair);
	if (err)
		goto err_rx;
	err = sluice_pair_request_irq(pair);
	if (err)
		goto err_tx;
	err = sluice_pair_create_queues(pair);
	if (err)
		goto err_irq;
	return 0;

err_irq:
	sluice_pair_free_irq(pair);
err_tx:
	sluice_tx_free(pair);
err_rx:
	sluice_rx_free(pair);
err_napi:
	netif_napi_del(&pair->napi);
	return err;
}

static void sluice_pair_teardown(struct sluice_pair *pair)
{
	sluice_pair_destroy_queues(pair);
	sluice_pair_free_irq(pair);
	sluice_tx_free(pair);
	sluice_rx_free(pair);
	netif_napi_del(&pair->napi);
}

static int sluice_pair_go(struct sluice_pair *pair)
{
	int err;

	err = sluice_pair_enable_queues(pair);
	if (err)
		return err;
	sluice_pair_napi_on(pair);
	/* From here on the queue is NAPI's: begin there, with buffers and armed interrupts. */
	local_bh_disable();
	napi_schedule(&pair->napi);
	local_bh_enable();
	return 0;
}

static void sluice_pair_halt(struct sluice_pair *pair)
{
	/* Disabling completes when the rings have drained; NAPI still hands frames up meanwhile. */
	sluice_queue_disable(pair, SLUICE_QUEUE_RX);
	sluice_queue_disable(pair, SLUICE_QUEUE_TX);
	sluice_pair_napi_off(pair);
	sluice_rx_discard(pair);
	sluice_tx_poll(pair, 0);
}

void sluice_pairs_stop(struct sluice_port *port)
{
	unsigned int i;

	for (i = port->n_pairs; i-- > 0;)
		sluice_pair_halt(&port->pairs[i]);
	/* NAPI may have woken a queue after sluice_port_down() had stopped it. */
	netif_tx_disable(port->netdev);
	for (i = port->n_pairs; i-- > 0;)
		sluice_pair_teardown(&port->pairs[i]);
}

int sluice_pairs_start(struct sluice_port *port)
{
	unsigned int set_up, running;
	int err = 0;

	for (set_up = 0; set_up < port->n_pairs; set_up++) {
		err = sluice_pair_setup(&port->pairs[set_up]);
		if (err)
			goto err_teardown;
	}
	for (running = 0; running < port->n_pairs; running++) {
		err = sluice_pair_go(&port->pairs[running]);
		if (err)
			goto err_halt;
	}
	return 0;

err_halt:
	while (running-- > 0)
		sluice_pair_halt(&port->pairs[running]);
err_teardown:
	while (set_up-- > 0)
		sluice_pair_teardown(&port->pairs[set_up]);
	return err;
}
