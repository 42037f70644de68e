/* The feed plugin ABI, version 1. Plain C, so that any compiler can make a plugin.
 *
 * A plugin reads ONE payload of one feed in that system's native form and emits Reports, or refuses
 * it. It is a shared object that exports one symbol:
 *
 *     const fusion_gateway_feed_plugin_v1* fusion_gateway_feed_plugin(void);
 *
 * The same module is loaded into the gateway, or run in its own process by `fusion-gateway feed`.
 *
 * Threading: the host calls one instance from one thread at a time; several instances may run at
 * once, so no mutable globals. State: decode keeps none between calls, and reads no clock, file or
 * socket. Ownership: the payload and every string belong to the caller for the duration of the call
 * and are copied by whoever wants to keep them. The gateway masks, converts coordinates and fills
 * in times afterwards; a plugin does not.
 */
#ifndef FUSION_GATEWAY_FEED_PLUGIN_H
#define FUSION_GATEWAY_FEED_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FUSION_GATEWAY_FEED_PLUGIN_ABI 1u

/* What emit hands to the host. `self` is passed back unchanged. */
typedef struct fusion_gateway_emitter {
  void* self;
  /* One Report: fusiongateway.v1.Report serialised, or its JSON form (first byte '{').
   * Fields marked N in report.proto are left empty. A position may be in any system named by its
   * original_crs; the host converts it. Returns 0; another value: stop, the host cannot take more.
   */
  int32_t (*report)(void* self, const uint8_t* bytes, size_t length);
  /* The payload (or one element of an array in it) cannot be taken. `code`: "MALFORMED",
   * "WRONG_TYPE", "MISSING_FIELD", "OUT_OF_RANGE", "UNKNOWN_TYPE", "FORBIDDEN_FIELD",
   * "DUPLICATE_FIELD"; `message`:
   * for people, what to do; `field`: path of the offending field, "" = the whole. UTF-8,
   * NUL-terminated. If any refusal is emitted, the host takes none of this payload's reports. */
  void (*refuse)(void* self, const char* code, const char* message, const char* field);
  /* A native field that names a person ("张三"), or a number of one that has no telling form (a
   * local telephone, an identity number): masked in every text of this payload. */
  void (*person)(void* self, const char* name);
} fusion_gateway_emitter;

typedef struct fusion_gateway_feed_plugin_v1 {
  /* FUSION_GATEWAY_FEED_PLUGIN_ABI. The host refuses a version it does not know. */
  uint32_t abi_version;
  /* sizeof this struct where the plugin was compiled; later versions only append. */
  uint32_t struct_size;
  /* Name in the configuration ("police110"), and the module's own version. */
  const char* name;
  const char* version;
  /* `config`: one JSON object, NUL-terminated: {"feedId", "defaultCrs", "timeZoneOffsetMinutes",
   * "tables": {...}, "sites": [{"siteId", "name", "districtCode", "medium", "hazardLevel",
   * "deviceIds": [], "points": [{"quotaId", "name", "medium", "unit", "indicator", "limits": {"LL",
   * "L", "H", "HH"}}]}]}; unknown keys are ignored. Called again, for a new instance, when the code
   * tables have changed. Returns an instance, or NULL and a
   * sentence in `error` (NUL-terminated, at most `error_size` bytes). */
  void* (*create)(const char* config, char* error, size_t error_size);
  /* Reads one payload. Emits reports or refusals. Must not throw. */
  void (*decode)(void* instance, const uint8_t* payload, size_t length,
                 const fusion_gateway_emitter* emitter);
  void (*destroy)(void* instance);
} fusion_gateway_feed_plugin_v1;

typedef const fusion_gateway_feed_plugin_v1* (*fusion_gateway_feed_plugin_entry)(void);

#ifdef __cplusplus
}
#endif

#endif
