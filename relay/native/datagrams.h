/*
 * The relay's datagram sockets: connected UDP with batches, GSO and GRO, and raw ESP. Linux alone.
 *
 * A reactor belongs to one JavaScript environment. Its sockets hang in one epoll instance, which libuv watches:
 * a turn of the event loop costs one callback however many sockets have something, and a socket that is
 * closed is gone at once. Nothing is queued here: what the system does not take is dropped by the caller.
 * Compile with _GNU_SOURCE: recvmmsg, sendmmsg, struct in6_pktinfo.
 */
#ifndef CULVERT_DATAGRAMS_H
#define CULVERT_DATAGRAMS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* Messages one burst takes from a socket at most, and where each of them is put: 64 KB, since a GRO bundle or
 * a datagram may be that long, and a little more, so that the slots do not share the same lines of the cache. */
#define RING_SLOTS 64
#define SLOT_BYTES 65536
#define SLOT_STRIDE (SLOT_BYTES + 1600)

/* Bytes from which a burst ends, and all bursts of a turn: a socket gets its share, then the next one. */
#define BURST_BYTES (96 * 1024)
#define TURN_BYTES (1024 * 1024)
#define TURN_SOCKETS 256

/* Records that one call sends at most. */
#define RANGES_LIMIT 1024

/* Bytes the system may hold for a socket in either direction, if it allows as much. */
#define UDP_BUFFER (1024 * 1024)
#define RAW_BUFFER (4 * 1024 * 1024)

/* One part in so many of the send buffer is kept for what is to be dropped last. */
#define SEND_RESERVE_PART 8

#define PATH_BUCKETS 256 /* a power of two */
#define CONTROL_BYTES 64 /* room for the control messages of one datagram */

typedef union {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
} address;

enum kind {
  UDP,  /* connected */
  RAW,  /* protocol 50, one per address family, for all paths */
  PATH, /* from one local address to one remote one, over a raw socket */
};

/* One entry of the table of sockets; JavaScript knows it by its index. */
struct endpoint {
  enum kind kind;
  int id;
  int fd; /* of a path: the raw socket's */
  address local, remote;
  bool gso;
  int send_buffer;        /* UDP: what SO_SNDBUF was granted */
  struct endpoint *raw;   /* path: its socket */
  struct endpoint *next;  /* path: in its bucket */
  int paths;              /* raw: how many use it */
};

/* What arrived, as JavaScript reads it: in this order, in an Int32Array. */
struct arrival {
  int32_t offset, length; /* in the ring */
  int32_t segment;        /* length of each datagram in a GRO bundle but the last; 0 for a lone one */
  int32_t id;             /* socket or path; NOBODY for ESP between other hosts' addresses */
};
enum { NOBODY = -1 };

struct arrivals {
  int32_t error;    /* errno of the burst's end, 0 without one */
  int32_t error_id; /* the socket it happened on */
  struct arrival list[RING_SLOTS];
};

/* What became of the records of one call. */
struct outcome {
  int32_t sent;
  int32_t full;   /* not tried further, since the socket's buffer is full: the last ones of the call */
  int32_t failed; /* refused by the system */
  int32_t error;  /* errno of the last refusal, or of an ICMP error that had come back; 0 without one */
};

struct range {
  int32_t start, end;
};

struct reactor {
  int epoll;
  struct epoll_event ready[TURN_SOCKETS];
  int ready_count, ready_next;
  bool asked;      /* epoll was asked in this turn */
  size_t taken;    /* bytes taken in this turn */
  struct endpoint **endpoints;
  int capacity, free_count;
  int *free_ids;
  struct endpoint *raw4, *raw6;
  struct endpoint *paths[PATH_BUCKETS];
  /* Shared with JavaScript. */
  uint8_t *ring;
  struct arrivals *arrivals;
  struct range *ranges;
  struct outcome *outcome;
  /* Set up once, used by every recvmmsg. */
  struct mmsghdr messages[RING_SLOTS];
  struct iovec slots[RING_SLOTS];
  address names[RING_SLOTS];
  _Alignas(8) uint8_t control[RING_SLOTS][CONTROL_BYTES];
};

/* reactor.c: the table of sockets, and who is read next. Functions that can fail answer -errno. */
int reactor_init(struct reactor *reactor);
int reactor_receive(struct reactor *reactor);
void reactor_close(struct reactor *reactor);
int endpoint_add(struct reactor *reactor, struct endpoint *endpoint);
int endpoint_watch(struct reactor *reactor, struct endpoint *endpoint);
struct endpoint *endpoint_of(struct reactor *reactor, int id);
void endpoint_close(struct reactor *reactor, struct endpoint *endpoint);
void endpoint_forget(struct reactor *reactor, struct endpoint *endpoint);
int address_parse(const char *text, uint16_t port, address *out);
socklen_t address_size(const address *address);

/* udp.c */
int udp_open(struct reactor *reactor, const address *remote, uint16_t local_port);

/* esp.c */
int esp_open(struct reactor *reactor, const address *local, const address *remote);
void esp_close_path(struct reactor *reactor, struct endpoint *path);
void esp_arrived(struct reactor *reactor, const struct endpoint *raw, int slot, struct arrival *arrival);

/* receive.c: takes one burst from a socket; answers the number of messages. */
int receive_burst(struct reactor *reactor, struct endpoint *endpoint);

/* send.c: sends `count` ranges of `bytes`, each as one datagram, in order. */
void send_records(struct reactor *reactor, struct endpoint *endpoint, uint8_t *bytes, int count);
void send_with_reserve(struct reactor *reactor, struct endpoint *endpoint, uint8_t *bytes, int count);

/* tcp.c */
int tcp_tune(int fd, int unsent);

#endif
