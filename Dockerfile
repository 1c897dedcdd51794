# Worker, starter, codec server and emulator in one image. Debian, because the Temporal SDK's native part has no build for
# musl. On both stages the same release of it: what is native is taken over.
FROM node:24.21.0-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.base.json ./
COPY dev/build.mjs dev/lock.mjs dev/
COPY emulator emulator
COPY src src
# The SDK's package carries its native part for five platforms.
RUN npm run build \
    && npm prune --omit=dev --no-audit --no-fund \
    && find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 ! -name '*-linux-gnu' -exec rm -r {} +

FROM node:24.21.0-bookworm-slim
LABEL org.opencontainers.image.title="bigcommerce-customer-updates" \
      org.opencontainers.image.description="Updates large numbers of BigCommerce customers durably, as Temporal workflows" \
      org.opencontainers.image.licenses="MIT"
# The SDK's native part trusts the system's certificates, and the slim image has none. The newest are wanted.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production
WORKDIR /app
# The default job store, in a folder that a volume mounted there takes its owner from.
RUN install --directory --owner=1000 --group=1000 --mode=0700 data
COPY package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
# The user `node` of the base image; by number, so that a cluster can tell that it isn't root.
USER 1000:1000
# The worker's. Whatever restarts an unhealthy container must ask for /live only: without Temporal the worker is not ready,
# and goes on by itself. Other programs of the image need another one, or none.
ENV HEALTH_ADDRESS=0.0.0.0:9465
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["node", "-e", "fetch('http://127.0.0.1:9465/live').then(({ ok }) => process.exit(ok ? 0 : 1))"]
CMD ["node", "dist/worker.js"]
