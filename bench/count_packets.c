/* The yardstick of scripts/bench: counts the packets and bytes of a capture with libpcap and does nothing else.
 *
 * usage: count_packets FILE.pcap. Prints "packets bytes". */
#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdint.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    if (argc != 2) {
        (void)fprintf(stderr, "usage: count_packets FILE.pcap\n");
        return 2;
    }
    char why[PCAP_ERRBUF_SIZE];
    pcap_t *capture = pcap_open_offline(argv[1], why);
    if (capture == NULL) {
        (void)fprintf(stderr, "%s\n", why);
        return 2;
    }
    uint64_t packets = 0;
    uint64_t bytes = 0;
    struct pcap_pkthdr *header;
    const u_char *data;
    int got;
    while ((got = pcap_next_ex(capture, &header, &data)) == 1) {
        packets++;
        bytes += header->len;
    }
    if (got == PCAP_ERROR)
        (void)fprintf(stderr, "%s: %s\n", argv[1], pcap_geterr(capture));
    pcap_close(capture);
    (void)printf("%" PRIu64 " %" PRIu64 "\n", packets, bytes);
    return got == PCAP_ERROR ? 2 : 0;
}
