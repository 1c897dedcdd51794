# Worker, starter and emulator in one image. Debian, because the Temporal SDK's native part has no build for musl.
FROM node:24.11.1-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.base.json ./
COPY dev/build.mjs dev/lock.mjs dev/
COPY emulator emulator
COPY src src
RUN npm run build && npm prune --omit=dev --no-audit --no-fund

FROM node:24.11.1-bookworm-slim
# The SDK's native part trusts the system's certificates, and the slim image has none.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production
WORKDIR /app
# The default job store, in a folder that a volume mounted there takes its owner from.
RUN install --directory --owner=node --group=node --mode=0700 data
COPY package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
USER node
CMD ["node", "dist/worker.js"]
