/* A plugin that breaks its contract in the way its payload asks for: "nothing", "garbage", "flood",
 * "refuse twice", "crash …", "hang …" ("hang /fifo": opens it first), "person", "chatter" (only in
 * a process of its own). create() fails when the feed is called "unwanted" and hangs when it is
 * called "endless". For plugin_host_test and others.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "plugins/abi/feed_plugin.h"

static char no_state;

static void* create(const char* config, char* error, size_t error_size) {
  if (strstr(config, "\"unwanted\"") != NULL) {
    snprintf(error, error_size, "this feed is not wanted");
    return NULL;
  }
  if (strstr(config, "\"endless\"") != NULL) {
    for (;;) pause();
  }
  return &no_state;
}

static void destroy(void* instance) { (void)instance; }

static int is(const uint8_t* payload, size_t length, const char* word) {
  return length == strlen(word) && memcmp(payload, word, length) == 0;
}

static int begins(const uint8_t* payload, size_t length, const char* word) {
  return length >= strlen(word) && memcmp(payload, word, strlen(word)) == 0;
}

/* To the gateway past the ABI, where a process of its own has its socket: twice at once an answer
 * that refuses with code "C". */
static void chatter(void) {
  const uint64_t begin[] = {49, 1, 1};
  char bytes[114] = {0};
  memcpy(bytes, begin, sizeof begin);
  bytes[sizeof begin] = 'C';
  memcpy(bytes + 57, bytes, 57);
  if (write(3, bytes, sizeof bytes) < 0) _exit(1);
}

/* Opens the fifo that a payload "hang /fifo" names: who reads it knows that it hangs. */
static void say_so(const uint8_t* payload, size_t length) {
  char path[256] = {0};
  if (length < 6 || payload[5] != '/' || length - 5 >= sizeof path) return;
  memcpy(path, payload + 5, length - 5);
  if (open(path, O_WRONLY) < 0) _exit(1);
}

static void decode(void* instance, const uint8_t* payload, size_t length,
                   const fusion_gateway_emitter* emitter) {
  static const char report[] = "{\"reportId\":\"R\",\"kind\":\"GRID_REPORT\"}";
  const uint8_t* bytes = (const uint8_t*)report;
  int i;
  (void)instance;
  if (is(payload, length, "garbage")) {
    emitter->report(emitter->self, (const uint8_t*)"\xff\xff\xff", 3);
  } else if (is(payload, length, "flood")) {
    for (i = 0; i < 2000; ++i) emitter->report(emitter->self, bytes, sizeof report - 1);
  } else if (is(payload, length, "refuse twice")) {
    emitter->report(emitter->self, bytes, sizeof report - 1);
    emitter->refuse(emitter->self, "WRONG_TYPE", "the first reason that it gives", "a");
    emitter->refuse(emitter->self, "MALFORMED", "the second reason that it gives", "b");
  } else if (begins(payload, length, "crash")) {
    raise(SIGSEGV);
  } else if (begins(payload, length, "hang")) {
    say_so(payload, length);
    for (;;) pause();
  } else if (is(payload, length, "chatter")) {
    chatter();
  } else if (is(payload, length, "person")) {
    emitter->person(emitter->self, "name");
    emitter->report(emitter->self, bytes, sizeof report - 1);
  } else if (is(payload, length, "report")) {
    emitter->report(emitter->self, bytes, sizeof report - 1);
  }
}

const fusion_gateway_feed_plugin_v1* fusion_gateway_feed_plugin(void);

const fusion_gateway_feed_plugin_v1* fusion_gateway_feed_plugin(void) {
  static const fusion_gateway_feed_plugin_v1 plugin = {
      FG_TEST_ABI_VERSION,
      sizeof(fusion_gateway_feed_plugin_v1),
      "misbehaving",
      "0",
      create,
      decode,
      destroy,
  };
  return &plugin;
}
