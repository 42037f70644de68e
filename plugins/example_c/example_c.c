/* The smallest whole feed plugin, in plain C: a siren controller that sends one line of text,
 *
 *     <siren id> <on|off>
 *
 * Copy this folder to begin a plugin of your own. It emits its report as JSON, so that it needs no
 * library; docs/plugin-abi.md tells the rest.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "plugins/abi/feed_plugin.h"

#define ID_BYTES_MAX 64

static int no_state;

static void* create(const char* config, char* error, size_t error_size) {
  (void)config;
  (void)error;
  (void)error_size;
  /* Nothing to remember; any non-NULL pointer says that the configuration was taken. */
  return &no_state;
}

static void destroy(void* instance) { (void)instance; }

static int is_id_byte(uint8_t c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-';
}

static void decode(void* instance, const uint8_t* payload, size_t length,
                   const fusion_gateway_emitter* emitter) {
  char json[512];
  size_t id_length = 0;
  const char* action = NULL;
  int written = 0;
  (void)instance;

  while (id_length < length && is_id_byte(payload[id_length])) ++id_length;
  if (id_length == 0 || id_length > ID_BYTES_MAX) {
    emitter->refuse(emitter->self, "MISSING_FIELD",
                    "begin the line with the siren's id: letters, digits and '-', at most 64",
                    "id");
    return;
  }
  if (length - id_length == 3 && memcmp(payload + id_length, " on", 3) == 0) action = "START";
  if (length - id_length == 4 && memcmp(payload + id_length, " off", 4) == 0) action = "STOP";
  if (action == NULL) {
    emitter->refuse(emitter->self, "UNKNOWN_TYPE", "after the id send \" on\" or \" off\"",
                    "state");
    return;
  }
  written = snprintf(json, sizeof json,
                     "{\"reportId\":\"%.*s\",\"kind\":\"GRID_REPORT\",\"action\":\"%s\","
                     "\"deviceId\":\"%.*s\",\"summary\":\"siren %s\"}",
                     (int)id_length, (const char*)payload, action, (int)id_length,
                     (const char*)payload, action);
  emitter->report(emitter->self, (const uint8_t*)json, (size_t)written);
}

const fusion_gateway_feed_plugin_v1* fusion_gateway_feed_plugin(void);

#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
const fusion_gateway_feed_plugin_v1*
fusion_gateway_feed_plugin(void) {
  static const fusion_gateway_feed_plugin_v1 plugin = {
      FUSION_GATEWAY_FEED_PLUGIN_ABI,
      sizeof(fusion_gateway_feed_plugin_v1),
      "example_c",
      "1.0",
      create,
      decode,
      destroy,
  };
  return &plugin;
}
