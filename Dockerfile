# syntax=docker/dockerfile:1
# Node 22, not 20: Node 20 gets no security fixes any more, and the image is what faces the internet.
# slim, not alpine: the native parts (classic-level, argon2) ship tested glibc builds.

# The bundle is the same for every processor, so it is made once, on the machine that builds.
FROM --platform=$BUILDPLATFORM node:22-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run build
RUN node scripts/pack.mjs

# What the release needs at run time, for the image's own processor.
FROM node:22-bookworm-slim AS install
COPY --from=build /src/build/*.tgz /tmp/
RUN npm install --global --prefix /opt/mcp-local-tunnel --omit=dev --no-audit --no-fund /tmp/*.tgz

FROM node:22-bookworm-slim
LABEL org.opencontainers.image.title="mcp-local-tunnel" \
      org.opencontainers.image.description="Relay and agent for MCP servers on your own machine" \
      org.opencontainers.image.licenses="MIT"
COPY --from=install /opt/mcp-local-tunnel /opt/mcp-local-tunnel
RUN mkdir /data && chown 1000:1000 /data
# Home is the volume, so the default `dataDir` and an agent's credentials are kept without any setting.
ENV NODE_ENV=production \
    HOME=/data \
    PATH=/opt/mcp-local-tunnel/bin:$PATH
USER 1000:1000
WORKDIR /data
VOLUME /data
EXPOSE 3000
STOPSIGNAL SIGTERM
# Finds the config as the program itself does; for an agent it is healthy that its link is up.
HEALTHCHECK --interval=30s --timeout=10s --start-period=20s \
  CMD ["mcp-local-tunnel", "status"]
ENTRYPOINT ["mcp-local-tunnel"]
