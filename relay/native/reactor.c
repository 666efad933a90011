/* The table of sockets, and who is read next. */
#include "datagrams.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Expects the shared memory to be set. */
int reactor_init(struct reactor *reactor) {
  reactor->epoll = epoll_create1(EPOLL_CLOEXEC);
  if (reactor->epoll < 0) return -errno;
  for (int i = 0; i < RING_SLOTS; i++) {
    reactor->slots[i].iov_base = reactor->ring + (size_t)i * SLOT_STRIDE;
    reactor->slots[i].iov_len = SLOT_BYTES;
    struct msghdr *header = &reactor->messages[i].msg_hdr;
    header->msg_iov = &reactor->slots[i];
    header->msg_iovlen = 1;
    header->msg_control = reactor->control[i];
  }
  return 0;
}

/* The turn is over, and the next one may begin. */
static int turn_over(struct reactor *reactor) {
  reactor->asked = false;
  reactor->taken = 0;
  return -1;
}

/*
 * Takes the next burst of this turn; answers the number of messages, or -1 when the turn is over. Who was left
 * over at the end of a turn comes first in the next one: epoll itself would begin with the same sockets again.
 */
int reactor_receive(struct reactor *reactor) {
  while (reactor->taken < TURN_BYTES) {
    if (reactor->ready_next == reactor->ready_count) {
      if (reactor->asked) return turn_over(reactor);
      reactor->asked = true;
      reactor->ready_next = 0;
      int count = epoll_wait(reactor->epoll, reactor->ready, TURN_SOCKETS, 0);
      reactor->ready_count = count > 0 ? count : 0;
      if (count <= 0) return turn_over(reactor);
    }
    int id = (int)reactor->ready[reactor->ready_next++].data.u32;
    /* May have been closed since, and its place taken: then this is one read too many. */
    struct endpoint *endpoint = endpoint_of(reactor, id);
    if (endpoint != NULL && endpoint->kind != PATH) return receive_burst(reactor, endpoint);
  }
  return turn_over(reactor);
}

/* Gives the endpoint, filled in but for its id, a place in the table; answers that. Takes it over on success. */
int endpoint_add(struct reactor *reactor, struct endpoint *endpoint) {
  if (reactor->free_count == 0) {
    int capacity = reactor->capacity == 0 ? 64 : 2 * reactor->capacity;
    void *endpoints = realloc(reactor->endpoints, (size_t)capacity * sizeof *reactor->endpoints);
    if (endpoints == NULL) return -ENOMEM;
    reactor->endpoints = endpoints;
    void *ids = realloc(reactor->free_ids, (size_t)capacity * sizeof *reactor->free_ids);
    if (ids == NULL) return -ENOMEM;
    reactor->free_ids = ids;
    for (int id = capacity - 1; id >= reactor->capacity; id--) {
      reactor->endpoints[id] = NULL;
      reactor->free_ids[reactor->free_count++] = id;
    }
    reactor->capacity = capacity;
  }
  endpoint->id = reactor->free_ids[--reactor->free_count];
  reactor->endpoints[endpoint->id] = endpoint;
  return endpoint->id;
}

/* Adds a socket that stands in the table to those that are read. */
int endpoint_watch(struct reactor *reactor, struct endpoint *endpoint) {
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)endpoint->id};
  return epoll_ctl(reactor->epoll, EPOLL_CTL_ADD, endpoint->fd, &event) < 0 ? -errno : 0;
}

/* NULL when there is none. */
struct endpoint *endpoint_of(struct reactor *reactor, int id) {
  return id >= 0 && id < reactor->capacity ? reactor->endpoints[id] : NULL;
}

/* Takes it out of the table and frees it; its socket is left alone. */
void endpoint_forget(struct reactor *reactor, struct endpoint *endpoint) {
  reactor->endpoints[endpoint->id] = NULL;
  reactor->free_ids[reactor->free_count++] = endpoint->id;
  free(endpoint);
}

void endpoint_close(struct reactor *reactor, struct endpoint *endpoint) {
  if (endpoint->kind == PATH) {
    esp_close_path(reactor, endpoint);
    return;
  }
  close(endpoint->fd); /* and epoll forgets it */
  endpoint_forget(reactor, endpoint);
}

void reactor_close(struct reactor *reactor) {
  for (int id = 0; id < reactor->capacity; id++) {
    struct endpoint *endpoint = reactor->endpoints[id];
    if (endpoint == NULL) continue;
    if (endpoint->kind != PATH) close(endpoint->fd);
    free(endpoint);
  }
  free(reactor->endpoints);
  free(reactor->free_ids);
  if (reactor->epoll >= 0) close(reactor->epoll);
}

/* -EINVAL for what is neither an IPv4 nor an IPv6 address. */
int address_parse(const char *text, uint16_t port, address *out) {
  memset(out, 0, sizeof *out);
  if (inet_pton(AF_INET, text, &out->v4.sin_addr) == 1) {
    out->v4.sin_family = AF_INET;
    out->v4.sin_port = htons(port);
    return 0;
  }
  if (inet_pton(AF_INET6, text, &out->v6.sin6_addr) == 1) {
    out->v6.sin6_family = AF_INET6;
    out->v6.sin6_port = htons(port);
    return 0;
  }
  return -EINVAL;
}

socklen_t address_size(const address *address) {
  return address->any.sa_family == AF_INET ? sizeof address->v4 : sizeof address->v6;
}
