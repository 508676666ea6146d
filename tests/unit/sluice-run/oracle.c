// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "fixture.h"
#include "oracle.h"

#include <pcap/pcap.h>
#include <string.h>

struct verdict {
	enum fw_verdict l3;
	enum fw_verdict l4;
	int tagged;
	uint8_t source[16];
};

static unsigned u16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

static enum fw_verdict judge_l4(unsigned protocol, uint32_t left)
{
	if (protocol == 6)
		return left < 20 ? FW_MALFORMED : FW_TCP;
	if (protocol == 17)
		return left < 8 ? FW_MALFORMED : FW_UDP;
	return FW_OTHER_L4;
}

static void judge_ip(struct verdict *v, unsigned type, const uint8_t *at, uint32_t left)
{
	uint32_t header = type == 0x0800 ? 20 : 40;

	if (left < header || at[0] >> 4 != (type == 0x0800 ? 4 : 6))
		return;
	if (type == 0x86dd) {
		memcpy(v->source, at + 8, 16);
		v->l4 = judge_l4(at[6], left - header);
	} else {
		memset(v->source, 0, 10);
		memset(v->source + 10, 0xff, 2);
		memcpy(v->source + 12, at + 12, 4);
		header = (at[0] & 15) * 4u;
		if (header < 20)
			return;
		if (u16(at + 6) & 0x1fff)
			v->l4 = FW_OTHER_L4;
		else
			v->l4 = judge_l4(at[9], left < header ? 0 : left - header);
	}
	if (v->l4 != FW_MALFORMED)
		v->l3 = type == 0x0800 ? FW_IPV4 : FW_IPV6;
}

static struct verdict judge_frame(const uint8_t *frame, uint32_t len)
{
	struct verdict v = {.l3 = FW_MALFORMED};
	uint32_t at = 14;
	unsigned type;

	if (len < at)
		return v;
	type = u16(frame + 12);
	for (int tags = 0; tags < 2 && (type == 0x8100 || type == 0x88a8); tags++) {
		if (len < at + 4)
			return v;
		v.tagged = 1;
		type = u16(frame + at + 2);
		at += 4;
	}
	if (type == 0x0800 || type == 0x86dd)
		judge_ip(&v, type, frame + at, len - at);
	else if (type)
		v.l3 = FW_OTHER_L3;
	return v;
}

static void account(struct oracle *o, const struct verdict *v, uint32_t len, const uint8_t *blocked)
{
	int drop = v->l3 == FW_MALFORMED;

	o->frames++;
	o->bytes += len;
	o->verdicts[v->l3]++;
	o->verdicts[FW_TAGGED] += v->tagged;
	if (v->l3 == FW_IPV4 || v->l3 == FW_IPV6) {
		o->verdicts[v->l4]++;
		if (blocked && !memcmp(v->source, blocked, sizeof(v->source))) {
			o->verdicts[FW_BLOCKED]++;
			drop = 1;
		}
	}
	o->verdicts[drop ? FW_DROPPED : FW_PASSED]++;
	if (!drop)
		o->passed_bytes += len;
}

struct oracle oracle_judge(const char *path, const uint8_t *blocked)
{
	struct oracle o = {0};
	char reason[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_open_offline(path, reason);
	struct pcap_pkthdr *head;
	const u_char *data;

	if (!pcap)
		fail_msg("%s", reason);
	while (pcap_next_ex(pcap, &head, &data) == 1) {
		struct verdict v = judge_frame(data, head->caplen);

		account(&o, &v, head->caplen, blocked);
	}
	pcap_close(pcap);
	return o;
}
