// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Offloaded programs: from the kernel's verifier to the device's, and to the port.
 *
 * The image is taken and loaded in finalize(): map references are still told by their pseudo source
 * register, helpers by their id, calls are relative, and what the device's verifier says can still
 * be put into the verifier log. What the kernel does to its copy later (removal of dead code,
 * inlining, expansion of divisions) is for its own engines.
 */
#include <linux/bpf_verifier.h>

#include "sluice.h"

struct sluice_prog {
	struct sluice_dev *sd;
	u32 id; /* of the device, 0: not loaded */
	u32 generation;
	u32 n_insns;
	u32 n_maps;
	struct bpf_insn *image; /* as loaded: map references hold the device's map ids */
	struct sluice_map **maps;
	bool checked; /* the program as a whole */
};

/* ---- What the capabilities rule out ------------------------------------------------------- */

static const char *const sluice_helper_names[] = {
#define SLUICE_HELPER_NAME(name) [BPF_FUNC_##name] = "bpf_" #name
	__BPF_FUNC_MAPPER(SLUICE_HELPER_NAME)
#undef SLUICE_HELPER_NAME
};

static int sluice_check_helper(struct bpf_verifier_env *env, const struct sluice_caps *caps, u32 id)
{
	if (id < 64 * ARRAY_SIZE(caps->helpers) && caps->helpers[id / 64] & BIT_ULL(id % 64))
		return 0;
	bpf_verifier_log_write(env, "sluice: the device has no helper %s#%u\n",
			       id < ARRAY_SIZE(sluice_helper_names) && sluice_helper_names[id]
				       ? sluice_helper_names[id]
				       : "unknown",
			       id);
	return -EOPNOTSUPP;
}

static int sluice_check_call(struct bpf_verifier_env *env, const struct sluice_caps *caps,
			     const struct bpf_insn *insn)
{
	switch (insn->src_reg) {
	case 0:
		return sluice_check_helper(env, caps, insn->imm);
	case BPF_PSEUDO_CALL:
		if (caps->prog_features & SLUICE_PROG_FEATURE_CALLS)
			return 0;
		bpf_verifier_log_write(env, "sluice: the device has no calls between functions\n");
		return -EOPNOTSUPP;
	case BPF_PSEUDO_KFUNC_CALL:
		bpf_verifier_log_write(env, "sluice: the device has no kfuncs\n");
		return -EOPNOTSUPP;
	default:
		bpf_verifier_log_write(env, "sluice: call of a kind unknown to the driver: %u\n",
				       insn->src_reg);
		return -EOPNOTSUPP;
	}
}

static int sluice_check_prog(struct bpf_verifier_env *env, const struct sluice_caps *caps)
{
	struct bpf_prog *prog = env->prog;

	if (prog->type != BPF_PROG_TYPE_XDP) {
		bpf_verifier_log_write(env, "sluice: only XDP programs can be offloaded\n");
		return -EOPNOTSUPP;
	}
	if (prog->len > caps->prog_max_insns) {
		bpf_verifier_log_write(env, "sluice: %u instructions, the device takes up to %u\n",
				       prog->len, caps->prog_max_insns);
		return -E2BIG;
	}
	return 0;
}

/* The device verifies for itself; this only refuses early what its capabilities exclude. */
static int sluice_insn_hook(struct bpf_verifier_env *env, int insn_idx, int prev_insn_idx)
{
	struct sluice_prog *sp = env->prog->aux->offload->dev_priv;
	const struct bpf_insn *insn = &env->prog->insnsi[insn_idx];
	const struct sluice_caps *caps = &sp->sd->caps;
	int err;

	if (!sp->checked) {
		err = sluice_check_prog(env, caps);
		if (err)
			return err;
		sp->checked = true;
	}
	if (insn->code == (BPF_JMP | BPF_CALL))
		return sluice_check_call(env, caps, insn);
	return 0;
}

/* ---- Image -------------------------------------------------------------------------------- */

static int sluice_prepare(struct bpf_prog *prog)
{
	struct sluice_prog *sp;

	sp = kzalloc_obj(*sp);
	if (!sp)
		return -ENOMEM;
	sp->sd = bpf_offload_dev_priv(prog->aux->offload->offdev);
	prog->aux->offload->dev_priv = sp;
	return 0;
}

static int sluice_take_maps(struct bpf_verifier_env *env, struct sluice_prog *sp)
{
	struct sluice_map *map;
	u32 i;

	sp->maps = kcalloc(max_t(u32, env->used_map_cnt, 1), sizeof(*sp->maps), GFP_KERNEL);
	if (!sp->maps)
		return -ENOMEM;
	for (i = 0; i < env->used_map_cnt; i++) {
		/* The core lets host maps pass only if they are of this type. */
		if (env->used_maps[i]->map_type == BPF_MAP_TYPE_PERF_EVENT_ARRAY) {
			bpf_verifier_log_write(env, "sluice: map '%s' is not in the device\n",
					       env->used_maps[i]->name);
			return -EOPNOTSUPP;
		}
		map = map_to_offmap(env->used_maps[i])->dev_priv;
		kref_get(&map->ref);
		sp->maps[sp->n_maps++] = map;
	}
	return 0;
}

/* Put the device's map id where @insn, the first half of a ld_imm64, holds a kernel pointer. */
static int sluice_relocate_map(struct bpf_verifier_env *env, struct sluice_prog *sp,
			       struct bpf_insn *insn)
{
	u64 addr = (u32)insn[0].imm | (u64)(u32)insn[1].imm << 32;
	u32 i;

	switch (insn->src_reg) {
	case 0:
		return 0;
	case BPF_PSEUDO_MAP_FD:
	case BPF_PSEUDO_MAP_IDX:
		break;
	default:
		bpf_verifier_log_write(env, "sluice: the device cannot load addresses of kind %u\n",
				       insn->src_reg);
		return -EOPNOTSUPP;
	}
	for (i = 0; i < sp->n_maps; i++) {
		if (addr != (unsigned long)env->used_maps[i])
			continue;
		insn[0].src_reg = BPF_PSEUDO_MAP_FD;
		insn[0].imm = sp->maps[i]->id;
		insn[1].imm = 0;
		return 0;
	}
	return -EFAULT;
}

static int sluice_take_image(struct bpf_verifier_env *env, struct sluice_prog *sp)
{
	struct bpf_prog *prog = env->prog;
	int err;
	u32 i;

	sp->n_insns = prog->len;
	sp->image = kvmemdup(prog->insnsi, prog->len * sizeof(*sp->image), GFP_KERNEL);
	if (!sp->image)
		return -ENOMEM;
	for (i = 0; i < sp->n_insns; i++) {
		if (sp->image[i].code != (BPF_LD | BPF_IMM | BPF_DW))
			continue;
		if (i + 1 == sp->n_insns)
			return -EFAULT;
		err = sluice_relocate_map(env, sp, &sp->image[i]);
		if (err)
			return err;
		i++;
	}
	return 0;
}

/* ---- Loading ------------------------------------------------------------------------------ */

/* What the device's verifier wrote, line by line (the kernel's log takes 1 KiB at a time). */
static void sluice_show_log(struct bpf_verifier_env *env, char *log, u32 len)
{
	char *line;

	if (!len)
		return;
	log[len - 1] = '\0';
	while ((line = strsep(&log, "\n")))
		if (*line)
			bpf_verifier_log_write(env, "sluice: %.900s\n", line);
}

static int sluice_load(struct bpf_verifier_env *env, struct sluice_prog *sp)
{
	const char *name = env->prog->aux->name;
	struct sluice_args_prog_load args = {};
	struct sluice_dev *sd = sp->sd;
	size_t image_len = sp->n_insns * sizeof(*sp->image);
	size_t log_room = min(sd->caps.prog_max_log, sd->caps.max_resp);
	struct sluice_request req;
	int err;

	/* Nobody asked for more than the reason. */
	if (!env->log.level)
		log_room = min_t(size_t, log_room, PAGE_SIZE);
	err = sluice_req_init(sd, &req, SLUICE_OP_PROG_LOAD,
			      sluice_attr_room(image_len) + sluice_attr_room(SLUICE_NAME_LEN),
			      log_room);
	if (err) {
		bpf_verifier_log_write(env, "sluice: no command of %zu bytes: %s\n", image_len,
				       err == -E2BIG ? "more than the device takes"
						     : "no memory for DMA");
		return err;
	}
	args.log_level = cpu_to_le32(env->log.level & BPF_LOG_LEVEL2 ? 2 : !!env->log.level);
	memcpy(req.cmd.args, &args, sizeof(args));
	sluice_req_put(&req, SLUICE_ATTR_INSNS, sp->image, image_len);
	if (*name)
		strscpy(sluice_req_add(&req, SLUICE_ATTR_NAME, SLUICE_NAME_LEN), name,
			SLUICE_NAME_LEN);
	err = sluice_req_run(sd, &req, SLUICE_LOAD_TIMEOUT_MS);
	if (!sluice_dead(sd))
		sluice_show_log(env, sluice_req_resp(&req), req.resp_len);
	if (err) {
		bpf_verifier_log_write(env, "sluice: the device does not load the program: %s\n",
				       sluice_req_why(sd, &req));
	} else {
		sp->id = req.result;
		sp->generation = sd->generation;
	}
	sluice_req_free(sd, &req);
	return err;
}

static int sluice_finalize(struct bpf_verifier_env *env)
{
	struct sluice_prog *sp = env->prog->aux->offload->dev_priv;
	int err;

	err = sluice_take_maps(env, sp);
	if (err)
		return err;
	err = sluice_take_image(env, sp);
	if (err)
		return err;
	return sluice_load(env, sp);
}

/*
 * The kernel optimises its copy after finalize(). The device has loaded the program already and
 * finds dead code itself, so there is nothing to do, and that is no failure.
 */
static int sluice_replace_insn(struct bpf_verifier_env *env, u32 off, struct bpf_insn *insn)
{
	return 0;
}

static int sluice_remove_insns(struct bpf_verifier_env *env, u32 off, u32 cnt)
{
	return 0;
}

static int sluice_translate(struct bpf_prog *prog)
{
	struct bpf_prog_offload *offload = prog->aux->offload;
	struct sluice_prog *sp = offload->dev_priv;

	/* Patching may have moved the program; unregistering would use the stale pointer. */
	offload->prog = prog;
	offload->jited_image = sp->image;
	offload->jited_len = sp->n_insns * sizeof(*sp->image);
	return 0;
}

static void sluice_prog_destroy(struct bpf_prog *prog)
{
	struct sluice_prog *sp = prog->aux->offload->dev_priv;
	struct sluice_args_prog args = {.prog_id = cpu_to_le32(sp->id)};
	u32 i;

	if (sp->id && sp->generation == sp->sd->generation && !sluice_dead(sp->sd))
		sluice_simple_cmd(sp->sd, SLUICE_OP_PROG_FREE, &args, sizeof(args));
	for (i = 0; i < sp->n_maps; i++)
		sluice_map_put(sp->maps[i]);
	kfree(sp->maps);
	kvfree(sp->image);
	kfree(sp);
}

static const struct bpf_prog_offload_ops sluice_prog_ops = {
	.insn_hook = sluice_insn_hook,
	.finalize = sluice_finalize,
	.replace_insn = sluice_replace_insn,
	.remove_insns = sluice_remove_insns,
	.prepare = sluice_prepare,
	.translate = sluice_translate,
	.destroy = sluice_prog_destroy,
};

/* ---- Attaching ---------------------------------------------------------------------------- */

static int sluice_check_attach(struct sluice_port *port, struct netdev_bpf *bpf)
{
	const struct sluice_prog *sp;

	if (!bpf_prog_is_offloaded(bpf->prog->aux)) {
		NL_SET_ERR_MSG_MOD(bpf->extack, "program was loaded without this device's ifindex");
		return -EINVAL;
	}
	sp = bpf->prog->aux->offload->dev_priv;
	if (sp->generation != port->sd->generation) {
		NL_SET_ERR_MSG_MOD(bpf->extack, "program was lost in a reset, load it again");
		return -ENODEV;
	}
	if (port->netdev->mtu > port->sd->caps.prog_max_mtu) {
		NL_SET_ERR_MSG_FMT_MOD(bpf->extack, "MTU %u, with a program at most %u",
				       port->netdev->mtu, port->sd->caps.prog_max_mtu);
		return -EOPNOTSUPP;
	}
	return 0;
}

/* One command replaces whatever is attached; each frame sees wholly the old or the new program. */
static int sluice_setup_hw(struct sluice_port *port, struct netdev_bpf *bpf)
{
	struct sluice_dev *sd = port->sd;
	struct sluice_args_prog args = {};
	const struct sluice_prog *sp;
	int err = 0;

	if (bpf->prog) {
		err = sluice_check_attach(port, bpf);
		if (err)
			return err;
		sp = bpf->prog->aux->offload->dev_priv;
		args.prog_id = cpu_to_le32(sp->id);
		err = sluice_simple_cmd(sd, SLUICE_OP_PROG_ATTACH, &args, sizeof(args));
	} else if (port->xdp_hw.prog && port->xdp_generation == sd->generation &&
		   !sluice_dead(sd)) {
		err = sluice_simple_cmd(sd, SLUICE_OP_PROG_DETACH, &args, sizeof(args));
	}
	if (err) {
		NL_SET_ERR_MSG_MOD(bpf->extack, "the device refuses, see the kernel log");
		return err;
	}
	port->xdp_generation = sd->generation;
	xdp_attachment_setup(&port->xdp_hw, bpf);
	return 0;
}

int sluice_ndo_bpf(struct net_device *netdev, struct netdev_bpf *bpf)
{
	struct sluice_port *port = netdev_priv(netdev);
	bool offload = sluice_has(port->sd, SLUICE_FEATURE_XDP_OFFLOAD);

	switch (bpf->command) {
	case XDP_SETUP_PROG_HW:
		if (offload)
			return sluice_setup_hw(port, bpf);
		NL_SET_ERR_MSG_MOD(bpf->extack, "this device has no XDP offload");
		return -EOPNOTSUPP;
	case XDP_SETUP_PROG:
		if (!bpf->prog)
			return 0;
		NL_SET_ERR_MSG_MOD(bpf->extack, "no native XDP: use xdpoffload or xdpgeneric");
		return -EOPNOTSUPP;
	case BPF_OFFLOAD_MAP_ALLOC:
		return offload ? sluice_map_alloc(port->sd, bpf->offmap) : -EOPNOTSUPP;
	case BPF_OFFLOAD_MAP_FREE:
		sluice_map_release(bpf->offmap);
		return 0;
	default:
		return -EINVAL;
	}
}

/* ---- Registration ------------------------------------------------------------------------- */

int sluice_offload_create(struct sluice_dev *sd)
{
	/* The image goes to the device as the kernel has it, and the device is little-endian. */
	if (IS_ENABLED(CONFIG_CPU_BIG_ENDIAN))
		sd->features &= ~SLUICE_FEATURE_XDP_OFFLOAD;
	if (!sluice_has(sd, SLUICE_FEATURE_XDP_OFFLOAD))
		return 0;
	sd->offdev = bpf_offload_dev_create(&sluice_prog_ops, sd);
	return PTR_ERR_OR_ZERO(sd->offdev);
}

void sluice_offload_destroy(struct sluice_dev *sd)
{
	if (sd->offdev)
		bpf_offload_dev_destroy(sd->offdev);
}

int sluice_offload_register(struct sluice_port *port)
{
	if (!port->sd->offdev)
		return 0;
	return bpf_offload_dev_netdev_register(port->sd->offdev, port->netdev);
}

/* Takes programs, then maps, from the device: commands must still work. */
void sluice_offload_unregister(struct sluice_port *port)
{
	if (port->sd->offdev)
		bpf_offload_dev_netdev_unregister(port->sd->offdev, port->netdev);
}
