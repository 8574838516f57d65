# The edge: Caddy with its configuration and the pages, made once and read only.
#   docker build -f deploy/edge.Dockerfile -t kepu-week/edge:0.2.0 .
FROM python:3.11.17-slim-bookworm AS made
WORKDIR /made
COPY pages/ pages/
# Nothing but Python's own library.
RUN python -m pages.build srv/pages
COPY deploy/caddy/ etc/caddy/
# A checkout made with umask 077 is readable by its owner alone, and so would its copy be.
RUN chmod -R a+rX srv etc

FROM caddy:2.11.7
# A copy of the program is without the right to ports below 1024, which its image gives it. With that right nobody could
# start it who may not have it.
RUN cp /usr/bin/caddy /usr/bin/plain && mv /usr/bin/plain /usr/bin/caddy
COPY --from=made /made/etc/caddy/ /etc/caddy/
COPY --from=made /made/srv/pages/ /srv/pages/
CMD ["caddy", "run", "--config", "/etc/caddy/kubernetes.Caddyfile", "--adapter", "caddyfile"]
