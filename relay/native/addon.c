/*
 * The Node-API side: what JavaScript calls, its arguments checked. `start(readable)` makes a reactor and
 * answers its functions and the memory it shares; relay/native.ts is its only caller and describes it.
 * What the system refuses is answered as -errno; a wrong argument throws.
 */
#define NAPI_VERSION 8
#include <node_api.h>

#include "datagrams.h"
#include "uv-poll.h"

#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of freed memory that the process keeps, and from which a single piece goes back at once. */
#define KEPT_MEMORY (64 * 1024 * 1024)
#define LARGE_PIECE (32 * 1024 * 1024)

/* A reactor and what ties it to its JavaScript environment. */
struct binding {
  struct reactor reactor;
  napi_env env;
  napi_ref readable, memory[4];
  napi_async_context context;
  napi_async_cleanup_hook_handle cleanup;
  uv_poll_t *poll;
};

#define ADDRESS_TEXT 64

static napi_value number(napi_env env, int32_t value) {
  napi_value result = NULL;
  napi_create_int32(env, value, &result);
  return result;
}

static napi_value wrong(napi_env env, const char *what) {
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", what);
  return NULL;
}

/* The arguments, of which there must be `count`, and the binding of the function. */
static struct binding *take(napi_env env, napi_callback_info info, size_t count, napi_value *values) {
  size_t given = count;
  void *data = NULL;
  if (napi_get_cb_info(env, info, &given, values, NULL, &data) != napi_ok || given < count) {
    wrong(env, "too few arguments");
    return NULL;
  }
  return data;
}

static bool take_int(napi_env env, napi_value value, int32_t least, int32_t most, int32_t *out) {
  if (napi_get_value_int32(env, value, out) == napi_ok && *out >= least && *out <= most) return true;
  wrong(env, "a number is missing or out of range");
  return false;
}

static bool take_address(napi_env env, napi_value value, int32_t port, address *out) {
  char text[ADDRESS_TEXT];
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, text, sizeof text, &length) == napi_ok && length < sizeof text - 1 &&
      address_parse(text, (uint16_t)port, out) == 0) {
    return true;
  }
  wrong(env, "an IP address is missing or malformed");
  return false;
}

static struct endpoint *take_endpoint(struct binding *binding, napi_value value) {
  int32_t id;
  if (!take_int(binding->env, value, 0, INT32_MAX, &id)) return NULL;
  struct endpoint *endpoint = endpoint_of(&binding->reactor, id);
  if (endpoint != NULL && endpoint->kind != RAW) return endpoint;
  wrong(binding->env, "no socket of that id is open");
  return NULL;
}

/* openUdp(address, port, localPort) */
static napi_value open_udp(napi_env env, napi_callback_info info) {
  napi_value values[3];
  int32_t port, local_port;
  address remote;
  struct binding *binding = take(env, info, 3, values);
  if (binding == NULL || !take_int(env, values[1], 1, 65535, &port) ||
      !take_int(env, values[2], 0, 65535, &local_port) || !take_address(env, values[0], port, &remote)) {
    return NULL;
  }
  return number(env, udp_open(&binding->reactor, &remote, (uint16_t)local_port));
}

/* openEsp(localAddress, remoteAddress) */
static napi_value open_esp(napi_env env, napi_callback_info info) {
  napi_value values[2];
  address local, remote;
  struct binding *binding = take(env, info, 2, values);
  if (binding == NULL || !take_address(env, values[0], 0, &local) || !take_address(env, values[1], 0, &remote)) {
    return NULL;
  }
  return number(env, esp_open(&binding->reactor, &local, &remote));
}

/* localAddress(id) */
static napi_value local_address(napi_env env, napi_callback_info info) {
  napi_value value, result = NULL;
  struct binding *binding = take(env, info, 1, &value);
  struct endpoint *endpoint = binding == NULL ? NULL : take_endpoint(binding, value);
  if (endpoint == NULL) return NULL;
  const address *local = &endpoint->local;
  char text[ADDRESS_TEXT];
  const void *bytes = local->any.sa_family == AF_INET ? (const void *)&local->v4.sin_addr : &local->v6.sin6_addr;
  inet_ntop(local->any.sa_family, bytes, text, sizeof text);
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &result);
  return result;
}

/* localPort(id); 0 for a path */
static napi_value local_port(napi_env env, napi_callback_info info) {
  napi_value value;
  struct binding *binding = take(env, info, 1, &value);
  struct endpoint *endpoint = binding == NULL ? NULL : take_endpoint(binding, value);
  if (endpoint == NULL) return NULL;
  const address *local = &endpoint->local;
  return number(env, ntohs(local->any.sa_family == AF_INET ? local->v4.sin_port : local->v6.sin6_port));
}

/* send(id, bytes, count, reserve): the first `count` of the shared ranges */
static napi_value send_ranges(napi_env env, napi_callback_info info) {
  napi_value values[4];
  int32_t count;
  bool reserve;
  void *bytes;
  size_t length;
  napi_typedarray_type type;
  struct binding *binding = take(env, info, 4, values);
  struct endpoint *endpoint = binding == NULL ? NULL : take_endpoint(binding, values[0]);
  if (endpoint == NULL || !take_int(env, values[2], 0, RANGES_LIMIT, &count)) return NULL;
  if (napi_get_typedarray_info(env, values[1], &type, &length, &bytes, NULL, NULL) != napi_ok ||
      type != napi_uint8_array || napi_get_value_bool(env, values[3], &reserve) != napi_ok) {
    return wrong(env, "send(id, Uint8Array, count, reserve)");
  }
  struct reactor *reactor = &binding->reactor;
  for (int32_t i = 0; i < count; i++) {
    struct range range = reactor->ranges[i];
    if (range.start < 0 || range.end < range.start || (size_t)range.end > length) {
      return wrong(env, "a range lies outside of the bytes");
    }
  }
  if (reserve) send_with_reserve(reactor, endpoint, bytes, count);
  else send_records(reactor, endpoint, bytes, count);
  return number(env, reactor->outcome->sent);
}

/* receive() */
static napi_value receive(napi_env env, napi_callback_info info) {
  struct binding *binding = take(env, info, 0, NULL);
  return binding == NULL ? NULL : number(env, reactor_receive(&binding->reactor));
}

/* close(id) */
static napi_value close_endpoint(napi_env env, napi_callback_info info) {
  napi_value value;
  struct binding *binding = take(env, info, 1, &value);
  struct endpoint *endpoint = binding == NULL ? NULL : take_endpoint(binding, value);
  if (endpoint != NULL) endpoint_close(&binding->reactor, endpoint);
  return NULL;
}

/* tuneTcp(fd, unsentBytes) */
static napi_value tune_tcp(napi_env env, napi_callback_info info) {
  napi_value values[2];
  int32_t fd, unsent;
  size_t given = 2;
  if (napi_get_cb_info(env, info, &given, values, NULL, NULL) != napi_ok || given < 2) return wrong(env, "tuneTcp(fd, bytes)");
  if (!take_int(env, values[0], 0, INT32_MAX, &fd) || !take_int(env, values[1], 1, INT32_MAX, &unsent)) return NULL;
  return number(env, tcp_tune(fd, unsent));
}

/* Sockets are readable: one call into JavaScript, which receives until the turn is over. */
static void on_readable(uv_poll_t *poll, int status, int events) {
  (void)status;
  (void)events;
  struct binding *binding = uv_handle_get_data((uv_handle_t *)poll);
  napi_env env = binding->env;
  napi_handle_scope scope;
  napi_value readable, receiver;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_get_reference_value(env, binding->readable, &readable);
  napi_get_global(env, &receiver);
  if (napi_make_callback(env, binding->context, receiver, readable, 0, NULL, NULL) == napi_pending_exception) {
    napi_value error;
    napi_get_and_clear_last_exception(env, &error);
    napi_fatal_exception(env, error);
  }
  napi_close_handle_scope(env, scope);
}

/* watch(whether): readable sockets are told of, or left alone for a while */
static napi_value watch_sockets(napi_env env, napi_callback_info info) {
  napi_value value;
  bool whether;
  struct binding *binding = take(env, info, 1, &value);
  if (binding == NULL) return NULL;
  if (napi_get_value_bool(env, value, &whether) != napi_ok) return wrong(env, "watch(boolean)");
  if (whether) uv_poll_start(binding->poll, UV_READABLE, on_readable);
  else uv_poll_stop(binding->poll);
  return NULL;
}

static void on_closed(uv_handle_t *poll) {
  struct binding *binding = uv_handle_get_data(poll);
  reactor_close(&binding->reactor);
  napi_remove_async_cleanup_hook(binding->cleanup);
  free(poll);
  free(binding);
}

/* The environment ends; JavaScript no longer runs, the event loop once more. */
static void on_environment_end(napi_async_cleanup_hook_handle cleanup, void *data) {
  (void)cleanup;
  struct binding *binding = data;
  uv_poll_stop(binding->poll);
  uv_close((uv_handle_t *)binding->poll, on_closed);
}

/* An ArrayBuffer that stays as long as the binding, its bytes in `memory`, set as a property of `target`. */
static bool share(struct binding *binding, int index, napi_value target, const char *name, size_t bytes, void *memory) {
  napi_env env = binding->env;
  napi_value buffer;
  return napi_create_arraybuffer(env, bytes, (void **)memory, &buffer) == napi_ok &&
         napi_create_reference(env, buffer, 1, &binding->memory[index]) == napi_ok &&
         napi_set_named_property(env, target, name, buffer) == napi_ok;
}

static bool watch(struct binding *binding) {
  uv_loop_t *loop;
  if (napi_get_uv_event_loop(binding->env, &loop) != napi_ok) return false;
  binding->poll = malloc(uv_handle_size(UV_POLL));
  if (binding->poll == NULL) return false;
  if (uv_poll_init(loop, binding->poll, binding->reactor.epoll) != 0) {
    free(binding->poll);
    return false;
  }
  uv_handle_set_data((uv_handle_t *)binding->poll, binding);
  /* From here on the handle is libuv's, and the cleanup hook ends it. */
  napi_add_async_cleanup_hook(binding->env, on_environment_end, binding, &binding->cleanup);
  uv_unref((uv_handle_t *)binding->poll); /* the WebSockets keep the process going, not these sockets */
  return uv_poll_start(binding->poll, UV_READABLE, on_readable) == 0;
}

/* start(readable) */
static napi_value start(napi_env env, napi_callback_info info) {
  napi_value readable, result, name;
  size_t given = 1;
  napi_valuetype type = napi_undefined;
  if (napi_get_cb_info(env, info, &given, &readable, NULL, NULL) != napi_ok ||
      napi_typeof(env, readable, &type) != napi_ok || type != napi_function) {
    return wrong(env, "start(function)");
  }
  struct binding *binding = calloc(1, sizeof *binding);
  if (binding == NULL) {
    napi_throw_error(env, "ENOMEM", "out of memory");
    return NULL;
  }
  binding->env = env;
  struct reactor *reactor = &binding->reactor;
  reactor->epoll = -1;
  const napi_property_descriptor functions[] = {
      {"openUdp", NULL, open_udp, NULL, NULL, NULL, napi_default, binding},
      {"openEsp", NULL, open_esp, NULL, NULL, NULL, napi_default, binding},
      {"localAddress", NULL, local_address, NULL, NULL, NULL, napi_default, binding},
      {"localPort", NULL, local_port, NULL, NULL, NULL, napi_default, binding},
      {"send", NULL, send_ranges, NULL, NULL, NULL, napi_default, binding},
      {"receive", NULL, receive, NULL, NULL, NULL, napi_default, binding},
      {"watch", NULL, watch_sockets, NULL, NULL, NULL, napi_default, binding},
      {"close", NULL, close_endpoint, NULL, NULL, NULL, napi_default, binding},
  };
  bool ready = napi_create_object(env, &result) == napi_ok &&
               napi_create_string_utf8(env, "culvert", NAPI_AUTO_LENGTH, &name) == napi_ok &&
               napi_create_reference(env, readable, 1, &binding->readable) == napi_ok &&
               napi_async_init(env, NULL, name, &binding->context) == napi_ok &&
               share(binding, 0, result, "ring", (size_t)RING_SLOTS * SLOT_STRIDE, &reactor->ring) &&
               share(binding, 1, result, "arrivals", sizeof *reactor->arrivals, &reactor->arrivals) &&
               share(binding, 2, result, "ranges", RANGES_LIMIT * sizeof *reactor->ranges, &reactor->ranges) &&
               share(binding, 3, result, "outcome", sizeof *reactor->outcome, &reactor->outcome) &&
               reactor_init(reactor) == 0 &&
               napi_define_properties(env, result, sizeof functions / sizeof *functions, functions) == napi_ok;
  if (ready && watch(binding)) return result;
  /* What was made before stays until the process ends: a relay that cannot start says so and goes without. */
  napi_throw_error(env, "ERR_ADDON", "the datagram sockets cannot be set up");
  return NULL;
}

/*
 * Every read of a connection is a fresh 64 KB. Where those are the last of the heap, which they are once V8 has tidied up
 * in an idle relay, glibc gives them back to the system each time, which clears the same pages for the next read.
 */
static void keep_memory(void) {
#ifdef __GLIBC__
  mallopt(M_TRIM_THRESHOLD, KEPT_MEMORY);
  mallopt(M_MMAP_THRESHOLD, LARGE_PIECE);
#endif
}

NAPI_MODULE_INIT() {
  if (strcmp(uv_handle_type_name(UV_POLL), "poll") != 0) {
    napi_throw_error(env, "ERR_ADDON", "this libuv numbers its handles differently");
    return NULL;
  }
  keep_memory();
  const napi_property_descriptor functions[] = {
      {"start", NULL, start, NULL, NULL, NULL, napi_default, NULL},
      {"tuneTcp", NULL, tune_tcp, NULL, NULL, NULL, napi_default, NULL},
  };
  napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
  return exports;
}
