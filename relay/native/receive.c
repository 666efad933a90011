/* Taking datagrams from a socket, many at a time. */
#include "datagrams.h"

#include <errno.h>
#include <netinet/udp.h>
#include <string.h>

/* How many a burst asks for first: one packet costs one call, which also shows that there are no more. */
#define FIRST_MESSAGES 2

static int segment_of(struct msghdr *header);

int receive_burst(struct reactor *reactor, struct endpoint *endpoint) {
  struct arrivals *arrivals = reactor->arrivals;
  int count = 0;
  size_t bytes = 0, largest = 0;
  int wanted = FIRST_MESSAGES;
  arrivals->error = 0;
  arrivals->error_id = endpoint->id;
  for (;;) {
    for (int i = count; i < count + wanted; i++) {
      struct msghdr *header = &reactor->messages[i].msg_hdr;
      header->msg_namelen = sizeof reactor->names[i];
      header->msg_controllen = sizeof reactor->control[i];
    }
    int got = recvmmsg(endpoint->fd, reactor->messages + count, (unsigned)wanted, MSG_DONTWAIT, NULL);
    if (got < 0) {
      if (errno == EINTR) continue;
      /* An ICMP error that came back, most often; what waits behind it comes in the next turn. */
      if (errno != EAGAIN) arrivals->error = errno;
      break;
    }
    for (int i = count; i < count + got; i++) {
      struct arrival *arrival = &arrivals->list[i];
      arrival->offset = (int32_t)(i * SLOT_STRIDE);
      arrival->length = (int32_t)reactor->messages[i].msg_len;
      if (endpoint->kind == RAW) {
        arrival->segment = 0;
        esp_arrived(reactor, endpoint, i, arrival);
      } else {
        arrival->segment = segment_of(&reactor->messages[i].msg_hdr);
        arrival->id = endpoint->id;
      }
      bytes += reactor->messages[i].msg_len;
      if (reactor->messages[i].msg_len > largest) largest = reactor->messages[i].msg_len;
    }
    count += got;
    if (got < wanted || count == RING_SLOTS || bytes >= BURST_BYTES) break;
    /* As many as have room if the rest is like the first: GRO bundles of 64 KB, or datagrams. */
    size_t room = largest == 0 ? RING_SLOTS : (BURST_BYTES - bytes) / largest + 1;
    wanted = RING_SLOTS - count;
    if (room < (size_t)wanted) wanted = (int)room;
  }
  reactor->taken += bytes;
  return count;
}

/* The length of the datagrams in a GRO bundle, 0 for a lone one. */
static int segment_of(struct msghdr *header) {
  for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control != NULL; control = CMSG_NXTHDR(header, control)) {
    if (control->cmsg_level == SOL_UDP && control->cmsg_type == UDP_GRO) {
      int segment;
      memcpy(&segment, CMSG_DATA(control), sizeof segment);
      return segment;
    }
  }
  return 0;
}
