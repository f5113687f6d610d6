/* Event streams (GET /api/v1/stream): a browser hears {topic, id, etag} and reads the rest through the API.
 *
 * A stream lives as long as its session: every fourth heartbeat (a minute) the keeper is asked again, with the same cookie, whether it still holds. A
 * browser that does not read is cut off at FRONT_STREAM_QUEUE; it comes back by itself. */
#include "door/front/front_private.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>

#define CHECK_BEATS 4

void stream_end(struct front *f, struct evhttp_request *http)
{
    for (size_t i = 0; i < FRONT_STREAMS; i++) {
        if (f->streams[i] != http)
            continue;
        f->streams[i] = NULL;
        front_forget(f, http);
        struct evhttp_connection *connection = evhttp_request_get_connection(http);
        if (connection != NULL)
            evhttp_connection_set_closecb(connection, NULL, NULL);
        evhttp_send_reply_end(http);
        return;
    }
}

/* The browser left: the request is freed by evhttp_send_reply_end, once its connection is gone from it. */
static void on_close(struct evhttp_connection *connection, void *context)
{
    struct front *f = context;
    for (size_t i = 0; i < FRONT_STREAMS; i++)
        if (f->streams[i] != NULL && evhttp_request_get_connection(f->streams[i]) == connection) {
            front_forget(f, f->streams[i]);
            f->streams[i] = NULL; /* libevent frees the request with its connection */
            return;
        }
}

static void send_lines(struct front *f, struct evhttp_request *http, struct span lines)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(http);
    struct evbuffer *chunk = evbuffer_new();
    if (connection == NULL || chunk == NULL ||
        evbuffer_get_length(bufferevent_get_output(evhttp_connection_get_bufferevent(connection))) + lines.n > FRONT_STREAM_QUEUE ||
        evbuffer_add(chunk, lines.p, lines.n) != 0)
        stream_end(f, http);
    else
        evhttp_send_reply_chunk(http, chunk);
    if (chunk != NULL)
        evbuffer_free(chunk);
}

void stream_open(struct front *f, struct evhttp_request *http)
{
    size_t slot = 0;
    while (slot < FRONT_STREAMS && f->streams[slot] != NULL)
        slot++;
    struct evhttp_connection *connection = evhttp_request_get_connection(http);
    if (slot == FRONT_STREAMS || connection == NULL) {
        front_problem(f, http, 503, "streams", "Too many pages are open. Close one and reload.");
        return;
    }
    f->streams[slot] = http;
    evhttp_connection_set_closecb(connection, on_close, f);
    bufferevent_set_timeouts(evhttp_connection_get_bufferevent(connection), NULL, NULL);
    front_secure_headers(f, http);
    (void)evhttp_add_header(evhttp_request_get_output_headers(http), "Content-Type", "text/event-stream; charset=utf-8");
    (void)evhttp_add_header(evhttp_request_get_output_headers(http), "Cache-Control", "no-store");
    evhttp_send_reply_start(http, 200, "OK");
    send_lines(f, http, SPAN_LIT("retry: 3000\n\n"));
}

void stream_tell(struct front *f, struct span lines)
{
    for (size_t i = 0; i < FRONT_STREAMS; i++)
        if (f->streams[i] != NULL)
            send_lines(f, f->streams[i], lines);
}

void stream_beat(struct front *f)
{
    stream_tell(f, SPAN_LIT(": still here\n\n"));
    if (f->beats % CHECK_BEATS != 0)
        return;
    for (size_t i = 0; i < FRONT_STREAMS; i++)
        if (f->streams[i] != NULL)
            (void)front_ask(f, f->streams[i], ASK_CHECK); /* not now: the next beat asks again */
}

void stream_close_all(struct front *f)
{
    for (size_t i = 0; i < FRONT_STREAMS; i++)
        if (f->streams[i] != NULL)
            stream_end(f, f->streams[i]);
}
