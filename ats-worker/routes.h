/*
 * routes.h - which path is served by what.
 */
#ifndef ATS_ROUTES_H
#define ATS_ROUTES_H

#include "http_server.h"

void route_request(struct http_conn *);

/* The routes with files of their own; each takes the connection or answers. */
void api_route(struct http_conn *);
void upload_route(struct http_conn *);
void download_route(struct http_conn *);
void eventsource_route(struct http_conn *);

#endif
