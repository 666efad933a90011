/*
 * ESP as IP protocol 50 (RFC 4303): one raw socket per address family for all sessions, since the kernel gives
 * every raw socket a copy of every packet. A path is one local and one remote address; whose the SPI is,
 * JavaScript decides.
 */
#include "datagrams.h"

#include <errno.h>
#include <netinet/ip.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct endpoint *raw_open(struct reactor *reactor, int family, int *error);
static struct endpoint **bucket_of(struct reactor *reactor, const address *local, const address *remote);
static struct endpoint *path_of(struct reactor *reactor, const address *local, const address *remote);
static bool same_host(const address *one, const address *other);
static uint32_t mix(uint32_t hash, const void *bytes, size_t length);

/* A path, with the socket if it is the first of its family; answers its id. -EEXIST when it stands already. */
int esp_open(struct reactor *reactor, const address *local, const address *remote) {
  int family = remote->any.sa_family;
  if (local->any.sa_family != family) return -EAFNOSUPPORT;
  if (path_of(reactor, local, remote) != NULL) return -EEXIST;
  struct endpoint *path = calloc(1, sizeof *path);
  if (path == NULL) return -ENOMEM;
  path->kind = PATH;
  path->local = *local;
  path->remote = *remote;
  int error = endpoint_add(reactor, path);
  if (error < 0) {
    free(path);
    return error;
  }
  path->raw = family == AF_INET ? reactor->raw4 : reactor->raw6;
  if (path->raw == NULL) path->raw = raw_open(reactor, family, &error);
  if (path->raw == NULL) {
    endpoint_forget(reactor, path);
    return error;
  }
  path->raw->paths++;
  path->fd = path->raw->fd;
  struct endpoint **bucket = bucket_of(reactor, local, remote);
  path->next = *bucket;
  *bucket = path;
  return path->id;
}

/* The socket goes with its last path: without it the kernel answers ESP with "protocol unreachable" again. */
void esp_close_path(struct reactor *reactor, struct endpoint *path) {
  struct endpoint **link = bucket_of(reactor, &path->local, &path->remote);
  while (*link != path) link = &(*link)->next;
  *link = path->next;
  struct endpoint *raw = path->raw;
  endpoint_forget(reactor, path);
  if (--raw->paths > 0) return;
  if (raw == reactor->raw4) reactor->raw4 = NULL;
  else reactor->raw6 = NULL;
  endpoint_close(reactor, raw);
}

/* Says where in the slot the ESP header is and on which path it came. */
void esp_arrived(struct reactor *reactor, const struct endpoint *raw, int slot, struct arrival *arrival) {
  address from = {0}, to = {0};
  arrival->id = NOBODY;
  from.any.sa_family = to.any.sa_family = raw->local.any.sa_family;
  if (raw->local.any.sa_family == AF_INET) {
    /* The IP header comes along. */
    struct ip header;
    if (arrival->length < (int32_t)sizeof header) return;
    memcpy(&header, reactor->slots[slot].iov_base, sizeof header);
    int32_t skip = 4 * (int32_t)header.ip_hl;
    if (skip > arrival->length) return;
    arrival->offset += skip;
    arrival->length -= skip;
    from.v4.sin_addr = header.ip_src;
    to.v4.sin_addr = header.ip_dst;
  } else {
    struct msghdr *message = &reactor->messages[slot].msg_hdr;
    from.v6.sin6_addr = reactor->names[slot].v6.sin6_addr;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
      if (c->cmsg_level != IPPROTO_IPV6 || c->cmsg_type != IPV6_PKTINFO) continue;
      struct in6_pktinfo info;
      memcpy(&info, CMSG_DATA(c), sizeof info);
      to.v6.sin6_addr = info.ipi6_addr;
    }
  }
  const struct endpoint *path = path_of(reactor, &to, &from);
  if (path != NULL) arrival->id = path->id;
}

/* -EPERM in `error` without CAP_NET_RAW. */
static struct endpoint *raw_open(struct reactor *reactor, int family, int *error) {
  struct endpoint *raw = calloc(1, sizeof *raw);
  if (raw == NULL) {
    *error = -ENOMEM;
    return NULL;
  }
  raw->kind = RAW;
  raw->local.any.sa_family = (sa_family_t)family;
  raw->fd = socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ESP);
  if (raw->fd < 0) {
    *error = -errno;
    free(raw);
    return NULL;
  }
  int bytes = RAW_BUFFER, on = 1;
  setsockopt(raw->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  setsockopt(raw->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  if (family == AF_INET6) setsockopt(raw->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
  *error = endpoint_add(reactor, raw);
  if (*error < 0) {
    close(raw->fd);
    free(raw);
    return NULL;
  }
  *error = endpoint_watch(reactor, raw);
  if (*error < 0) {
    endpoint_close(reactor, raw);
    return NULL;
  }
  if (family == AF_INET) reactor->raw4 = raw;
  else reactor->raw6 = raw;
  return raw;
}

static struct endpoint *path_of(struct reactor *reactor, const address *local, const address *remote) {
  struct endpoint *path = *bucket_of(reactor, local, remote);
  while (path != NULL && !(same_host(&path->local, local) && same_host(&path->remote, remote))) path = path->next;
  return path;
}

static struct endpoint **bucket_of(struct reactor *reactor, const address *local, const address *remote) {
  uint32_t hash = 2166136261u;
  if (remote->any.sa_family == AF_INET) {
    hash = mix(hash, &local->v4.sin_addr, sizeof local->v4.sin_addr);
    hash = mix(hash, &remote->v4.sin_addr, sizeof remote->v4.sin_addr);
  } else {
    hash = mix(hash, &local->v6.sin6_addr, sizeof local->v6.sin6_addr);
    hash = mix(hash, &remote->v6.sin6_addr, sizeof remote->v6.sin6_addr);
  }
  return &reactor->paths[(hash ^ hash >> 16) & (PATH_BUCKETS - 1)];
}

static bool same_host(const address *one, const address *other) {
  if (one->any.sa_family != other->any.sa_family) return false;
  if (one->any.sa_family == AF_INET) return one->v4.sin_addr.s_addr == other->v4.sin_addr.s_addr;
  return memcmp(&one->v6.sin6_addr, &other->v6.sin6_addr, sizeof one->v6.sin6_addr) == 0;
}

/* FNV-1a. Paths are made of configured gateways and this host's addresses: nobody can choose them to collide. */
static uint32_t mix(uint32_t hash, const void *bytes, size_t length) {
  const uint8_t *byte = bytes;
  for (size_t i = 0; i < length; i++) hash = (hash ^ byte[i]) * 16777619u;
  return hash;
}
