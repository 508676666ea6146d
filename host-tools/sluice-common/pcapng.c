// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Section numbers below are those of draft-ietf-opsawg-pcapng. */
#include "pcapng.h"
#include "error.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

#define BLOCK_SECTION   0x0a0d0d0au /* 4.1 */
#define BLOCK_INTERFACE 0x00000001u /* 4.2 */
#define BLOCK_PACKET    0x00000006u /* 4.3, enhanced packet */

#define BYTE_ORDER_MAGIC  0x1a2b3c4du
#define LINKTYPE_ETHERNET 1

/* Options: 3.5 for all blocks, then by block. */
#define OPT_END        0
#define OPT_COMMENT    1
#define SHB_USERAPPL   4
#define IF_NAME        2
#define IF_TSRESOL     9
#define EPB_FLAGS      2
#define EPB_QUEUE      6
#define EPB_VERDICT    7
#define TSRESOL_NS     9 /* time stamps count 10^-9 s */
#define FLAGS_INBOUND  1
#define FLAGS_OUTBOUND 2
#define VERDICT_XDP    2 /* type "Linux eBPF XDP" */

struct pcapng {
	FILE *stream;
	char *path;
	GByteArray *block; /* the block being put together */
};

static void put(struct pcapng *file, const void *data, guint len)
{
	static const uint8_t zeros[3];

	g_byte_array_append(file->block, data, len);
	g_byte_array_append(file->block, zeros, -len & 3); /* 3.1: padded to 32 bits */
}

static void put_u32(struct pcapng *file, uint32_t value)
{
	put(file, &value, sizeof(value));
}

static void put_u16s(struct pcapng *file, uint16_t first, uint16_t second)
{
	uint16_t both[2] = {first, second};

	put(file, both, sizeof(both));
}

static void put_option(struct pcapng *file, uint16_t code, const void *value, size_t len)
{
	len = MIN(len, G_MAXUINT16);
	put_u16s(file, code, len);
	put(file, value, len);
}

static void begin_block(struct pcapng *file, uint32_t type)
{
	g_byte_array_set_size(file->block, 0);
	put_u32(file, type);
	put_u32(file, 0); /* its length, known at the end */
}

static void end_block(struct pcapng *file)
{
	uint32_t len;

	put_u16s(file, OPT_END, 0);
	len = file->block->len + sizeof(len);
	put_u32(file, len);
	memcpy(file->block->data + sizeof(uint32_t), &len, sizeof(len));
	/* A failed write is remembered by the stream and found by pcapng_close(). */
	fwrite(file->block->data, 1, file->block->len, file->stream);
}

static void write_section(struct pcapng *file, const char *application)
{
	static const int64_t unknown_length = -1;

	begin_block(file, BLOCK_SECTION);
	put_u32(file, BYTE_ORDER_MAGIC);
	put_u16s(file, 1, 0); /* version 1.0 */
	put(file, &unknown_length, sizeof(unknown_length));
	put_option(file, SHB_USERAPPL, application, strlen(application));
	end_block(file);
}

static void write_interface(struct pcapng *file, const char *name)
{
	uint8_t resolution = TSRESOL_NS;

	begin_block(file, BLOCK_INTERFACE);
	put_u16s(file, LINKTYPE_ETHERNET, 0);
	put_u32(file, 0); /* no snapshot length */
	put_option(file, IF_NAME, name, strlen(name));
	put_option(file, IF_TSRESOL, &resolution, sizeof(resolution));
	end_block(file);
}

struct pcapng *pcapng_create(const char *path, const char *application, const char *interface,
			     GError **error)
{
	FILE *stream = g_fopen(path, "wb");
	struct pcapng *file;

	if (!stream) {
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "%s: cannot be written: %s", path,
			    g_strerror(errno));
		return NULL;
	}
	file = g_new0(struct pcapng, 1);
	file->stream = stream;
	file->path = g_strdup(path);
	file->block = g_byte_array_new();
	write_section(file, application);
	write_interface(file, interface);
	return file;
}

void pcapng_write(struct pcapng *file, const struct pcapng_frame *frame)
{
	uint32_t flags = frame->outbound ? FLAGS_OUTBOUND : FLAGS_INBOUND;
	uint8_t verdict[1 + sizeof(frame->xdp_action)] = {VERDICT_XDP};

	memcpy(verdict + 1, &frame->xdp_action, sizeof(frame->xdp_action));
	begin_block(file, BLOCK_PACKET);
	put_u32(file, 0); /* the only interface */
	put_u32(file, frame->time_ns >> 32);
	put_u32(file, frame->time_ns & UINT32_MAX);
	put_u32(file, frame->len);
	put_u32(file, frame->len);
	put(file, frame->data, frame->len);
	put_option(file, OPT_COMMENT, frame->comment, strlen(frame->comment));
	put_option(file, EPB_FLAGS, &flags, sizeof(flags));
	put_option(file, EPB_QUEUE, &frame->queue, sizeof(frame->queue));
	put_option(file, EPB_VERDICT, verdict, sizeof(verdict));
	end_block(file);
}

gboolean pcapng_close(struct pcapng *file, GError **error)
{
	gboolean failed = ferror(file->stream);

	failed |= fclose(file->stream) != 0;
	if (failed)
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "%s: could not be written whole",
			    file->path);
	g_free(file->path);
	g_byte_array_unref(file->block);
	g_free(file);
	return !failed;
}
