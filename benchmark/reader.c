/*
 * The floor: a C program over OpenSSL that sends one IMAP command and reads to its end, looking only for the tagged line.
 * Nothing that understands the answer can be faster by much.
 *
 *   reader HOST PORT CA-FILE USER PASSWORD MAILBOX COMMAND
 *
 * Prints { wallMs, cpuMs, rssMb, messages, bytes } of the command as JSON.
 */

#include <netdb.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static char buffer[256 * 1024];
static SSL *ssl;

static void die(const char *what) {
  fprintf(stderr, "reader: %s\n", what);
  exit(1);
}

static double wall_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static double cpu_ms(void) {
  struct rusage use;
  getrusage(RUSAGE_SELF, &use);
  return (use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1e3 + (use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e3;
}

static int dial(const char *host, const char *port) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found, *at;
  if (getaddrinfo(host, port, &hints, &found) != 0) die("no such host");
  for (at = found; at; at = at->ai_next) {
    int fd = socket(at->ai_family, at->ai_socktype, at->ai_protocol);
    if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) == 0) return fd;
    if (fd >= 0) close(fd);
  }
  die("cannot connect");
  return -1;
}

static long messages, bytes;

/* The end of one line that was cut by the buffer's: literals and tags are told by their last or first characters. */
static char held[512];
static size_t held_length;
static long literal;
static int line_start = 1;

/* One whole line, or the tail of a longer one. 1 at the tagged OK. */
static int line(const char *text, size_t length, int from_start) {
  if (from_start && length >= 2 && memcmp(text, "A ", 2) == 0) {
    if (length < 4 || memcmp(text, "A OK", 4) != 0) die("refused");
    return 1;
  }
  if (from_start && length > 2 && text[0] == '*') messages++;
  if (length >= 3 && text[length - 1] == '}') {
    size_t at = length - 1;
    while (at > 0 && text[at - 1] >= '0' && text[at - 1] <= '9') at--;
    if (at > 0 && text[at - 1] == '{') {
      literal = strtol(text + at, NULL, 10);
      line_start = 0;
      return 0;
    }
  }
  line_start = 1;
  return 0;
}

static int feed(const char *at, size_t left) {
  while (left > 0) {
    if (literal > 0) {
      size_t skip = (size_t)literal < left ? (size_t)literal : left;
      literal -= skip;
      at += skip;
      left -= skip;
      continue;
    }
    const char *end = memchr(at, '\n', left);
    size_t length = end ? (size_t)(end - at) + 1 : left;
    const char *text = at;
    size_t whole = length;
    int from_start = line_start;
    if (held_length > 0 || !end) {
      size_t room = sizeof held - held_length;
      if (length > room) {
        /* Too long to hold: its first and last characters are what counts. */
        size_t keep = length < 64 ? length : 64;
        if (held_length < 64) memcpy(held + held_length, at, 64 - held_length);
        memcpy(held + 64, at + length - keep, keep);
        held_length = 64 + keep;
      } else {
        memcpy(held + held_length, at, length);
        held_length += length;
      }
      text = held;
      whole = held_length;
    }
    at += length;
    left -= length;
    if (!end) break;
    held_length = 0;
    while (whole > 0 && (text[whole - 1] == '\n' || text[whole - 1] == '\r')) whole--;
    if (line(text, whole, from_start)) return 1;
  }
  return 0;
}

static void command(const char *text) {
  char sent[1024];
  int length = snprintf(sent, sizeof sent, "A %s\r\n", text);
  if (SSL_write(ssl, sent, length) != length) die("cannot write");
  for (;;) {
    int got = SSL_read(ssl, buffer, sizeof buffer);
    if (got <= 0) die("hung up");
    bytes += got;
    if (feed(buffer, got)) return;
  }
}

int main(int count, char **words) {
  char text[1024];
  if (count != 8) die("HOST PORT CA USER PASSWORD MAILBOX COMMAND");
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  if (!context || SSL_CTX_load_verify_locations(context, words[3], NULL) != 1) die("no CA");
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
  /* As much as there is in one call, like any client that cares. */
  SSL_CTX_set_read_ahead(context, 1);
  ssl = SSL_new(context);
  SSL_set1_host(ssl, words[1]);
  SSL_set_tlsext_host_name(ssl, words[1]);
  SSL_set_fd(ssl, dial(words[1], words[2]));
  if (SSL_connect(ssl) != 1) die("TLS failed");
  snprintf(text, sizeof text, "LOGIN %s %s", words[4], words[5]);
  command(text);
  snprintf(text, sizeof text, "EXAMINE %s", words[6]);
  command(text);
  messages = bytes = 0;
  double wall = wall_ms(), cpu = cpu_ms();
  command(words[7]);
  wall = wall_ms() - wall;
  cpu = cpu_ms() - cpu;
  struct rusage use;
  getrusage(RUSAGE_SELF, &use);
  printf("{\"wallMs\":%.3f,\"cpuMs\":%.3f,\"rssMb\":%.1f,\"messages\":%ld,\"bytes\":%ld}\n", wall, cpu,
         use.ru_maxrss / 1024.0, messages, bytes);
  return 0;
}
