/* The kernel fills block after block of the ring and hands each over by its status word; the reader walks a block and hands it back.
 *
 * 1. A block is read only while its status says that it is the reader's, and handed back before the next one is looked at, or at the call after its
 * last packet: a packet handed out stays until then.
 * 2. Offsets and lengths in a block are believed only inside the block; one that points outside ends the walk of that block. */
#include "engine/sense/ring.h"

#include "wire/link.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define BLOCK (256u * 1024)
#define BLOCKS (RING_BYTES / BLOCK)
#define RETIRE_MS 50 /* a block that is not full is handed over after this */
#define TAG 4        /* bytes of a VLAN tag, and of the room kept for it */
#define MACS 12      /* bytes of the two addresses before it */

struct ring {
    int fd;
    uint32_t linktype;
    uint8_t *memory;
    unsigned block; /* the one to read, or being read */
    bool inside;    /* a block is being read */
    uint32_t left;  /* its packets not handed out yet */
    uint32_t at;    /* offset of the next one in it */
    struct ring_counts counts;
};

int ring_prepare(int fd, struct error *e)
{
    const int version = TPACKET_V3;
    const int reserve = TAG;
    const struct tpacket_req3 request = {
        .tp_block_size = BLOCK, .tp_block_nr = BLOCKS, .tp_frame_size = 2048, .tp_frame_nr = RING_BYTES / 2048, .tp_retire_blk_tov = RETIRE_MS};
    if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) != 0)
        return err_sys(e, errno, "asking for a packet ring of version 3");
    if (setsockopt(fd, SOL_PACKET, PACKET_RESERVE, &reserve, sizeof reserve) != 0)
        return err_sys(e, errno, "keeping room for VLAN tags in a packet ring");
    if (setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof request) != 0)
        return err_sys(e, errno, "making a packet ring of %u MiB", RING_BYTES >> 20);
    return 0;
}

struct ring *ring_new(int fd, uint32_t linktype, struct error *e)
{
    struct ring *r = calloc(1, sizeof *r);
    if (r == NULL) {
        (void)err_set(e, ERR_SYSTEM, "no memory for a packet ring");
        return NULL;
    }
    void *memory = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) {
        (void)err_sys(e, errno, "mapping a packet ring");
        free(r);
        return NULL;
    }
    *r = (struct ring){.fd = fd, .linktype = linktype, .memory = memory};
    return r;
}

void ring_free(struct ring *r)
{
    if (r == NULL)
        return;
    (void)munmap(r->memory, RING_BYTES);
    free(r);
}

static uint8_t *block_at(const struct ring *r)
{
    return r->memory + (size_t)r->block * BLOCK;
}

static uint32_t *status_of_block(const struct ring *r, unsigned block)
{
    return &((struct tpacket_block_desc *)(void *)(r->memory + (size_t)block * BLOCK))->hdr.bh1.block_status;
}

static uint32_t *status_of(const struct ring *r)
{
    return status_of_block(r, r->block);
}

/* The kernel fills blocks in their order: where the last of some is the reader's, all before it are. */
unsigned ring_eighths(const struct ring *r)
{
    unsigned n = 8;
    while (n > 0 && (__atomic_load_n(status_of_block(r, (r->block + n * (BLOCKS / 8) - 1) % BLOCKS), __ATOMIC_ACQUIRE) & TP_STATUS_USER) == 0)
        n--;
    return n;
}

static void hand_back(struct ring *r)
{
    __atomic_store_n(status_of(r), TP_STATUS_KERNEL, __ATOMIC_RELEASE);
    r->inside = false;
    r->block = (r->block + 1) % BLOCKS;
}

static bool enter(struct ring *r)
{
    if ((__atomic_load_n(status_of(r), __ATOMIC_ACQUIRE) & TP_STATUS_USER) == 0)
        return false;
    struct tpacket_hdr_v1 head;
    memcpy(&head, &((struct tpacket_block_desc *)(void *)block_at(r))->hdr.bh1, sizeof head);
    r->inside = true;
    r->left = head.num_pkts;
    r->at = head.offset_to_first_pkt;
    return true;
}

/* The tag that the card took off, put back behind the two addresses: the frame then begins TAG bytes earlier, in the room that was kept. */
static struct span put_tag(uint8_t *frame, size_t n, const struct tpacket3_hdr *head)
{
    uint16_t kind = (head->tp_status & TP_STATUS_VLAN_TPID_VALID) != 0 ? head->hv1.tp_vlan_tpid : ETH_P_8021Q;
    uint16_t tag = (uint16_t)head->hv1.tp_vlan_tci;
    memmove(frame - TAG, frame, MACS);
    uint8_t *p = frame - TAG + MACS;
    p[0] = (uint8_t)(kind >> 8);
    p[1] = (uint8_t)kind;
    p[2] = (uint8_t)(tag >> 8);
    p[3] = (uint8_t)tag;
    return span_of(frame - TAG, n + TAG);
}

/* The packet at r->at of the block being read. False: the block ends here, or does not make sense. */
static bool take(struct ring *r, struct packet *ret)
{
    struct tpacket3_hdr head;
    if (r->left == 0 || r->at > BLOCK - sizeof head)
        return false;
    uint8_t *start = block_at(r) + r->at;
    memcpy(&head, start, sizeof head);
    size_t room = BLOCK - r->at;
    if (head.tp_mac < sizeof head + TAG || head.tp_mac > room || head.tp_snaplen > room - head.tp_mac)
        return false;
    uint8_t *frame = start + head.tp_mac;
    bool tagged = (head.tp_status & TP_STATUS_VLAN_VALID) != 0 && r->linktype == LINKTYPE_ETHERNET && head.tp_snaplen >= MACS;
    *ret = (struct packet){
        .time = (tq_time)head.tp_sec * TIME_SECOND + head.tp_nsec,
        .linktype = r->linktype,
        .wire_length = head.tp_len + (tagged ? TAG : 0),
        .bytes = tagged ? put_tag(frame, head.tp_snaplen, &head) : span_of(frame, head.tp_snaplen),
    };
    r->left = head.tp_next_offset == 0 || head.tp_next_offset > room ? 0 : r->left - 1;
    r->at += r->left > 0 ? head.tp_next_offset : 0;
    return true;
}

bool ring_next(struct ring *r, struct packet *ret)
{
    for (;;) {
        if (!r->inside && !enter(r))
            return false;
        if (take(r, ret))
            return true;
        hand_back(r);
    }
}

int ring_trouble(struct ring *r, struct error *e)
{
    int why = 0;
    socklen_t size = sizeof why;
    if (getsockopt(r->fd, SOL_SOCKET, SO_ERROR, &why, &size) != 0)
        return err_sys(e, errno, "asking what is wrong with an interface");
    if (why == ENETDOWN || why == ENODEV || why == ENXIO)
        return err_set(e, ERR_CLOSED, "the interface is down or gone");
    return why == 0 ? 0 : err_sys(e, why, "listening to an interface");
}

struct ring_counts ring_counts(struct ring *r)
{
    struct tpacket_stats_v3 stats = {0}; /* the kernel starts anew after each look */
    socklen_t size = sizeof stats;
    if (getsockopt(r->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0) {
        r->counts.seen += stats.tp_packets;
        r->counts.dropped += stats.tp_drops;
    }
    return r->counts;
}
