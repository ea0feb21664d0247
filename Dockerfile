# One image for every role; which one a container has is said by its command. Built from a checkout: docker build .
# The versions are pinned: raise them on purpose, and often, because they carry the security fixes.

FROM node:24.11.1-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json tsconfig.console.json vite.config.ts ./
COPY src ./src
RUN npm run build

FROM node:24.11.1-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
# The embedded ClickHouse engine weighs half a gigabyte, and a ClickHouse server stands beside a container.
RUN npm ci --omit=dev --ignore-scripts && rm -rf node_modules/chdb node_modules/@chdb && npm cache clean --force

FROM node:24.11.1-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json LICENSE ./
COPY models ./models
COPY policies ./policies
COPY deploy/health.mjs ./deploy/health.mjs
# A new volume takes its owner from here; everything else may be mounted read-only.
RUN install -d -o 1000 -g 1000 -m 0700 /var/lib/killdeer
USER 1000:1000
VOLUME ["/var/lib/killdeer"]
EXPOSE 8321 9464
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["node", "deploy/health.mjs"]
ENTRYPOINT ["node", "dist/main.js"]
CMD ["run", "--data", "/var/lib/killdeer"]
