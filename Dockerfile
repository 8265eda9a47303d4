# legacy-tc as a service. No build needs BuildKit; .ci/image runs the same steps where there is no engine.
ARG BASE=debian:12-slim

FROM ${BASE} AS build
# Your own package index, if you have one; pip reads it from the environment of the steps below.
ARG PIP_INDEX_URL
COPY deploy/docker/ /steps/
RUN apt-get update \
    && xargs -a /steps/packages-run.txt apt-get install -y --no-install-recommends \
    && xargs -a /steps/packages-build.txt apt-get install -y --no-install-recommends
COPY . /src
RUN python3 -m venv /tools && mkdir /wheels && PYTHON=/tools/bin/python /steps/wheels /src /wheels
RUN /steps/install /wheels

FROM ${BASE}
COPY deploy/docker/ /steps/
RUN apt-get update \
    && xargs -a /steps/packages-run.txt apt-get install -y --no-install-recommends \
    && rm -rf /var/lib/apt/lists/* \
    && /steps/account
COPY --from=build /opt/legacy-tc /opt/legacy-tc
# All of it comments: what is mounted over it, or an option, says what to run.
COPY configs/legacy-tc.toml /etc/legacy-tc/legacy-tc.toml

ARG VERSION=unknown
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="legacy-tc" \
      org.opencontainers.image.description="A Zigbee Trust Center as old, as wrong or as compliant as you ask" \
      org.opencontainers.image.licenses="GPL-3.0-or-later" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"

# With a read-only root this volume is all that can be written, so these two come before the configuration file.
ENV LEGACY_TC_CONFIG=/etc/legacy-tc/legacy-tc.toml \
    LEGACY_TC__STATE__FOLDER=/var/lib/legacy-tc/state \
    LEGACY_TC__EVIDENCE__FOLDER=/var/lib/legacy-tc/captures \
    PYTHONDONTWRITEBYTECODE=1
VOLUME /var/lib/legacy-tc
WORKDIR /var/lib/legacy-tc
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 \
    CMD ["legacy-tc", "health", "--timeout", "3"]
ENTRYPOINT ["legacy-tc"]
