/*
 * The few functions of libuv that are used, declared here: uv.h comes with Node's own archives but neither
 * with the npm package that has the Node-API headers nor with every distribution's Node. The names, the
 * numbers and the layout-free use of them are part of libuv's stable 1.x ABI; uv_handle_type_name is asked
 * at start whether the number still means what it says.
 */
#ifndef CULVERT_UV_POLL_H
#define CULVERT_UV_POLL_H

#include <stddef.h>

typedef struct uv_loop_s uv_loop_t;
typedef struct uv_handle_s uv_handle_t;
typedef struct uv_poll_s uv_poll_t;

enum { UV_POLL = 8 };     /* of uv_handle_type */
enum { UV_READABLE = 1 }; /* of uv_poll_event */

const char *uv_handle_type_name(int type);
size_t uv_handle_size(int type);
void uv_handle_set_data(uv_handle_t *handle, void *data);
void *uv_handle_get_data(const uv_handle_t *handle);
void uv_unref(uv_handle_t *handle);
void uv_close(uv_handle_t *handle, void (*closed)(uv_handle_t *));
int uv_poll_init(uv_loop_t *loop, uv_poll_t *handle, int fd);
int uv_poll_start(uv_poll_t *handle, int events, void (*ready)(uv_poll_t *, int status, int events));
int uv_poll_stop(uv_poll_t *handle);

#endif
