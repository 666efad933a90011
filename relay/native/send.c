/* Sending the records of a frame, many at a time: sendmmsg, and UDP GSO for runs of equal length. */
#include "datagrams.h"

#include <errno.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/uio.h>

/* Messages and records of one sendmmsg. */
#define MESSAGES 64
#define RECORDS 256

/* A GSO run: what every kernel with GSO takes, and no segment that would have to be fragmented. */
#define RUN_RECORDS 64
#define RUN_BYTES 65507
#define SEGMENT_LARGEST 1472

struct batch {
  struct mmsghdr messages[MESSAGES];
  struct iovec records[RECORDS];
  _Alignas(8) uint8_t control[MESSAGES][CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

static int gather(const struct endpoint *endpoint, uint8_t *bytes, const struct range *ranges, int count,
                  struct batch *batch);
static int run_length(const struct range *ranges, int count);
static void add_segment(struct msghdr *header, uint8_t *control, uint16_t segment);
static void add_source(struct msghdr *header, uint8_t *control, const struct endpoint *path);
static bool refuses_gso(int error);

void send_records(struct reactor *reactor, struct endpoint *endpoint, uint8_t *bytes, int count) {
  struct outcome *outcome = reactor->outcome;
  struct batch batch;
  memset(outcome, 0, sizeof *outcome);
  bool again = false; /* the next message has failed once */
  for (int done = 0; done < count;) {
    int messages = gather(endpoint, bytes, reactor->ranges + done, count - done, &batch);
    int sent = sendmmsg(endpoint->fd, batch.messages, (unsigned)messages, MSG_DONTWAIT);
    if (sent > 0) {
      for (int i = 0; i < sent; i++) {
        done += (int)batch.messages[i].msg_hdr.msg_iovlen;
        outcome->sent += (int32_t)batch.messages[i].msg_hdr.msg_iovlen;
      }
      again = false;
      continue;
    }
    int error = errno;
    if (error == EINTR) continue;
    if (error == EAGAIN || error == ENOBUFS) {
      outcome->full = count - done;
      return;
    }
    int records = (int)batch.messages[0].msg_hdr.msg_iovlen;
    if (records > 1 && refuses_gso(error)) {
      endpoint->gso = false;
      continue;
    }
    outcome->error = error;
    if (!again) {
      /* It may have been an ICMP error about an earlier datagram, which is over now. */
      again = true;
      continue;
    }
    outcome->failed += records;
    done += records;
    again = false;
  }
}

/*
 * The same with a little more of the socket's buffer than others may use, for what is to be dropped last. The
 * limit is checked when a datagram is taken over, so raising it for the one call does it.
 */
void send_with_reserve(struct reactor *reactor, struct endpoint *endpoint, uint8_t *bytes, int count) {
  int most = endpoint->send_buffer;
  int usual = most - most / SEND_RESERVE_PART;
  if (endpoint->kind == UDP) setsockopt(endpoint->fd, SOL_SOCKET, SO_SNDBUF, &most, sizeof most);
  send_records(reactor, endpoint, bytes, count);
  if (endpoint->kind == UDP) setsockopt(endpoint->fd, SOL_SOCKET, SO_SNDBUF, &usual, sizeof usual);
}

/* Fills the batch from the front of the ranges; answers the number of messages. */
static int gather(const struct endpoint *endpoint, uint8_t *bytes, const struct range *ranges, int count,
                  struct batch *batch) {
  if (count > RECORDS) count = RECORDS;
  int messages = 0;
  for (int at = 0; at < count && messages < MESSAGES; messages++) {
    int run = endpoint->gso ? run_length(ranges + at, count - at) : 1;
    for (int i = at; i < at + run; i++) {
      batch->records[i].iov_base = bytes + ranges[i].start;
      batch->records[i].iov_len = (size_t)(ranges[i].end - ranges[i].start);
    }
    struct msghdr *header = &batch->messages[messages].msg_hdr;
    memset(header, 0, sizeof *header);
    header->msg_iov = &batch->records[at];
    header->msg_iovlen = (size_t)run;
    if (run > 1) add_segment(header, batch->control[messages], (uint16_t)batch->records[at].iov_len);
    if (endpoint->kind == PATH) add_source(header, batch->control[messages], endpoint);
    at += run;
  }
  return messages;
}

/* How many of the first records have the length of the first, the last of them perhaps less. */
static int run_length(const struct range *ranges, int count) {
  int32_t segment = ranges[0].end - ranges[0].start;
  if (segment > SEGMENT_LARGEST) return 1;
  int32_t bytes = segment;
  int run = 1;
  for (; run < count && run < RUN_RECORDS; run++) {
    int32_t length = ranges[run].end - ranges[run].start;
    bytes += length;
    if (length > segment || bytes > RUN_BYTES) break;
    if (length < segment) return run + 1;
  }
  return run;
}

static void add_segment(struct msghdr *header, uint8_t *control, uint16_t segment) {
  header->msg_control = control;
  header->msg_controllen = CMSG_SPACE(sizeof segment);
  struct cmsghdr *message = CMSG_FIRSTHDR(header);
  message->cmsg_level = SOL_UDP;
  message->cmsg_type = UDP_SEGMENT;
  message->cmsg_len = CMSG_LEN(sizeof segment);
  memcpy(CMSG_DATA(message), &segment, sizeof segment);
}

/* Where a raw socket's datagram goes, and from which of this host's addresses. */
static void add_source(struct msghdr *header, uint8_t *control, const struct endpoint *path) {
  header->msg_name = (void *)&path->remote;
  header->msg_namelen = address_size(&path->remote);
  header->msg_control = control;
  if (path->remote.any.sa_family == AF_INET) {
    struct in_pktinfo source = {.ipi_spec_dst = path->local.v4.sin_addr};
    header->msg_controllen = CMSG_SPACE(sizeof source);
    struct cmsghdr *message = CMSG_FIRSTHDR(header);
    message->cmsg_level = IPPROTO_IP;
    message->cmsg_type = IP_PKTINFO;
    message->cmsg_len = CMSG_LEN(sizeof source);
    memcpy(CMSG_DATA(message), &source, sizeof source);
  } else {
    struct in6_pktinfo source = {.ipi6_addr = path->local.v6.sin6_addr};
    header->msg_controllen = CMSG_SPACE(sizeof source);
    struct cmsghdr *message = CMSG_FIRSTHDR(header);
    message->cmsg_level = IPPROTO_IPV6;
    message->cmsg_type = IPV6_PKTINFO;
    message->cmsg_len = CMSG_LEN(sizeof source);
    memcpy(CMSG_DATA(message), &source, sizeof source);
  }
}

/* A device without checksum offload, IPsec on the way, a segment that does not fit the path's MTU. */
static bool refuses_gso(int error) {
  return error == EINVAL || error == EIO || error == EMSGSIZE || error == EOPNOTSUPP;
}
