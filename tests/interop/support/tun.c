/*
 * A TUN device on standard input and output: every IP packet that the kernel sends into the device comes out, and
 * every one that goes in the kernel receives. Node cannot do this itself, since a TUN device is attached with an ioctl.
 *
 *     tun NAME        the device exists already (ip tuntap add)
 *
 * Both streams carry frames: length u16 big-endian, then the packet; the first one is empty and says that the device
 * is attached. Many packets go in one write, so that Node is woken once for them. Ends with its input or its device. Left out: offloads, since the link between must see single packets.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { HEADER = 2, LARGEST = 65535, CAPACITY = 1 << 20 };

/* Bytes [start, end) wait to be written. */
struct buffer {
  size_t start, end;
  uint8_t bytes[CAPACITY];
};

static struct buffer from_device, to_device;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void make_nonblocking(int fd) {
  if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0) fail("fcntl");
}

static int attach(const char *name) {
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  if (strlen(name) >= IFNAMSIZ) {
    fprintf(stderr, "name too long\n");
    exit(2);
  }
  strcpy(request.ifr_name, name);
  int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
  if (fd < 0) fail("/dev/net/tun");
  if (ioctl(fd, TUNSETIFF, &request) < 0) fail("TUNSETIFF");
  return fd;
}

/* Moves what waits to the front, so that the rest of the buffer is room. */
static void compact(struct buffer *buffer) {
  memmove(buffer->bytes, buffer->bytes + buffer->start, buffer->end - buffer->start);
  buffer->end -= buffer->start;
  buffer->start = 0;
}

static int has_room(const struct buffer *buffer) {
  return buffer->end - buffer->start + HEADER + LARGEST <= CAPACITY;
}

static void read_device(int device) {
  compact(&from_device);
  while (has_room(&from_device)) {
    uint8_t *frame = from_device.bytes + from_device.end;
    ssize_t length = read(device, frame + HEADER, LARGEST);
    if (length < 0 && errno == EAGAIN) return;
    if (length <= 0) fail("read from device");
    frame[0] = length >> 8;
    frame[1] = length & 0xff;
    from_device.end += HEADER + length;
  }
}

static void write_output(void) {
  ssize_t length = write(STDOUT_FILENO, from_device.bytes + from_device.start, from_device.end - from_device.start);
  if (length < 0 && errno != EAGAIN) fail("write");
  if (length > 0) from_device.start += length;
}

/* What the kernel refuses is lost, as on a wire: no packet (EINVAL), or the device is down (EIO). */
static void write_device(int device) {
  for (;;) {
    size_t waiting = to_device.end - to_device.start;
    const uint8_t *frame = to_device.bytes + to_device.start;
    if (waiting < HEADER) return;
    size_t length = frame[0] << 8 | frame[1];
    if (waiting < HEADER + length) return;
    ssize_t ignored = write(device, frame + HEADER, length);
    (void)ignored;
    to_device.start += HEADER + length;
  }
}

static void read_input(int device) {
  compact(&to_device);
  ssize_t length = read(STDIN_FILENO, to_device.bytes + to_device.end, CAPACITY - to_device.end);
  if (length == 0) exit(0);
  if (length < 0 && errno != EAGAIN) fail("read");
  if (length > 0) to_device.end += length;
  write_device(device);
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: tun NAME\n");
    return 2;
  }
  int device = attach(argv[1]);
  make_nonblocking(device);
  make_nonblocking(STDIN_FILENO);
  make_nonblocking(STDOUT_FILENO);
  from_device.end = HEADER; /* two zeros: the empty frame */
  for (;;) {
    int pending = from_device.end > from_device.start;
    struct pollfd polled[] = {
        {.fd = device, .events = has_room(&from_device) ? POLLIN : 0},
        {.fd = STDIN_FILENO, .events = POLLIN},
        {.fd = STDOUT_FILENO, .events = pending ? POLLOUT : 0},
    };
    if (poll(polled, 3, -1) < 0 && errno != EINTR) fail("poll");
    if (polled[0].revents & POLLERR) exit(0);
    if (polled[0].revents & POLLIN) read_device(device);
    if (polled[1].revents & (POLLIN | POLLHUP)) read_input(device);
    if (from_device.end > from_device.start) write_output();
  }
}
