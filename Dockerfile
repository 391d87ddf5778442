# The image of a minivault node: docker build -t minivault:latest .
#
# Built on Debian with compilers, run on Debian with glibc, Node and nothing else: no shell, no package manager,
# no root. Its data is in /data. What the node takes from flags it also takes from variables (MINIVAULT_PORT, …);
# the health check asks the port that MINIVAULT_PORT names, so change that rather than -port.
ARG NODE=24

FROM node:${NODE}-bookworm AS build
WORKDIR /source
COPY . .
RUN node scripts/standalone.mjs image
RUN mkdir data

FROM gcr.io/distroless/nodejs${NODE}-debian12:nonroot
COPY --from=build /source/image /minivault
# A volume that is new takes owner and rights from here.
COPY --from=build --chown=65532:65532 /source/data /data
ENV NODE_ENV=production
ENV MINIVAULT_DATA=/data
USER 65532:65532
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=10s --start-period=30s --retries=3 \
  CMD ["/nodejs/bin/node", "/minivault/minivault-node.cjs", "-health"]
ENTRYPOINT ["/nodejs/bin/node", "/minivault/minivault-node.cjs"]
