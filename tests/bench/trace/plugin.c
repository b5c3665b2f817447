// SPDX-License-Identifier: GPL-2.0
/*
 * plugin.c: a plugin of the emulator's. Between the two marks of tests/bench/trace/mark.c it writes what the kernel
 * executes and what memory it touches to the file that is its argument, in hexadecimal:
 *
 *   begin | end			a mark
 *   i ADDRESS			an instruction was executed
 *   l ADDRESS			likewise, and it locks
 *   r ADDRESS | w ADDRESS	the instruction before read or wrote here
 *
 * Debian's packages do not have the header of plugins, so what is used of it stands here: QEMU, Documentation: "QEMU TCG
 * Plugins", API 1 and 2.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
typedef uint32_t qemu_plugin_meminfo_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { NO_REGISTERS = 0, READS_AND_WRITES = 3 };

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t at);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t info);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, void (*translated)(qemu_plugin_id_t id,
										    struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, void (*executed)(unsigned int cpu, void *arg),
					    int flags, void *arg);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn,
				      void (*touched)(unsigned int cpu, qemu_plugin_meminfo_t info, uint64_t address,
						      void *arg),
				      int flags, int rw, void *arg);

EXPORT int qemu_plugin_version = PLUGIN_API;
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv);

static const uint8_t mark[] = { 0x0f, 0x1f, 0x84, 0x00, 'm', 'a', 'r' };	/* and 'b' or 'e' */
static bool recording;
static FILE *out;

static void begin(unsigned int cpu, void *arg)
{
	recording = true;
	fputs("begin\n", out);
}

static void end(unsigned int cpu, void *arg)
{
	recording = false;
	fputs("end\n", out);
	fflush(out);
}

static void executed(unsigned int cpu, void *arg)
{
	if (recording)
		fprintf(out, "i %lx\n", (unsigned long)arg);
}

static void locked(unsigned int cpu, void *arg)
{
	if (recording)
		fprintf(out, "l %lx\n", (unsigned long)arg);
}

static void touched(unsigned int cpu, qemu_plugin_meminfo_t info, uint64_t address, void *arg)
{
	if (recording)
		fprintf(out, "%c %lx\n", qemu_plugin_mem_is_store(info) ? 'w' : 'r', (unsigned long)address);
}

/* A prefix, or an exchange with memory, which locks without one. */
static bool locks(const uint8_t *code, size_t size)
{
	size_t at = 0;

	if (code[0] == 0xf0 || (size > 1 && (code[0] | 1) == 0x67 && code[1] == 0xf0))
		return true;
	if ((code[0] & 0xf0) == 0x40 || code[0] == 0x66)
		at = 1;
	return size > at + 1 && (code[at] | 1) == 0x87 && code[at + 1] < 0xc0;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	const size_t n = qemu_plugin_tb_n_insns(tb);
	size_t i;

	for (i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		const uint64_t address = qemu_plugin_insn_vaddr(insn);
		const size_t size = qemu_plugin_insn_size(insn);
		const uint8_t *code = qemu_plugin_insn_data(insn);

		if (address >> 63) {
			qemu_plugin_register_vcpu_insn_exec_cb(insn, locks(code, size) ? locked : executed, NO_REGISTERS,
							       (void *)address);
			qemu_plugin_register_vcpu_mem_cb(insn, touched, NO_REGISTERS, READS_AND_WRITES, NULL);
		} else if (size == sizeof(mark) + 1 && !memcmp(code, mark, sizeof(mark))) {
			qemu_plugin_register_vcpu_insn_exec_cb(insn, code[sizeof(mark)] == 'b' ? begin : end,
							       NO_REGISTERS, NULL);
		}
	}
}

int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
	const char *path = argc > 0 ? strchr(argv[0], '=') : NULL;

	out = path ? fopen(path + 1, "w") : NULL;
	if (!out) {
		perror("trace: no file to write to");
		return -1;
	}
	setvbuf(out, NULL, _IOFBF, 1 << 20);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
