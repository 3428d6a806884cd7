// A plugin of qemu-user that counts the instructions that a program executes, and says at its end "instructions N". The few
// prototypes are written out, since Debian has no package with qemu's header; those used here are the same in every version
// of the interface, whose number QEMU_INTERFACE is.
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define PUBLIC __attribute__((visibility("default")))

typedef uint64_t PluginId;
struct qemu_plugin_tb;

extern void qemu_plugin_register_vcpu_tb_trans_cb(PluginId id, void (*called)(PluginId, struct qemu_plugin_tb*));
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb* block, void (*called)(unsigned, void*),
                                                 int registers, void* user);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb* block);
extern void qemu_plugin_register_atexit_cb(PluginId id, void (*called)(PluginId, void*), void* user);
extern void qemu_plugin_outs(const char* text);

PUBLIC int qemu_plugin_version = QEMU_INTERFACE;

static uint64_t instructions;  // of programs with one thread

static void executed(unsigned cpu, void* user) {
  (void)cpu;
  instructions += (uintptr_t)user;
}

static void translated(PluginId id, struct qemu_plugin_tb* block) {
  (void)id;
  const int no_registers = 0;
  qemu_plugin_register_vcpu_tb_exec_cb(block, executed, no_registers, (void*)(uintptr_t)qemu_plugin_tb_n_insns(block));
}

static void ended(PluginId id, void* user) {
  (void)id;
  (void)user;
  char line[64];
  snprintf(line, sizeof line, "instructions %" PRIu64 "\n", instructions);
  qemu_plugin_outs(line);
}

PUBLIC int qemu_plugin_install(PluginId id, const void* info, int argc, char** argv) {
  (void)info;
  (void)argc;
  (void)argv;
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  qemu_plugin_register_atexit_cb(id, ended, NULL);
  return 0;
}
