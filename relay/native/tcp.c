/* What Node has no option for on the connections to tabs. */
#include "datagrams.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>

static bool is_loopback(const address *address);

/*
 * Lets the kernel hold at most `unsent` bytes that it has not sent yet, so that what waits is seen, and bounded,
 * in the process; and chooses BBR, which a lossy path to a tab needs, where the system has it. A connection
 * within this host, a proxy's, keeps the system's choice. Answers 1 for the first, plus 2 for the second.
 */
int tcp_tune(int fd, int unsent) {
  int done = 0;
  if (setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent) == 0) done |= 1;
  address peer;
  socklen_t size = sizeof peer;
  if (getpeername(fd, &peer.any, &size) < 0 || is_loopback(&peer)) return done;
  static const char bbr[] = "bbr";
  if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, bbr, sizeof bbr - 1) == 0) done |= 2;
  return done;
}

static bool is_loopback(const address *address) {
  if (address->any.sa_family == AF_INET) return ntohl(address->v4.sin_addr.s_addr) >> 24 == 127;
  if (address->any.sa_family != AF_INET6) return true;
  const struct in6_addr *v6 = &address->v6.sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(v6)) return v6->s6_addr[12] == 127;
  return IN6_IS_ADDR_LOOPBACK(v6);
}
