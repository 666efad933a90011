/* Connected UDP sockets: the kernel keeps strangers out and reports ICMP errors. */
#include "datagrams.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void size_buffers(struct endpoint *endpoint);

/* A socket toward `remote` from `local_port`, or, where that is 0, from one the system chooses; answers its id. */
int udp_open(struct reactor *reactor, const address *remote, uint16_t local_port) {
  struct endpoint *endpoint = calloc(1, sizeof *endpoint);
  if (endpoint == NULL) return -ENOMEM;
  endpoint->kind = UDP;
  endpoint->remote = *remote;
  int error = 0;
  endpoint->fd = socket(remote->any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (endpoint->fd < 0) {
    error = -errno;
    goto no_socket;
  }
  size_buffers(endpoint);
  int on = 1;
  setsockopt(endpoint->fd, SOL_UDP, UDP_GRO, &on, sizeof on); /* since Linux 5.0; without it datagrams come singly */
  /* Where the option is unknown (before 4.18), its control message would be ignored and a run of records sent
   * as one datagram. */
  int segment = 0;
  endpoint->gso = setsockopt(endpoint->fd, SOL_UDP, UDP_SEGMENT, &segment, sizeof segment) == 0;
  socklen_t size = sizeof endpoint->local;
  address any;
  memset(&any, 0, sizeof any); /* an initializer would clear no more than the member it names */
  any.any.sa_family = remote->any.sa_family;
  if (remote->any.sa_family == AF_INET) any.v4.sin_port = htons(local_port);
  else any.v6.sin6_port = htons(local_port);
  if ((local_port != 0 && bind(endpoint->fd, &any.any, address_size(&any)) < 0) ||
      connect(endpoint->fd, &remote->any, address_size(remote)) < 0 ||
      getsockname(endpoint->fd, &endpoint->local.any, &size) < 0) {
    error = -errno;
    goto no_place;
  }
  /* What a stranger got in between binding and connecting, both done by connect(). */
  char byte;
  while (recv(endpoint->fd, &byte, sizeof byte, MSG_DONTWAIT) >= 0) {
  }
  error = endpoint_add(reactor, endpoint);
  if (error < 0) goto no_place;
  error = endpoint_watch(reactor, endpoint);
  if (error == 0) return endpoint->id;
  endpoint_close(reactor, endpoint);
  return error;

no_place:
  close(endpoint->fd);
no_socket:
  free(endpoint);
  return error;
}

/* The system may grant less than is asked for; what send.c raises later is a part of what it granted. */
static void size_buffers(struct endpoint *endpoint) {
  int bytes = UDP_BUFFER;
  setsockopt(endpoint->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  setsockopt(endpoint->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  socklen_t size = sizeof bytes;
  getsockopt(endpoint->fd, SOL_SOCKET, SO_SNDBUF, &bytes, &size);
  endpoint->send_buffer = bytes / 2; /* Linux answers twice what was set */
  int usual = endpoint->send_buffer - endpoint->send_buffer / SEND_RESERVE_PART;
  setsockopt(endpoint->fd, SOL_SOCKET, SO_SNDBUF, &usual, sizeof usual);
}
